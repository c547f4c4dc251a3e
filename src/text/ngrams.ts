/**
 * Word n-grams of one document as integers, and the repetition measures made from them.
 *
 * Each word gets an id in order of first appearance; the id of an n-gram is the id of the pair (its first n-1 words,
 * its last word). So ids are exact: equal ids mean equal words, no hash collision can make two n-grams one. Levels are
 * built once and kept, which makes all of n = 2..10 cost ten passes over integers.
 *
 * Gives up: n-grams that are equal only as joined strings ("ab c" and "a bc") are different here and the same in
 * datatrove. Source of the measures: Gopher (arXiv 2112.11446, table A1) as counted by datatrove
 * gopher_repetition_filter.py.
 */
import { countCodePoints } from './character-class.ts';
import { PairTable } from './pair-table.ts';

export class Ngrams {
  readonly words: readonly string[];
  /** Characters (code points) in words 0..i-1; length is words + 1. */
  private readonly charactersBefore: Uint32Array;
  /** levels[n - 1][i]: id of the n-gram that starts at word i. */
  private readonly levels: Uint32Array[] = [];
  private readonly distinctAt: number[] = [];

  constructor(words: readonly string[]) {
    this.words = words;
    this.charactersBefore = new Uint32Array(words.length + 1);
    const ids = new Uint32Array(words.length);
    const known = new Map<string, number>();
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      let id = known.get(word);
      if (id === undefined) {
        id = known.size;
        known.set(word, id);
      }
      ids[index] = id;
      this.charactersBefore[index + 1] = this.charactersBefore[index]! + countCodePoints(word);
    }
    this.levels.push(ids);
    this.distinctAt.push(known.size);
  }

  /** Id of the n-gram that starts at each word; empty when there are fewer than `n` words. */
  ids(n: number): Uint32Array {
    while (this.levels.length < n) this.addLevel();
    return this.levels[n - 1]!;
  }

  /** How many different n-grams there are. */
  distinct(n: number): number {
    this.ids(n);
    return this.distinctAt[n - 1]!;
  }

  private addLevel(): void {
    const shorter = this.levels[this.levels.length - 1]!;
    const single = this.levels[0]!;
    const n = this.levels.length + 1;
    const count = Math.max(0, this.words.length - n + 1);
    const ids = new Uint32Array(count);
    const table = new PairTable(count);
    for (let start = 0; start < count; start++)
      ids[start] = table.idOf(shorter[start]!, single[start + n - 1]!);
    this.levels.push(ids);
    this.distinctAt.push(table.size);
  }

  /** Characters of the n-gram at `start`, with `joiner` characters between words. */
  private charactersOf(start: number, n: number, joiner: number): number {
    return this.charactersBefore[start + n]! - this.charactersBefore[start]! + joiner * (n - 1);
  }

  /**
   * Characters covered by the most frequent n-gram: its length times its count (a count of one counts too, as in
   * datatrove). Of equally frequent ones the first to appear. Words are joined by one space.
   */
  topCharacters(n: number): number {
    const ids = this.ids(n);
    if (ids.length === 0) return 0;
    const counts = new Uint32Array(this.distinctAt[n - 1]!);
    const first = new Uint32Array(this.distinctAt[n - 1]!);
    for (let start = ids.length - 1; start >= 0; start--) {
      const id = ids[start]!;
      counts[id]!++;
      first[id] = start;
    }
    let best = 0;
    for (let id = 1; id < counts.length; id++) if (counts[id]! > counts[best]!) best = id;
    return this.charactersOf(first[best]!, n, 1) * counts[best]!;
  }

  /**
   * Characters in n-grams seen before. The scan steps over a repeated n-gram whole, and by one word over a new one, so
   * the first occurrence is free and no character is counted twice. `joiner` is the characters counted between words
   * (0 in datatrove 0.10).
   */
  duplicatedCharacters(n: number, joiner = 0): number {
    const ids = this.ids(n);
    const seen = new Uint8Array(this.distinctAt[n - 1]!);
    let characters = 0;
    let start = 0;
    while (start < ids.length) {
      const id = ids[start]!;
      if (seen[id] === 1) {
        characters += this.charactersOf(start, n, joiner);
        start += n;
      } else {
        seen[id] = 1;
        start++;
      }
    }
    return characters;
  }
}

/** Elements seen before, and the characters in them; the first occurrence is free (datatrove `find_duplicates`). */
export function countDuplicates(elements: readonly string[]): { elements: number; characters: number } {
  const seen = new Set<string>();
  let duplicates = 0;
  let characters = 0;
  for (const element of elements) {
    const before = seen.size;
    seen.add(element);
    if (seen.size === before) {
      duplicates++;
      characters += countCodePoints(element);
    }
  }
  return { elements: duplicates, characters };
}
