/**
 * What a recut would change, counted: documents and tokens kept before and after, gained and lost by rule, and by every changed bound alone.
 *
 * Gains are booked on the rule (or dedup step) that dropped the document before, losses on the one that drops it now: the first that fails,
 * as in a ledger. "Alone" is what a rule of the recut drops that no other rule would. A change "alone" is made to the rules of the run with
 * everything else as it was, duplicates included, so the lines of several changes need not add up to the whole.
 */
import type { Rule } from '../filters/rule.ts';
import { duplicateReason } from './duplicate-reason.ts';
import type { CopyChooser } from './recut-copies.ts';
import { type Decided, kindOf, mostChanges, outcomes } from './recut-decide.ts';
import { pairRules, type RuleChange } from './recut-rules.ts';

export interface Amount {
  documents: number;
  tokens: number;
}

/** One line of the table: a rule, a dedup step, or documents that a gate kept from being scored. */
export interface ReasonLine {
  reason: string;
  signal: string | null;
  side: 'min' | 'max' | null;
  /** The bound; null where there is or was none. */
  before: number | null;
  after: number | null;
  droppedBefore: Amount;
  droppedAfter: Amount;
  /** Kept now, dropped for this reason before. */
  gained: Amount;
  /** Kept before, dropped for this reason now. */
  lost: Amount;
  /** Dropped now by this rule and by no other rule; null for what is no rule of the recut. */
  alone: Amount | null;
}

/** A single change made to the rules of the run. */
export interface ChangeLine {
  reason: string;
  signal: string;
  side: 'min' | 'max';
  from: number | null;
  to: number | null;
  /** Kept documents and tokens it adds; negative where it takes away. */
  documents: number;
  tokens: number;
}

export interface RecutCounts {
  documents: number;
  tokens: number;
  before: Amount;
  after: Amount;
  gained: Amount;
  lost: Amount;
  /** Of the lost: a copy of the document stays, so only the copy that is kept has changed. */
  replaced: Amount;
  reasons: ReasonLine[];
  changes: ChangeLine[];
  /** Changes that were too many to be looked at one by one. */
  changesLeftOut: number;
  /** Documents that only a signal behind a gate still stands against: so many would have to be scored. */
  unscored: (Amount & { reason: string; signal: string })[];
}

export interface CountInput {
  before: readonly Rule[];
  after: readonly Rule[];
  changes: readonly RuleChange[];
  decided: Decided;
  copies: CopyChooser;
}

/** Counts everything and writes the dedup drops into `decided.before` and `decided.after`. */
export function countRecut(input: CountInput): RecutCounts {
  const { after, decided, copies } = input;
  dropCopies(decided.before, copies);
  dropCopies(decided.after, copies);
  const lines = reasonLines(input);
  const counts: RecutCounts = {
    documents: decided.before.length,
    tokens: 0,
    before: none(),
    after: none(),
    gained: none(),
    lost: none(),
    replaced: none(),
    reasons: [],
    changes: [],
    changesLeftOut: Math.max(0, input.changes.length - mostChanges),
    unscored: [],
  };
  const unscored = after.map(none);
  for (let i = 0; i < counts.documents; i++) {
    const tokens = decided.tokens[i]!;
    counts.tokens += tokens;
    const was = decided.before[i]!;
    const is = decided.after[i]!;
    const old = was < 0 ? undefined : lines.before(was);
    const now = is < 0 ? undefined : lines.after(is);
    add(old?.droppedBefore ?? counts.before, tokens);
    add(now?.droppedAfter ?? counts.after, tokens);
    if (is < 0 && old !== undefined) {
      add(counts.gained, tokens);
      add(old.gained, tokens);
    } else if (was < 0 && now !== undefined) {
      add(counts.lost, tokens);
      add(now.lost, tokens);
    }
    if (kindOf(is) === 'unscored') add(unscored[is - outcomes.unscored]!, tokens);
  }
  counts.replaced = countReplaced(decided, copies);
  counts.reasons = lines.all();
  counts.changes = countChanges(input, counts.before);
  counts.unscored = after.flatMap(({ reason, signal }, i) =>
    unscored[i]!.documents === 0 ? [] : [{ reason, signal, ...unscored[i]! }],
  );
  return counts;
}

