/**
 * Counts the tokens of training data and makes the dictionary of a model of them: words, then labels, each by falling count, equal
 * counts in the order that the reference's sort leaves them in (introsort.ts). So dictionaries equal the reference's byte by byte.
 *
 * Memory is bounded as there: beyond 22.5 million different tokens the rarest are dropped, first those seen once, then twice, and so on
 * (their counts start again when they return).
 * Gives up: tokens of more than 256 KiB, which no reader takes, are counted as tokens but get no entry.
 * Source: fastText 0.9.3, dictionary.cc (add, readFromFile, threshold).
 */
import { UserError } from '../../src/core/errors.ts';
import { introsort } from './introsort.ts';
import { sameBytes } from './model-data.ts';
import { type Dictionary, longestWord } from './read-dictionary.ts';
import { startsLikeLabel } from './tokens.ts';

/** Three quarters of the reference's table of 30 million. */
const mostEntries = 22_500_000;

export class VocabularyCount {
  /** Tokens counted, rare and dropped ones included. */
  tokens = 0;
  #size = 0;
  #bytes = new Uint8Array(1 << 20);
  #starts = new Uint32Array(1 << 16);
  #hashes = new Int32Array(1 << 16);
  #counts = new Float64Array(1 << 16);
  #isLabel = new Uint8Array(1 << 16);
  /** Entry + 1 by hash, open addressing; at most half full. */
  #table = new Int32Array(1 << 17);
  #floor = 1;
  readonly #most: number;

  /** `most`: entries beyond which rare ones are dropped. */
  constructor(most = mostEntries) {
    this.#most = most;
  }

  /** Counts the token bytes [start, end) with fastText's hash `hash`. */
  add(bytes: Uint8Array, start: number, end: number, hash: number): void {
    this.tokens++;
    const table = this.#table;
    const mask = table.length - 1;
    let slot = spread(hash) & mask;
    for (let entry = table[slot]!; entry > 0; entry = table[slot]!) {
      if (this.#is(entry - 1, bytes, start, end, hash)) {
        this.#counts[entry - 1]!++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (end - start > longestWord) return;
    table[slot] = this.#size + 1;
    this.#append(bytes, start, end, hash);
    if (this.#size > this.#most) {
      this.#floor++;
      this.#threshold(this.#floor, this.#floor);
    } else if (2 * this.#size > table.length) this.#rehash(2 * table.length);
  }

  /** The dictionary of words seen at least `minCount` times and labels seen at least `minCountLabel` times, and all their counts. */
  finish(minCount: number, minCountLabel: number): { dictionary: Dictionary; counts: Float64Array } {
    this.#threshold(minCount, minCountLabel);
    const size = this.#size;
    const counts = this.#counts.slice(0, size);
    let labels = 0;
    for (let entry = 0; entry < size; entry++) labels += this.#isLabel[entry]!;
    const words = size - labels;
    const starts = this.#starts.slice(0, size + 1);
    const bytes = this.#bytes.subarray(0, starts[size]);
    const kept = new Int32Array(0);
    const labelCounts = counts.slice(words);
    return {
      dictionary: { words, labels, pruned: -1, highestKept: -1, bytes, starts, labelCounts, kept },
      counts,
    };
  }

  #is(entry: number, bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    if (this.#hashes[entry] !== hash) return false;
    const from = this.#starts[entry]!;
    return this.#starts[entry + 1]! - from === end - start && sameBytes(bytes, start, end, this.#bytes, from);
  }

  #append(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const entry = this.#size++;
    const from = this.#starts[entry]!;
    const to = from + end - start;
    if (to > 0xffffffff) {
      throw new UserError('the training data has more than 4 GiB of different words', {
        hint: 'prepare the text first (prepare: megamath drops words of more than 100 characters), or train on a sample',
      });
    }
    if (to > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, to));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    if (entry + 1 === this.#starts.length) this.#grow(2 * this.#starts.length);
    for (let at = start, into = from; at < end; at++, into++) this.#bytes[into] = bytes[at]!;
    this.#starts[entry + 1] = to;
    this.#hashes[entry] = hash;
    this.#counts[entry] = 1;
    this.#isLabel[entry] = startsLikeLabel(bytes, start, end) ? 1 : 0;
  }

  #grow(length: number): void {
    const starts = new Uint32Array(length);
    const hashes = new Int32Array(length);
    const counts = new Float64Array(length);
    const isLabel = new Uint8Array(length);
    starts.set(this.#starts);
    hashes.set(this.#hashes);
    counts.set(this.#counts);
    isLabel.set(this.#isLabel);
    this.#starts = starts;
    this.#hashes = hashes;
    this.#counts = counts;
    this.#isLabel = isLabel;
  }

  #rehash(length: number): void {
    const table = new Int32Array(length);
    const mask = length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = spread(this.#hashes[entry]!) & mask;
      while (table[slot]! > 0) slot = (slot + 1) & mask;
      table[slot] = entry + 1;
    }
    this.#table = table;
  }

  /** Sorts the entries and drops the rare ones. */
  #threshold(words: number, labels: number): void {
    const { length } = this.#starts;
    const size = this.#size;
    const [starts, hashes, counts, isLabel] = [this.#starts, this.#hashes, this.#counts, this.#isLabel];
    const bytes = this.#bytes;
    const order = Int32Array.from({ length: size }, (_, entry) => entry);
    introsort(order, (a, b) =>
      isLabel[a] === isLabel[b] ? counts[a]! > counts[b]! : isLabel[a]! < isLabel[b]!,
    );
    this.#size = 0;
    this.#bytes = new Uint8Array(bytes.length);
    this.#starts = new Uint32Array(length);
    this.#hashes = new Int32Array(length);
    this.#counts = new Float64Array(length);
    this.#isLabel = new Uint8Array(length);
    for (const entry of order) {
      if (counts[entry]! < (isLabel[entry] === 1 ? labels : words)) continue;
      this.#append(bytes, starts[entry]!, starts[entry + 1]!, hashes[entry]!);
      this.#counts[this.#size - 1] = counts[entry]!;
    }
    this.#rehash(this.#table.length);
  }
}

/** FNV's low bits are weak for short words; mix before masking. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
