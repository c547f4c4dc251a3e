/**
 * Word n-grams that occur more than once in a document, and Gopher's repetition measures made from them.
 *
 * Method: refinement. An (n+1)-gram can only repeat where the n-grams at its first and at its second word both do, so each
 * level looks only at the places left by the one before. Level n + 1 groups those places by their n-gram (a counting sort)
 * and splits each group by the word that follows, which an array indexed by word tells apart. So equal numbers mean equal
 * words, and there is no hash table that hostile text could spoil: every level is linear.
 *
 * Gives up: n-grams that are equal only as joined strings ("ab c" and "a bc") are different here and the same in
 * datatrove. Source of the measures: Gopher (arXiv 2112.11446, table A1) as counted by datatrove
 * gopher_repetition_filter.py.
 */
import { countCodePoints } from './character-class.ts';
import type { Tokens } from './words.ts';

/** The measures ask for n = 2, 3, 4 and then 5 to 10; levels are made in rising order, and a lower one starts over. */
export class Ngrams {
  /** By token: its word, 0 .. different - 1. */
  private readonly ids: Int32Array;
  private readonly wordCounts: Int32Array;
  /** By word: code points. */
  private readonly lengths: Int32Array;
  private n = 0;
  /** By token: number (from 1) of the n-gram that starts there if it occurs more than once, else 0. */
  private readonly repeated: Int32Array;
  /** Tokens where `repeated` is not 0, in order, `placed` of them. */
  private readonly places: Int32Array;
  private placed = 0;
  /** How often repeated n-gram 1 .. size occurs. */
  private readonly counts: Int32Array;
  private size = 0;

  constructor(tokens: Pick<Tokens, 'ids' | 'counts' | 'words' | 'vocabulary'>) {
    this.ids = tokens.ids;
    this.wordCounts = tokens.counts;
    this.lengths = tokens.words.map((word) => tokens.vocabulary.codePoints[word]!);
    this.repeated = new Int32Array(this.ids.length + 1);
    this.places = new Int32Array(this.ids.length);
    this.counts = new Int32Array(this.ids.length + 1);
  }

  /**
   * Characters covered by the most frequent n-gram: its length times its count (a count of one counts too, as in
   * datatrove). Of equally frequent ones the first to appear. Words are joined by one space. 0 with fewer than n words.
   */
  topCharacters(n: number): number {
    if (this.ids.length < n) return 0;
    this.makeLevel(n);
    const { places, placed, repeated, counts } = this;
    let first = 0;
    let most = 1;
    for (let index = 0; index < placed; index++) {
      const count = counts[repeated[places[index]!]!]!;
      if (count > most) {
        most = count;
        first = places[index]!;
      }
    }
    return this.charactersOf(first, n, 1) * most;
  }

  /**
   * Characters in n-grams seen before. The scan steps over a repeated n-gram whole, and by one word over a new one, so
   * the first occurrence is free and no character is counted twice. `joiner` is the characters counted between words
   * (0 in datatrove 0.10).
   */
  duplicatedCharacters(n: number, joiner = 0): number {
    this.makeLevel(n);
    const { places, placed, repeated, size } = this;
    const { seen } = scratchFor(size + 1);
    seen.fill(0, 0, size + 1);
    let characters = 0;
    let next = 0;
    for (let index = 0; index < placed; index++) {
      const place = places[index]!;
      if (place < next) continue;
      const gram = repeated[place]!;
      if (seen[gram] === 1) {
        characters += this.charactersOf(place, n, joiner);
        next = place + n;
      } else seen[gram] = 1;
    }
    return characters;
  }

  /** Characters of the n-gram at `start`, with `joiner` characters between words. */
  private charactersOf(start: number, n: number, joiner: number): number {
    let characters = joiner * (n - 1);
    for (let at = start; at < start + n; at++) characters += this.lengths[this.ids[at]!]!;
    return characters;
  }

  private makeLevel(n: number): void {
    if (this.n === 0 || n < this.n) this.makeFirstLevel();
    while (this.n < n) this.refine();
  }

