/** What an index of benchmark items holds: plain arrays that can be written, read and shared between threads as they are. */
import type { ResolvedContaminationOptions } from './contamination-options.ts';
import type { NgramTable } from './ngram-table.ts';

/** What became of the n-grams of one benchmark. `ngrams` = `kept` + `weak` + `common` + `repeated` + `capped`. */
export interface BenchmarkCounts {
  benchmark: string;
  items: number;
  words: number;
  ngrams: number;
  kept: number;
  /** Too few words among numbers, letters and marks (`minWords`). */
  weak: number;
  /** In more than `maxItems` items. */
  common: number;
  /** A second time in the same item. */
  repeated: number;
  /** Beyond the 64 places that one n-gram may lead to. */
  capped: number;
  /** Items that have, or whose problem has, only weak n-grams: those with one word at least are kept. */
  onlyWeak: number;
  /** Items whose n-grams are all common; they keep them. */
  onlyCommon: number;
  /** Problems of fewer than n words that are looked for as a whole. */
  short: number;
  /** Items with nothing to look for: too short, or formulas and numbers only. */
  unchecked: number;
  /** The first of those, by name. */
  uncheckedItems: string[];
}

export interface IndexData {
  options: ResolvedContaminationOptions;
  benchmarks: string[];
  /** Names of the items, in order; `benchmarkOf[i]` is the index of the benchmark of item i. */
  items: string[];
  counts: BenchmarkCounts[];
  benchmarkOf: Uint32Array;
  /** Hashes of all words: problem then solution, item after item. */
  words: Uint32Array;
  /** First word of each item, and one more: the end. */
  itemStart: Uint32Array;
  /** Words of each item's problem. */
  problemWords: Uint32Array;
  /** Distinct n-grams kept of each item: inside the problem, inside the solution, across both. */
  totals: Uint32Array;
  /** Distinct near n-grams kept of each problem and solution. */
  nearTotals: Uint32Array;
  exact: NgramTable;
  /** Near n-grams, and the last `nearN` words of each problem of fewer than n words. */
  near: NgramTable;
}

/** Which item a place belongs to. */
export function itemAt(itemStart: Uint32Array, place: number): number {
  let low = 0;
  let high = itemStart.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (itemStart[middle]! <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Which part an n-gram lies in, given its first word's place in the item: 0 problem, 1 solution, 2 across both. */
export function ngramPart(at: number, n: number, problemWords: number): 0 | 1 | 2 {
  return at >= problemWords ? 1 : at + n <= problemWords ? 0 : 2;
}
