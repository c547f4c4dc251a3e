/**
 * The settings of decontamination, with defaults and what each means. All of them are part of an index: a document is read as the items were.
 */
import { UserError } from '../core/errors.ts';

export interface ContaminationOptions {
  /** Words in an n-gram; one n-gram of an item in a document is an exact match. MegaMath and FineMath: 13; datatrove: 12. */
  n?: number;
  /** `exact`: numbers must agree; `same`: every number is the same word (datatrove's default). */
  numbers?: 'exact' | 'same';
  /** `drop`: marks only separate words; `keep`: each mark is a word. */
  punctuation?: 'drop' | 'keep';
  /** A problem of fewer than n words is looked for as a whole when it has at least this many. */
  shortest?: number;
  /** An n-gram with fewer words of two letters or more says nothing (numbers, single letters, formulas) and is left out. */
  minWords?: number;
  /** An n-gram that stands in more items than this is a template and left out, but for items that have no other. */
  maxItems?: number;
  /** Look for near misses too. */
  near?: boolean;
  /** Words in the n-grams that lead to near misses; numbers and number words count as one word in them. */
  nearN?: number;
  /** Share of an item's problem (or solution) that the aligned part of a document must repeat word by word. */
  nearSimilarity?: number;
}

export type ResolvedContaminationOptions = Required<ContaminationOptions>;

/** The settings in full. Throws a `UserError` for one that cannot be. */
export function resolveOptions(options: ContaminationOptions = {}): ResolvedContaminationOptions {
  const n = options.n ?? 13;
  const nearN = options.nearN ?? Math.min(6, n);
  const resolved = {
    n,
    numbers: options.numbers ?? 'exact',
    punctuation: options.punctuation ?? 'drop',
    shortest: options.shortest ?? Math.max(nearN, Math.min(8, n)),
    minWords: options.minWords ?? 2,
    maxItems: options.maxItems ?? 10,
    near: options.near ?? true,
    nearN,
    nearSimilarity: options.nearSimilarity ?? 0.7,
  };
  const whole = (name: 'n' | 'nearN' | 'shortest' | 'minWords' | 'maxItems', low: number, high: number) => {
    const value = resolved[name];
    if (Number.isInteger(value) && value >= low && value <= high) return;
    throw new UserError(`decontamination: ${name} is ${value}`, {
      hint: `${name} must be a whole number from ${low} to ${high}`,
    });
  };
  whole('n', 2, 64);
  whole('nearN', 2, n);
  whole('shortest', nearN, 64);
  whole('minWords', 0, n);
  whole('maxItems', 1, 1_000_000);
  if (!(resolved.nearSimilarity > 0 && resolved.nearSimilarity <= 1)) {
    throw new UserError(`decontamination: nearSimilarity is ${resolved.nearSimilarity}`, {
      hint: 'nearSimilarity must be above 0 and at most 1',
    });
  }
  return resolved;
}
