/** Adds up what came of documents that went to a language model: a balanced ledger, tokens, cost, and what was said of each reason. */
import { costOf, type Prices } from '../../classifiers/judge/budget.ts';
import { addUsage, noUsage, type TokenUsage } from '../../classifiers/judge/chat-types.ts';
import { assertBalanced, count, emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';

/** For want of an answer: another run may bring one. Every other reason is about the document, or what the model made of it. */
const failures: ReadonlySet<string> = new Set([
  'over_budget',
  'rate_limited',
  'server_error',
  'bad_response',
  'timeout',
  'connection',
]);

export interface OutcomeTotals {
  /** in = kept + dropped (by reason) + failed (no answer, budget used up, unreadable). */
  ledger: Ledger;
  /** Of all answers that the documents took. */
  usage: TokenUsage;
  costUsd: number | null;
  /** What was said of the first document of each reason, where anything was. */
  messages: Record<string, string>;
}

export class OutcomeTally {
  private readonly kept: string;
  private readonly ledger = emptyLedger();
  private readonly messages: Record<string, string> = {};
  private usage: TokenUsage = { ...noUsage };

  /** `kept`: the outcome that is a result. */
  constructor(kept: string) {
    this.kept = kept;
  }

  add({ outcome, usage, message }: { outcome: string; usage: TokenUsage; message?: string }): void {
    this.ledger.in++;
    if (outcome === this.kept) this.ledger.kept++;
    else count(failures.has(outcome) ? this.ledger.failed : this.ledger.dropped, outcome);
    if (message !== undefined) this.messages[outcome] ??= message;
    this.usage = addUsage(this.usage, usage);
  }

  /** `unreadable`: rows that never became documents. Throws when the ledger does not balance. */
  totals(unreadable: number, prices: Prices | undefined, what: string): OutcomeTotals {
    this.ledger.in += unreadable;
    if (unreadable > 0) count(this.ledger.failed, 'unreadable', unreadable);
    const ledger = mergeLedgers([this.ledger]);
    assertBalanced(ledger, what);
    const { usage, messages } = this;
    return { ledger, usage, costUsd: prices === undefined ? null : costOf(usage, prices), messages };
  }
}
