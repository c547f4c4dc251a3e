/**
 * Answers that are paid for once: taken from the journal where it has them, else asked of the endpoint within the budget and written to the
 * journal before they are handed on. What judge and refiner have in common.
 *
 * A request is one answer; a document may take several (its pieces, a second try after an unusable answer), and each is kept by itself, so
 * a kill in the middle of a long document loses none of them.
 */
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import { Budget, type BudgetLimits } from './budget.ts';
import {
  type ChatAnswer,
  type ChatMessage,
  type CountTokens,
  estimateTokens,
  type Sampling,
  type TokenUsage,
} from './chat-types.ts';
import { type Journal, requestKey } from './journal.ts';
import { DocumentProblem, type Endpoint, EndpointFailure } from './open-endpoint.ts';
import type { DocumentReason, RetryReason } from './read-answer.ts';

export interface PaidOptions {
  endpoint: Endpoint;
  journal: Journal;
  sampling: Sampling;
  /** Bounds what this job may cost, what is in the journal included. */
  limits?: BudgetLimits | undefined;
  /** No request begins once it is aborted; those under way are waited for and kept. */
  signal?: AbortSignal | undefined;
  /** Counts tokens for the budget; default: UTF-8 bytes / 4. */
  countTokens?: CountTokens | undefined;
  /** Requests failing one after another, each with all its tries, that end the run; default 20. */
  mostFailures?: number | undefined;
  /** Told after each answer, taken from the journal or not. */
  onAnswer?: ((progress: PaidProgress) => void) | undefined;
}

/** What a request came to. Only answers are kept: what the endpoint turns away costs nothing, and another run asks again. */
export type Asked =
  | { kind: 'answer'; answer: ChatAnswer }
  | { kind: 'problem'; reason: DocumentReason; message: string }
  | { kind: 'over_budget' }
  /** All tries failed. */
  | { kind: 'failed'; reason: RetryReason; message: string };

/** Why a request brought no answer. */
export type NoAnswer = DocumentReason | RetryReason | 'over_budget';

export interface PaidProgress {
  /** Taken from the journal, and asked for in this run. */
  replayed: number;
  answered: number;
  /** Of all answers in the journal. */
  paid: TokenUsage;
  /** Requests turned away, and lost, in this run. */
  retries: number;
  lost: number;
}

/** Tokens that a chat template puts around a conversation, about. */
const templateTokens = 16;

export class PaidAnswers {
  readonly budget: Budget;
  /** The budget has stopped the run. */
  stopped = false;
  private readonly options: PaidOptions;
  private readonly countTokens: CountTokens;
  private readonly pending = new Map<string, Promise<Asked>>();
  private failuresInARow = 0;
  /** What ended the run: nothing is asked after it. */
  private ended: unknown;
  private replayed = 0;
  private answered = 0;
  private lost = 0;

  constructor(options: PaidOptions) {
    this.options = options;
    this.countTokens = options.countTokens ?? estimateTokens;
    const { found } = options.journal;
    this.budget = new Budget(
      options.limits ?? {},
      options.countTokens === undefined ? 2 : 1.2,
      found.usage,
      found.lostMost,
    );
  }

  get progress(): PaidProgress {
    const { counts } = this.options.endpoint;
    return {
      replayed: this.replayed,
      answered: this.answered,
      paid: this.budget.paid,
      retries: Object.values(counts.retries).reduce((sum, n) => sum + n, 0),
      lost: this.lost,
    };
  }

  /** The key under which the journal has or will have the answer. */
  keyOf(id: string, messages: readonly ChatMessage[], sampling = this.options.sampling): string {
    return requestKey(id, this.options.endpoint.model, sampling, messages);
  }

  /** What the endpoint says to `messages`, for the document `id`. Throws for what ends the run. */
  async ask(id: string, messages: readonly ChatMessage[]): Promise<Asked> {
    const key = this.keyOf(id, messages);
    const stored = this.options.journal.get(key);
    if (stored !== undefined) {
      this.replayed++;
      this.options.onAnswer?.(this.progress);
      return { kind: 'answer', answer: stored };
    }
    // The same question about the same document, asked twice at once.
    const same = this.pending.get(key);
    if (same !== undefined) return same;
    const asked = this.pay(key, id, messages).finally(() => this.pending.delete(key));
    this.pending.set(key, asked);
    return asked;
  }

  private async pay(key: string, id: string, messages: readonly ChatMessage[]): Promise<Asked> {
    if (this.ended !== undefined) throw this.ended;
    if (this.stopped) return { kind: 'over_budget' };
    const { endpoint, journal, sampling, signal } = this.options;
    const { budget } = this;
    const prompt = messages.reduce((sum, { content }) => sum + this.countTokens(content), templateTokens);
    /** Set aside for the try that is under way. */
    let most: TokenUsage | undefined;
    const ended = (how: 'release' | 'lose'): void => {
      if (most === undefined) return;
      if (how === 'release') {
        budget.release(most);
        journal.back(key);
      } else {
        budget.lose(most);
        journal.lost(key, most);
        this.lost++;
      }
      most = undefined;
    };
    const onSend = async (): Promise<void> => {
      const next = budget.mostOf(prompt, sampling.maxTokens);
      if (this.stopped || !(await budget.reserveWhenRoom(next))) {
        this.stopped = true;
        throw new OverBudget();
      }
      if (this.ended !== undefined || signal?.aborted) {
        budget.release(next);
        throw this.ended ?? new InterruptedError();
      }
      most = next;
      journal.asked(key, next);
    };
    let answer: ChatAnswer;
    try {
      answer = await endpoint.chat(messages, sampling, {
        signal,
        onSend,
        onLost: () => ended('lose'),
        onRefused: () => ended('release'),
      });
    } catch (error) {
      if (error instanceof OverBudget) return { kind: 'over_budget' };
      if (error instanceof DocumentProblem) {
        this.failuresInARow = 0;
        return { kind: 'problem', reason: error.reason, message: error.message };
      }
      if (error instanceof EndpointFailure) return this.failure(error);
      this.ended ??= error;
      throw error;
    }
    this.failuresInARow = 0;
    if (most !== undefined) budget.settle(most, answer.usage, prompt);
    await journal.write(key, id, answer);
    this.answered++;
    this.options.onAnswer?.(this.progress);
    return { kind: 'answer', answer };
  }

  /** Not written down: the next run asks again. */
  private failure(error: EndpointFailure): Asked {
    this.failuresInARow++;
    if (this.failuresInARow >= (this.options.mostFailures ?? 20)) {
      this.ended = new UserError(
        `${this.options.endpoint.host}: ${this.failuresInARow} requests failed one after another, each with all its tries; the last: ${error.message}`,
        { hint: 'see whether the server is well, then run again: every answer so far is kept' },
      );
      throw this.ended;
    }
    return { kind: 'failed', reason: error.reason, message: error.message };
  }
}

/** Thrown through the endpoint to keep a request from going out. */
class OverBudget extends Error {}

/** Throws when the run was asked to stop. */
export function assertGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError();
}
