/**
 * N-grams over any elements (words, lines), every occurrence counted: the way dolma, DCLM, datamap-rs and NeMo Curator count
 * repetition, where datatrove leaves the first occurrence out (src/text/ngrams.ts).
 *
 * Each element gets a number in order of first appearance; an n-gram is the pair of its first n - 1 elements and its last one, so
 * equal numbers mean equal elements. Levels are built once and kept.
 */
import { countCodePoints } from '../text/character-class.ts';

export class WordRuns {
  readonly words: readonly string[];
  /** Code points in elements 0..i-1; one longer than `words`. */
  private readonly before: Float64Array;
  private readonly levels: Uint32Array[] = [];
  private readonly sizes: number[] = [];

  constructor(words: readonly string[]) {
    this.words = words;
    this.before = new Float64Array(words.length + 1);
    const known = new Map<string, number>();
    const ids = new Uint32Array(words.length);
    for (const [i, word] of words.entries()) {
      const id = known.get(word) ?? known.size;
      if (id === known.size) known.set(word, id);
      ids[i] = id;
      this.before[i + 1] = this.before[i]! + countCodePoints(word);
    }
    this.levels.push(ids);
    this.sizes.push(known.size);
  }

  /** Code points in all elements. */
  get characters(): number {
    return this.before[this.words.length]!;
  }

  /** Code points in the n-gram that starts at `at`, nothing between its elements. */
  charactersAt(at: number, n: number): number {
    return this.before[at + n]! - this.before[at]!;
  }

  /** Number of the n-gram that starts at each element; empty when there are fewer than n. Numbers are dense, from 0. */
  ids(n: number): Uint32Array {
    while (this.levels.length < n) {
      const shorter = this.levels.at(-1)!;
      const single = this.levels[0]!;
      const last = this.levels.length;
      const ids = new Uint32Array(Math.max(0, this.words.length - last));
      const known = new Map<number, number>();
      for (let at = 0; at < ids.length; at++) {
        const key = shorter[at]! * this.sizes[0]! + single[at + last]!; // below 2^53: at most 2^26 elements fit in memory
        const id = known.get(key) ?? known.size;
        if (id === known.size) known.set(key, id);
        ids[at] = id;
      }
      this.levels.push(ids);
      this.sizes.push(known.size);
    }
    return this.levels[n - 1]!;
  }

  /** How often each n-gram occurs. */
  counts(n: number): Uint32Array {
    const ids = this.ids(n);
    const counts = new Uint32Array(this.sizes[n - 1]!);
    for (const id of ids) counts[id]!++;
    return counts;
  }

  /** Where the most frequent n-gram first stands and how often it occurs; of equal ones the first. Undefined with fewer than n. */
  top(n: number): { at: number; count: number } | undefined {
    const ids = this.ids(n);
    if (ids.length === 0) return undefined;
    const counts = this.counts(n);
    let best = 0;
    for (let id = 1; id < counts.length; id++) if (counts[id]! > counts[best]!) best = id;
    return { at: ids.indexOf(best), count: counts[best]! };
  }

  /** Of all occurrences of n-grams, the share of those that occur more than once; by their characters when `weighted`. */
  repeatedShare(n: number, weighted: boolean): number {
    const ids = this.ids(n);
    const counts = this.counts(n);
    let repeated = 0;
    let all = 0;
    for (let at = 0; at < ids.length; at++) {
      const weight = weighted ? this.charactersAt(at, n) : 1;
      all += weight;
      if (counts[ids[at]!]! > 1) repeated += weight;
    }
    return repeated / Math.max(all, 1);
  }

  /** Share of the elements (of their characters when `weighted`) inside an n-gram that occurs more than once, each counted once. */
  coveredShare(n: number, weighted: boolean): number {
    const ids = this.ids(n);
    const counts = this.counts(n);
    let covered = 0;
    let until = 0; // elements before this one are counted
    for (let at = 0; at < ids.length; at++) {
      if (counts[ids[at]!]! < 2) continue;
      const from = Math.max(at, until);
      until = at + n;
      covered += weighted ? this.before[until]! - this.before[from]! : until - from;
    }
    return covered / (weighted ? this.characters : this.words.length);
  }
}
