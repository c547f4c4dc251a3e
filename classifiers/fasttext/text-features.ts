/**
 * From a text to the rows of the input matrix, exactly as fastText does it, over UTF-8 bytes and without making strings.
 *
 * Tokens are cut at space, tab, line feed, vertical tab, form feed, carriage return and NUL; the text is one line, line feeds in it
 * are spaces, and the token `</s>` ends it. (So does a `</s>` in the text itself: what follows is not read. That is fastText's rule.)
 * A word of the dictionary is its row, with subwords followed by those of `<word>`; an unknown word only its subwords. Subwords are
 * runs of minn to maxn characters, hashed by FNV-1a with signed chars into `bucket` rows behind the words. Then come the word n-grams:
 * hash = hash * 116049371 + next hash in 64 bits, where word hashes are sign-extended from 32. A pruned model keeps some of these rows.
 *
 * Rows of a word's subwords are remembered in a cache of bounded size. Time is linear in the text (times maxn and wordNgrams).
 * Labels written in the text (`__label__x`) select no row; training reads them from `labels`.
 * Source: fastText 0.9.3, dictionary.cc (getLine, readWord, addSubwords, computeSubwords, addWordNgrams, pushHash).
 */
import {
  bytesOf,
  type FastTextData,
  type FastTextSettings,
  hashByte,
  hashStart,
  int32s,
  sameBytes,
} from './model-data.ts';
import { keptSlot } from './read-dictionary.ts';
import { SubwordCache } from './subword-cache.ts';
import { endHash, endToken, isSpace, startsLikeLabel } from './tokens.ts';

const lessThan = 0x3c;
const greaterThan = 0x3e;
/** Longest text whose buffers are kept for the next one, in UTF-16 units. */
const keptLength = 1 << 20;
const ngramFactor = 116049371;

/** Takes the rows of the input matrix that a text selects, in order. */
export interface RowSink {
  push(row: number): void;
  /** rows [from, to). */
  pushAll(rows: Int32Array, from: number, to: number): void;
}

export class TextFeatures {
  /** Of the line read last: its labels by number, and its tokens counted, labels and `</s>` included. */
  labels: number[] = [];
  tokens = 0;
  /** The line read last ended at a `</s>` in the text, before its end. */
  stoppedEarly = false;
  readonly #settings: FastTextSettings;
  readonly #words: number;
  readonly #pruned: number;
  readonly #sum: RowSink;
  readonly #bytes: Uint8Array;
  readonly #table: Int32Array;
  readonly #kept: Int32Array;
  readonly #cache: SubwordCache | undefined;
  #text: Buffer = Buffer.allocUnsafe(1 << 14);
  #tokens = new Int32Array(1 << 12);
  #tokenCount = 0;

  constructor(data: FastTextData, sum: RowSink) {
    const { memory, dictionary } = data;
    this.#settings = data.settings;
    this.#words = data.words;
    this.#pruned = data.pruned;
    this.#sum = sum;
    this.#bytes = bytesOf(memory, dictionary.bytes);
    this.#table = int32s(memory, dictionary.table);
    this.#kept = int32s(memory, dictionary.kept);
    this.#cache = data.settings.maxn > 0 ? new SubwordCache() : undefined;
  }

