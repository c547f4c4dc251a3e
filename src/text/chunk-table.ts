/**
 * Chunks of text that have been cut before, with the numbers of their words: the table that the tokenizer asks for every chunk of a page.
 *
 * What a look-up costs is cache misses, so all that is known of a chunk lies together in one record: its length and number of
 * words, its code units two to an integer, its words. A slot of the hash table is one integer, the place of the record and
 * bits of the hash. Tokens take a fifth less time than with a `UnitTable` and arrays of words beside it.
 *
 *   record   [length + 256 * words, units.., word]             of a chunk that is one word
 *            [length + 256 * words, units.., word, length, word, length, ..]   of others
 *
 * Texts made to collide end in a `Map` after a bounded number of steps, as in `UnitTable`.
 */
import { hashStart, hashStep } from './unit-table.ts';

/** Longer chunks are rare and mostly data: they are cut, but not kept. */
export const longestKept = 48;
const mostSteps = 24;
const placeBits = 26;
const placeMask = (1 << placeBits) - 1;

export class ChunkTable {
  /** Chunks held. */
  size = 0;
  /** The records, one behind the other, up to `used`. */
  records = new Int32Array(1 << 13);
  used = 0;
  private slots = new Int32Array(1 << 11);
  private mask = (1 << 11) - 1;
  private collided: Map<string, number> | undefined;

  /** Place of the record of the chunk at start .. end - 1, or -1. `hash` is its `hashUnits`. */
  find(units: Uint16Array, start: number, end: number, hash: number): number {
    const { mask, slots, records } = this;
    const length = end - start;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let step = 0; step < mostSteps; step++) {
      const held = slots[slot]!;
      if (held === 0) return -1;
      if ((held ^ hash) >>> placeBits === 0) {
        const place = (held & placeMask) - 1;
        if ((records[place]! & 0xff) === length) {
          let at = start;
          let from = place + 1;
          while (at + 1 < end && records[from] === (units[at]! | (units[at + 1]! << 16))) {
            at += 2;
            from++;
          }
          if (at === end || (at + 1 === end && records[from] === units[at])) return place;
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.collided?.get(String.fromCharCode(...units.subarray(start, end))) ?? -1;
  }

  /** Adds a chunk that `find` did not find. `cuts`: where each of its words ends; `words`: their numbers. -1 when there is no room. */
  add(
    units: Uint16Array,
    start: number,
    end: number,
    hash: number,
    cuts: readonly number[],
    words: Int32Array,
  ): number {
    const place = this.used;
    const most = place + 2 + longestKept / 2 + 2 * cuts.length;
    if (most > placeMask) return -1;
    if (most > this.records.length) {
      const more = new Int32Array(2 * this.records.length);
      more.set(this.records);
      this.records = more;
    }
    this.size++;
    if (2 * this.size > this.mask) this.rehash();
    const { records } = this;
    let at = place;
    records[at++] = (end - start) | (cuts.length << 8);
    for (let unit = start; unit < end; unit += 2) {
      records[at++] = unit + 1 < end ? units[unit]! | (units[unit + 1]! << 16) : units[unit]!;
    }
    let before = start;
    for (let i = 0; i < cuts.length; i++) {
      records[at++] = words[i]!;
      if (cuts.length > 1) records[at++] = cuts[i]! - before;
      before = cuts[i]!;
    }
    this.used = at;
    this.put(place, hash);
    return place;
  }

  private put(place: number, hash: number): void {
    const { mask, slots } = this;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let step = 0; step < mostSteps; step++) {
      if (slots[slot] === 0) {
        slots[slot] = (hash & ~placeMask) | (place + 1);
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.collided ??= new Map();
    this.collided.set(this.text(place), place);
  }

  private rehash(): void {
    this.mask = 2 * this.mask + 1;
    this.slots = new Int32Array(this.mask + 1);
    // A member of the map must have `mostSteps` taken slots before it, or `find` would stop early: put all again.
    this.collided = undefined;
    const { records, used } = this;
    for (let place = 0; place < used; ) {
      const length = records[place]! & 0xff;
      const words = records[place]! >>> 8;
      let hash = hashStart;
      for (let unit = 0; unit < length; unit++) hash = hashStep(hash, this.unit(place, unit));
      this.put(place, hash);
      place += wordsAt(length) + (words === 1 ? 1 : 2 * words);
    }
  }

  private text(place: number): string {
    const length = this.records[place]! & 0xff;
    return String.fromCharCode(...Array.from({ length }, (_, unit) => this.unit(place, unit)));
  }

  private unit(place: number, index: number): number {
    return (this.records[place + 1 + (index >> 1)]! >>> (16 * (index & 1))) & 0xffff;
  }
}

/** Where the words of a record begin, from its place, for a chunk of `length` units. */
export function wordsAt(length: number): number {
  return 1 + ((length + 1) >> 1);
}
