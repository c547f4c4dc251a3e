/**
 * The decision of a recut on columns: which rule drops each document before and after, and which documents every single change would keep.
 *
 * Pure, and linear in rows times rules: each rule walks its column once. A rule on a value that was not measured (null) neither keeps
 * nor drops: a document that fails no other rule is `unscored`, since only measuring it could tell. Blank documents are `empty_text`.
 */
import type { Rule } from '../filters/rule.ts';
import type { DoubleColumns } from '../io/read-doubles.ts';
import type { RuleChange } from './recut-rules.ts';

/**
 * What became of a document, as a number: `kept`; the index of the rule that dropped it; `unscored` + the index of the first rule whose
 * value was not measured; `empty`; `duplicate` + the index of the dedup step that dropped it.
 */
export const outcomes = { kept: -1, unscored: 10_000, duplicate: 20_000, empty: 30_000 } as const;

type OutcomeKind = 'kept' | 'rule' | 'unscored' | 'duplicate' | 'empty';

export function kindOf(outcome: number): OutcomeKind {
  if (outcome < 0) return 'kept';
  if (outcome < outcomes.unscored) return 'rule';
  if (outcome < outcomes.duplicate) return 'unscored';
  return outcome < outcomes.empty ? 'duplicate' : 'empty';
}

/** Single changes looked at one by one: as many as a word has bits. */
export const mostChanges = 31;

// Columns that every decision reads.
const textBytesColumn = 'text.bytes';
const tokensColumn = 'text.tokens';

export interface DecisionPlan {
  before: readonly Rule[];
  after: readonly Rule[];
  /** At most `mostChanges` are looked at. */
  changes: readonly RuleChange[];
  /** Signals that decide which copy of a cluster stays, by dedup step; null: the first. */
  priorities: readonly (string | null)[];
}

export interface Decided {
  before: Int16Array;
  after: Int16Array;
  /** Bit c: no rule drops the document when change c alone is made to the rules of the run. */
  survives: Uint32Array;
  tokens: Float64Array;
  /** By dedup step; undefined where the first copy stays. */
  priorities: (Float64Array | undefined)[];
  /** Per rule of the recut: documents that fail it alone, and their tokens. */
  alone: Float64Array;
  aloneTokens: Float64Array;
}

/** The columns that a decision needs, each once. */
export function columnsNeeded(plan: DecisionPlan): string[] {
  const names = [
    textBytesColumn,
    tokensColumn,
    ...[...plan.before, ...plan.after].map((rule) => rule.signal),
    ...plan.priorities.filter((name) => name !== null),
  ];
  return [...new Set(names)];
}

/** What a rule says of a document. */
const pass = 0;
const fail = 1;
const notMeasured = 2;

/** `names` are those of the columns, as `columnsNeeded` lists them. */
export function decideColumns(plan: DecisionPlan, names: readonly string[], columns: DoubleColumns): Decided {
  const { rows, values, missing } = columns;
  const at = (name: string): number => names.indexOf(name);
  const textBytes = values[at(textBytesColumn)]!;
  const tokens = values[at(tokensColumn)]!;
  // Most rules are on both sides and are tried once.
  const tried = new Map<string, Uint8Array>();
  const answers = (rule: Rule): Uint8Array => {
    const key = `${rule.signal} ${rule.side} ${rule.bound} ${rule.exceptZero === true}`;
    const known = tried.get(key) ?? tryRule(rule, values[at(rule.signal)]!, missing[at(rule.signal)]);
    tried.set(key, known);
    return known;
  };
  const before = plan.before.map(answers);
  const after = plan.after.map(answers);
  const was = outcomesOf(before, textBytes);
  const is = outcomesOf(after, textBytes);
  const survives = new Uint32Array(rows);
  for (const [c, change] of plan.changes.slice(0, mostChanges).entries()) {
    const old = before[change.before];
    const now = after[change.after];
    const bit = 1 << c;
    for (let row = 0; row < rows; row++) {
      if (was.broken[row]! > (old === undefined || old[row] === pass ? 0 : 1)) continue;
      if ((now === undefined || now[row] === pass) && was.outcome[row] !== outcomes.empty)
        survives[row]! |= bit;
    }
  }
  const alone = new Float64Array(plan.after.length);
  const aloneTokens = new Float64Array(plan.after.length);
  for (let row = 0; row < rows; row++) {
    if (is.broken[row] !== 1) continue;
    const rule = is.outcome[row]!;
    if (rule >= outcomes.unscored) continue;
    alone[rule]!++;
    aloneTokens[rule]! += tokens[row]!;
  }
  return {
    before: was.outcome,
    after: is.outcome,
    survives,
    tokens,
    priorities: plan.priorities.map((name) => (name === null ? undefined : values[at(name)]!)),
    alone,
    aloneTokens,
  };
}

function tryRule(rule: Rule, values: Float64Array, missing: Uint8Array | undefined): Uint8Array {
  const answer = new Uint8Array(values.length);
  // One comparison for both sides; the sign of 0 does not matter to it. `fails` (src/filters/rule.ts) is the same for one value.
  const sign = rule.side === 'max' ? -1 : 1;
  const bound = sign * rule.bound;
  const zeroPasses = rule.side === 'min' && rule.exceptZero === true;
  for (let row = 0; row < answer.length; row++) if (sign * values[row]! < bound) answer[row] = fail;
  if (zeroPasses) for (let row = 0; row < answer.length; row++) if (values[row] === 0) answer[row] = pass;
  if (missing !== undefined) {
    for (let row = 0; row < answer.length; row++) if (missing[row] === 1) answer[row] = notMeasured;
  }
  return answer;
}

/** The outcome by rules alone, and how many rules each document fails or has no value for. */
function outcomesOf(
  answers: readonly Uint8Array[],
  textBytes: Float64Array,
): { outcome: Int16Array; broken: Uint16Array } {
  const rows = textBytes.length;
  const outcome = new Int16Array(rows).fill(outcomes.kept);
  const broken = new Uint16Array(rows);
  for (const [i, answer] of answers.entries()) {
    for (let row = 0; row < rows; row++) {
      const said = answer[row]!;
      if (said === pass) continue;
      broken[row]!++;
      const so = outcome[row]!;
      if (said === notMeasured) {
        if (so === outcomes.kept) outcome[row] = outcomes.unscored + i;
      } else if (so < 0 || so >= outcomes.unscored) outcome[row] = i;
    }
  }
  for (let row = 0; row < rows; row++) if (textBytes[row] === 0) outcome[row] = outcomes.empty;
  return { outcome, broken };
}
