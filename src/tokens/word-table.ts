/**
 * Words seen before and their token ids, looked up by a range of a text, so that no string is made for a word that is known: open
 * addressing over a hash of the code units, words and ids in two arrays. Emptied when full, so memory stays bounded.
 */
const mostWords = 1 << 17;
const slotMask = (1 << 18) - 1;
/** Longer words are rare and seldom repeat. */
export const longestKnownWord = 64;

export class WordTable {
  /** Number of a word + 1. */
  private readonly slots = new Int32Array(slotMask + 1);
  private hashes = new Int32Array(1024);
  /** Where a word's code units and its ids begin; one more for the end. */
  private wordStarts = new Int32Array(1025);
  private idStarts = new Int32Array(1025);
  private units = new Uint16Array(8192);
  ids = new Uint32Array(2048);
  private words = 0;
  private hash = 0;
  private slot = 0;

  /** The number of the word `text[from, to)`, or -1; then `add` may follow at once. */
  find(text: string, from: number, to: number): number {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    let slot = hash & slotMask;
    for (;;) {
      const word = this.slots[slot]! - 1;
      if (word < 0) {
        this.hash = hash;
        this.slot = slot;
        return -1;
      }
      if (this.hashes[word] === hash && this.isSame(word, text, from, to)) return word;
      slot = (slot + 1) & slotMask;
    }
  }

  /** First place in `ids` of a word's ids. */
  start(word: number): number {
    return this.idStarts[word]!;
  }

  /** Keeps the ids `ids[0 .. n-1]` of the word that `find` did not find last. */
  add(text: string, from: number, to: number, ids: Int32Array, n: number): void {
    let slot = this.slot;
    if (this.words === mostWords) {
      this.slots.fill(0);
      this.words = 0;
      slot = this.hash & slotMask;
    }
    const word = this.words++;
    this.grow(word, to - from, n);
    this.hashes[word] = this.hash;
    this.slots[slot] = word + 1;
    const unitsAt = this.wordStarts[word]!;
    for (let i = from; i < to; i++) this.units[unitsAt + i - from] = text.charCodeAt(i);
    this.wordStarts[word + 1] = unitsAt + to - from;
    const idsAt = this.idStarts[word]!;
    for (let i = 0; i < n; i++) this.ids[idsAt + i] = ids[i]!;
    this.idStarts[word + 1] = idsAt + n;
  }

  private isSame(word: number, text: string, from: number, to: number): boolean {
    const start = this.wordStarts[word]!;
    if (this.wordStarts[word + 1]! - start !== to - from) return false;
    for (let i = from; i < to; i++) if (this.units[start + i - from] !== text.charCodeAt(i)) return false;
    return true;
  }

  private grow(word: number, units: number, ids: number): void {
    if (word === this.hashes.length) {
      this.hashes = larger(this.hashes, word + 1);
      this.wordStarts = larger(this.wordStarts, word + 2);
      this.idStarts = larger(this.idStarts, word + 2);
    }
    const unitsEnd = this.wordStarts[word]! + units;
    if (unitsEnd > this.units.length) this.units = larger(this.units, unitsEnd);
    const idsEnd = this.idStarts[word]! + ids;
    if (idsEnd > this.ids.length) this.ids = larger(this.ids, idsEnd);
  }
}

/** A copy of twice the length, or as long as needed. */
function larger<T extends Int32Array | Uint16Array | Uint32Array>(values: T, least: number): T {
  const grown = new (values.constructor as new (length: number) => T)(Math.max(values.length * 2, least));
  grown.set(values);
  return grown;
}