  private makeFirstLevel(): void {
    const { ids, wordCounts, repeated, places, counts } = this;
    let placed = 0;
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at]!;
      const again = wordCounts[id]! > 1;
      repeated[at] = again ? id + 1 : 0;
      if (again) places[placed++] = at;
    }
    for (let id = 0; id < wordCounts.length; id++) counts[id + 1] = wordCounts[id]!;
    this.n = 1;
    this.placed = placed;
    this.size = wordCounts.length;
  }

  /** From n to n + 1. */
  private refine(): void {
    const { ids, wordCounts, repeated, places, counts, n, size } = this;
    this.n = n + 1;
    if (this.placed === 0) return;
    const { sorted, groupAt, seenIn, found, gramAt, renamed } = scratchFor(ids.length + 1);
    // The places where n + 1 words may repeat, and how many there are of each n-gram. Behind the last n-gram `repeated` is 0.
    groupAt.fill(0, 0, size + 2);
    let candidates = 0;
    for (let index = 0; index < this.placed; index++) {
      const place = places[index]!;
      if (repeated[place + 1] === 0) repeated[place] = 0;
      else {
        groupAt[repeated[place]! + 1]!++;
        places[candidates++] = place;
      }
    }
    // Sorted by n-gram.
    for (let gram = 1; gram <= size; gram++) groupAt[gram + 1]! += groupAt[gram]!;
    for (let index = 0; index < candidates; index++) {
      const place = places[index]!;
      sorted[groupAt[repeated[place]!]!++] = place;
    }
    // Each group split by the next word.
    seenIn.fill(0, 0, wordCounts.length);
    let grams = 0;
    for (let index = 0; index < candidates; index++) {
      const place = sorted[index]!;
      const group = repeated[place]!;
      const word = ids[place + n]!;
      if (seenIn[word] !== group) {
        seenIn[word] = group;
        found[word] = ++grams;
        counts[grams] = 0;
      }
      const gram = found[word]!;
      counts[gram]!++;
      gramAt[place] = gram;
    }
    // Those that occur once are dropped, the others numbered without gaps.
    let kept = 0;
    for (let gram = 1; gram <= grams; gram++) {
      const count = counts[gram]!;
      if (count > 1) counts[++kept] = count;
      renamed[gram] = count > 1 ? kept : 0;
    }
    let placed = 0;
    for (let index = 0; index < candidates; index++) {
      const place = places[index]!;
      const gram = renamed[gramAt[place]!]!;
      repeated[place] = gram;
      if (gram !== 0) places[placed++] = place;
    }
    this.placed = placed;
    this.size = kept;
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

/** Memory for one level, used again by the next and by other documents. */
class Scratch {
  readonly size: number;
  /** Places by n-gram. */
  readonly sorted: Int32Array;
  /** By n-gram: where its group starts, then ends, in `sorted`. */
  readonly groupAt: Int32Array;
  /** By word: the group that saw it last, and the longer n-gram it made there. */
  readonly seenIn: Int32Array;
  readonly found: Int32Array;
  /** By place: the longer n-gram. */
  readonly gramAt: Int32Array;
  /** By longer n-gram: its number among those kept. */
  readonly renamed: Int32Array;
  readonly seen: Uint8Array;

  constructor(size: number) {
    this.size = size;
    this.sorted = new Int32Array(size);
    this.groupAt = new Int32Array(size + 1);
    this.seenIn = new Int32Array(size);
    this.found = new Int32Array(size);
    this.gramAt = new Int32Array(size);
    this.renamed = new Int32Array(size);
    this.seen = new Uint8Array(size);
  }
}

/** Scratch memory is kept up to this many tokens: 24 MB. */
const mostKept = 1 << 20;
let scratch = new Scratch(1 << 12);

function scratchFor(size: number): Scratch {
  if (size <= scratch.size) return scratch;
  const fresh = new Scratch(size > mostKept ? size : 2 * size);
  if (fresh.size <= 2 * mostKept) scratch = fresh;
  return fresh;
}
