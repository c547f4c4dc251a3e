/**
 * Remembers which rows the subwords of a word select. Common words make up most of a text, and hashing all subwords of a word
 * costs far more than looking it up.
 *
 * Bounded: 32,768 words of at most 64 bytes and a million rows, about 6 MB. When a store is full everything is forgotten, which
 * depends on the words seen alone. A word has two places, so words chosen to collide only push each other out.
 */

const slots = 1 << 15;
const longestWord = 64;
const rowCapacity = 1 << 20;
const byteCapacity = 1 << 19;
/** start of bytes, length, hash, start of rows, end of rows */
const fields = 5;

export class SubwordCache {
  /** Rows of all words, one after the other. */
  readonly rows = new Int32Array(rowCapacity);
  readonly #entries = new Int32Array(slots * fields);
  readonly #bytes = new Uint8Array(byteCapacity);
  #rowsUsed = 0;
  #bytesUsed = 0;
  /** Entry being filled, or -1. */
  #open = -1;

  /** Where the word's entry is, or -1. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const first = placeOf(hash);
    if (this.#holds(first * fields, bytes, start, end, hash)) return first * fields;
    const second = (first ^ 1) * fields;
    return this.#holds(second, bytes, start, end, hash) ? second : -1;
  }

  rowsStart(entry: number): number {
    return this.#entries[entry + 3]!;
  }

  rowsEnd(entry: number): number {
    return this.#entries[entry + 4]!;
  }

  /** Opens an entry for the word; its rows follow by `add`, then `end`. Long words are not kept. */
  begin(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const length = end - start;
    this.#open = -1;
    if (length > longestWord) return;
    if (this.#bytesUsed + length > byteCapacity) this.#forget();
    let entry = placeOf(hash) * fields;
    if (this.#entries[entry + 1] !== 0) {
      const other = (placeOf(hash) ^ 1) * fields;
      if (this.#entries[other + 1] === 0) entry = other;
    }
    const entries = this.#entries;
    for (let at = 0; at < length; at++) this.#bytes[this.#bytesUsed + at] = bytes[start + at]!;
    entries[entry] = this.#bytesUsed;
    entries[entry + 1] = length;
    entries[entry + 2] = hash;
    entries[entry + 3] = this.#rowsUsed;
    entries[entry + 4] = this.#rowsUsed;
    this.#bytesUsed += length;
    this.#open = entry;
  }

  add(row: number): void {
    if (this.#open < 0) return;
    if (this.#rowsUsed === rowCapacity) {
      this.#forget();
      return;
    }
    this.rows[this.#rowsUsed++] = row;
  }

  end(): void {
    if (this.#open >= 0) this.#entries[this.#open + 4] = this.#rowsUsed;
    this.#open = -1;
  }

  #forget(): void {
    this.#entries.fill(0);
    this.#rowsUsed = 0;
    this.#bytesUsed = 0;
    this.#open = -1;
  }

  #holds(entry: number, bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    const entries = this.#entries;
    if (entries[entry + 2] !== hash || entries[entry + 1] !== end - start) return false;
    const from = entries[entry]!;
    for (let at = start; at < end; at++) if (this.#bytes[from + at - start] !== bytes[at]) return false;
    return true;
  }
}

/** FNV's low bits are weak for short words; mix before masking. */
function placeOf(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 17) & (slots - 1);
}
