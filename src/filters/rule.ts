/**
 * Rules: a signal, a bound, and the reason a document is dropped for. A family measures, a rule decides.
 *
 * Rules are tried in the order given and the first that fails names the reason; every signal is stored whatever the verdict,
 * so other bounds can be tried later without measuring again. Comparisons are strict: a value equal to its bound passes, as in
 * datatrove. A value that is not a number (a ratio over zero words) fails no rule; documents without text never get here
 * (`empty_text`).
 */
import { drop, keep, type Verdict } from '../core/verdict.ts';

export interface Rule {
  /** The signal compared, `family.name`. */
  signal: string;
  /** Which side the bound is on: `min` drops values below it, `max` values above. */
  side: 'min' | 'max';
  bound: number;
  /** What a failing document is counted under. */
  reason: string;
  /** Lets a value of exactly 0 pass a `min` rule (FineWeb's `line_punct_exclude_zero`). */
  exceptZero?: boolean;
}

/** True when `value` breaks the rule. */
export function fails(rule: Rule, value: number): boolean {
  if (rule.side === 'max') return value > rule.bound;
  return value < rule.bound && !(rule.exceptZero === true && value === 0);
}

/** The first rule that the values break, or -1. `columns[i]` is the place in `values` of rule i's signal. */
export function firstFailing(
  rules: readonly Rule[],
  columns: readonly number[],
  values: ArrayLike<number>,
): number {
  for (let i = 0; i < rules.length; i++) {
    if (fails(rules[i]!, values[columns[i]!]!)) return i;
  }
  return -1;
}

/** The verdict on one document's signals, by name. */
export function decide(rules: readonly Rule[], signals: Readonly<Record<string, number>>): Verdict {
  for (const rule of rules) {
    if (fails(rule, signals[rule.signal] ?? Number.NaN)) return drop(rule.reason);
  }
  return keep;
}