  /** Adds the rows of `text` and of the `</s>` behind it to the sum. */
  add(text: string): void {
    if (text.length * 3 >= this.#text.length) this.#text = Buffer.allocUnsafe(text.length * 3 + 1);
    const bytes = this.#text;
    const end = bytes.write(text, 'utf8');
    bytes[end] = 0x20; // so that every token ends before the end
    this.addLine(bytes, 0, end, true);
    if (text.length > keptLength) {
      this.#text = Buffer.allocUnsafe(1 << 14);
      this.#tokens = new Int32Array(1 << 12);
    }
  }

  /**
   * Adds the rows of the line bytes [from, end), with `</s>` behind it when it is `closed`, and returns where reading stopped: at `end`,
   * or behind a `</s>` in the line. The byte at `end` must be there and be white space.
   */
  addLine(bytes: Uint8Array, from: number, end: number, closed: boolean): number {
    this.#tokenCount = 0;
    this.tokens = 0;
    if (this.labels.length > 0) this.labels = [];
    let at = from;
    let ended = false;
    while (!ended) {
      while (at < end && isSpace[bytes[at]!] === 1) at++;
      if (at >= end) break;
      const start = at;
      let hash = hashStart;
      let byte = bytes[at]!;
      do {
        hash = hashByte(hash, byte);
        byte = bytes[++at]!;
      } while (byte > 0x20 || isSpace[byte] === 0);
      this.tokens++;
      ended = this.#addToken(bytes, start, at, hash);
    }
    this.stoppedEarly = ended;
    if (!ended && closed) {
      this.tokens++;
      this.#addToken(endToken, 0, endToken.length, endHash);
    }
    this.#addNgrams();
    return at;
  }

  /** Adds one token; true when it was `</s>`. */
  #addToken(bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    const isEnd = hash === endHash && sameBytes(bytes, start, end, endToken, 0);
    const entry = this.#find(bytes, start, end, hash);
    if (entry >= this.#words) {
      this.labels.push(entry - this.#words);
      return isEnd;
    }
    if (entry < 0 && startsLikeLabel(bytes, start, end)) return false;
    if (this.#settings.wordNgrams > 1) {
      if (this.#tokenCount === this.#tokens.length) {
        const longer = new Int32Array(2 * this.#tokens.length);
        longer.set(this.#tokens);
        this.#tokens = longer;
      }
      this.#tokens[this.#tokenCount++] = hash;
    }
    if (entry >= 0) this.#sum.push(entry);
    if (this.#cache !== undefined && !isEnd) this.#addSubwords(this.#cache, bytes, start, end, hash);
    return isEnd;
  }

  /** The dictionary entry of bytes [start, end), or -1. */
  #find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const table = this.#table;
    const mask = table.length - 4;
    for (let at = (hash << 2) & mask; ; at = (at + 4) & mask) {
      const entry = table[at + 1]!;
      if (entry < 0) return -1;
      if (table[at] !== hash || table[at + 3] !== end - start) continue;
      if (sameBytes(bytes, start, end, this.#bytes, table[at + 2]! >>> 0)) return entry;
    }
  }

  #addSubwords(cache: SubwordCache, bytes: Uint8Array, start: number, end: number, hash: number): void {
    const sum = this.#sum;
    const slot = cache.find(bytes, start, end, hash);
    if (slot >= 0) {
      sum.pushAll(cache.rows, cache.rowsStart(slot), cache.rowsEnd(slot));
      return;
    }
    cache.begin(bytes, start, end, hash);
    const { minn, maxn, bucket } = this.#settings;
    // The word stands between "<" and ">"; `at` = start - 1 and `end` are their places.
    for (let first = start - 1; first <= end; first++) {
      if (first >= start && first < end && (bytes[first]! & 0xc0) === 0x80) continue;
      let subword = hashStart;
      let next = first;
      for (let length = 1; next <= end && length <= maxn; length++) {
        if (next === start - 1) subword = hashByte(subword, lessThan);
        else if (next === end) subword = hashByte(subword, greaterThan);
        else subword = hashByte(subword, bytes[next]!);
        next++;
        while (next > start && next < end && (bytes[next]! & 0xc0) === 0x80) {
          subword = hashByte(subword, bytes[next++]!);
        }
        if (length < minn || (length === 1 && (first < start || next > end))) continue;
        const row = this.#rowOf((subword >>> 0) % bucket);
        if (row < 0) continue;
        sum.push(row);
        cache.add(row);
      }
    }
    cache.end();
  }

  /** The row of a hashed feature, or -1 when it was pruned. */
  #rowOf(bucket: number): number {
    if (this.#pruned < 0) return this.#words + bucket;
    if (this.#pruned === 0) return -1;
    const kept = this.#kept;
    const mask = kept.length / 2 - 1;
    for (let slot = keptSlot(bucket) & mask; ; slot = (slot + 1) & mask) {
      const key = kept[2 * slot]!;
      if (key === bucket) return this.#words + kept[2 * slot + 1]!;
      if (key < 0) return -1;
    }
  }

  /** Word n-grams of two and more words, by the hashes of the tokens. */
  #addNgrams(): void {
    const { wordNgrams, bucket } = this.#settings;
    if (wordNgrams <= 1 || this.#pruned === 0) return;
    const sum = this.#sum;
    const tokens = this.#tokens;
    const count = this.#tokenCount;
    const inverse = 1 / bucket;
    for (let first = 0; first < count; first++) {
      let low = tokens[first]! >>> 0;
      let high = tokens[first]! >> 31;
      const last = Math.min(count, first + wordNgrams);
      for (let next = first + 1; next < last; next++) {
        // (high, low) = (high, low) * factor + token, modulo 2^64, in pieces that a double holds exactly.
        const token = tokens[next]!;
        const upper = (low >>> 16) * ngramFactor;
        const carried = Math.floor(upper / 65_536);
        const lower = (low & 0xffff) * ngramFactor + (upper - carried * 65_536) * 65_536 + (token >>> 0);
        const carry = Math.floor(lower / 4_294_967_296);
        low = lower - carry * 4_294_967_296;
        high = (Math.imul(high, ngramFactor) + carried + carry + (token >> 31)) | 0;
        // The remainder, 16 bits at a time; the quotient of doubles may be one off.
        let rest = (high >>> 0) % bucket;
        rest = remainder(rest * 65_536 + (low >>> 16), bucket, inverse);
        rest = remainder(rest * 65_536 + (low & 0xffff), bucket, inverse);
        const row = this.#rowOf(rest);
        if (row >= 0) sum.push(row);
      }
    }
  }
}

/** value mod divisor for value < 2^47, with inverse = 1 / divisor. */
function remainder(value: number, divisor: number, inverse: number): number {
  const rest = value - Math.floor(value * inverse) * divisor;
  if (rest < 0) return rest + divisor;
  return rest >= divisor ? rest - divisor : rest;
}