const none = (): Amount => ({ documents: 0, tokens: 0 });

function add(amount: Amount, tokens: number): void {
  amount.documents++;
  amount.tokens += tokens;
}

function dropCopies(outcome: Int16Array, copies: CopyChooser): void {
  if (copies.steps.length === 0) return;
  const survives = new Uint8Array(outcome.length);
  for (let i = 0; i < survives.length; i++) if (outcome[i]! < 0) survives[i] = 1;
  copies.drop(survives, (document, step) => {
    outcome[document] = outcomes.duplicate + step;
  });
}

/** A line per rule of the recut, per rule that is gone, per dedup step, and for blank and unscored documents. */
function reasonLines({ before, after, decided, copies }: CountInput): {
  before(outcome: number): ReasonLine;
  after(outcome: number): ReasonLine;
  all(): ReasonLine[];
} {
  const line = (reason: string, rule?: Rule): ReasonLine => ({
    reason,
    signal: rule?.signal ?? null,
    side: rule?.side ?? null,
    before: null,
    after: null,
    droppedBefore: none(),
    droppedAfter: none(),
    gained: none(),
    lost: none(),
    alone: null,
  });
  const partners = pairRules(before, after);
  const afterLines = after.map((rule, i) => ({
    ...line(rule.reason, rule),
    before: before[partners[i]!]?.bound ?? null,
    after: rule.bound,
    alone: { documents: decided.alone[i]!, tokens: decided.aloneTokens[i]! },
  }));
  const beforeLines = before.map((rule, i) => {
    const at = partners.indexOf(i);
    return at >= 0 ? afterLines[at]! : { ...line(rule.reason, rule), before: rule.bound };
  });
  const steps = copies.steps.map(({ name }) => line(duplicateReason(name)));
  const empty = line('empty_text');
  const unscored = line('unscored');
  const of = (rules: readonly ReasonLine[], outcome: number): ReasonLine => {
    const kind = kindOf(outcome);
    if (kind === 'rule') return rules[outcome]!;
    if (kind === 'duplicate') return steps[outcome - outcomes.duplicate]!;
    return kind === 'unscored' ? unscored : empty;
  };
  const dropsAny = ({ droppedBefore, droppedAfter }: ReasonLine): boolean =>
    droppedBefore.documents + droppedAfter.documents > 0;
  return {
    before: (outcome) => of(beforeLines, outcome),
    after: (outcome) => of(afterLines, outcome),
    all: () => [
      ...[empty].filter(dropsAny),
      ...afterLines,
      ...beforeLines.filter((old) => !afterLines.includes(old as (typeof afterLines)[number])),
      ...steps,
      ...[unscored].filter(dropsAny),
    ],
  };
}

/** Lost documents of which another copy is kept. */
function countReplaced({ before, after, tokens }: Decided, copies: CopyChooser): Amount {
  const counted = new Set<number>();
  const amount = none();
  for (const { cluster, document } of copies.steps) {
    const covered = new Set<number>();
    for (let i = 0; i < document.length; i++) if (after[document[i]!]! < 0) covered.add(cluster[i]!);
    for (let i = 0; i < document.length; i++) {
      const number = document[i]!;
      if (before[number]! >= 0 || after[number]! < 0 || !covered.has(cluster[i]!) || counted.has(number))
        continue;
      counted.add(number);
      add(amount, tokens[number]!);
    }
  }
  return amount;
}

function countChanges({ before, after, changes, decided, copies }: CountInput, kept: Amount): ChangeLine[] {
  const survives = new Uint8Array(decided.survives.length);
  return changes.slice(0, mostChanges).map((change, c) => {
    for (let i = 0; i < survives.length; i++) survives[i] = (decided.survives[i]! >>> c) & 1;
    copies.drop(survives);
    const amount = none();
    for (let i = 0; i < survives.length; i++) if (survives[i] === 1) add(amount, decided.tokens[i]!);
    const old = before[change.before];
    const now = after[change.after];
    const { reason, signal, side } = (now ?? old)!;
    return {
      reason,
      signal,
      side,
      from: old?.bound ?? null,
      to: now?.bound ?? null,
      documents: amount.documents - kept.documents,
      tokens: amount.tokens - kept.tokens,
    };
  });
}
