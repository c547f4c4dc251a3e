/**
 * Numbers strings, given as code units, in order of first appearance: open addressing over hashes, compared unit by unit, with
 * the units of all members in one array. No string object is made for a member.
 *
 * A `Map<string, number>` needs a substring for every question, and its hash.
 * Hashes are weak, so text made to collide is possible: after a bounded number of steps a member goes into a `Map`, whose
 * hashes are seeded by the engine, and the cost of a question stays bounded.
 */

const mostSteps = 24;
/** Enough for every text that fits into a JavaScript string. */
const idBits = 26;
const idMask = (1 << idBits) - 1;

export class UnitTable {
  /** Strings held; their numbers are 0 .. size - 1. */
  size = 0;
  /** Units of string `id` are pool[starts[id]] .. pool[starts[id + 1] - 1]. */
  pool: Uint16Array = new Uint16Array(1 << 12);
  starts: Int32Array = new Int32Array(1 << 10);
  private mask = (1 << 11) - 1;
  /** Id + 1 of the string in each slot, with bits of its hash above it; 0 is free. Small, since a look-up costs cache misses. */
  private slots = new Int32Array(1 << 11);
  private collided: Map<string, number> | undefined;

  /** The number of the string at start .. end - 1, or -1. `hash` is its `hashUnits`. */
  find(units: Uint16Array, start: number, end: number, hash: number): number {
    const { mask, slots, pool, starts } = this;
    let slot = spread(hash) & mask;
    for (let step = 0; step < mostSteps; step++) {
      const held = slots[slot]!;
      if (held === 0) return -1;
      if ((held ^ hash) >>> idBits === 0) {
        const id = (held & idMask) - 1;
        let from = starts[id]!;
        const to = starts[id + 1]!;
        if (to - from === end - start) {
          let at = start;
          while (from < to && pool[from] === units[at]) {
            from++;
            at++;
          }
          if (from === to) return id;
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.collided?.get(unitsToString(units, start, end)) ?? -1;
  }

  /** Adds a string that `find` did not find. */
  add(units: Uint16Array, start: number, end: number, hash: number): number {
    const id = this.size++;
    if (this.size > this.mask >> 1) this.rehash();
    if (this.starts.length < this.size + 1) this.starts = grown(this.starts, this.size + 1);
    const from = this.starts[id]!;
    const to = from + end - start;
    if (this.pool.length < to) this.pool = grown(this.pool, to);
    const { pool } = this;
    for (let at = start, into = from; at < end; at++, into++) pool[into] = units[at]!; // shorter than a call of `set`
    this.starts[id + 1] = to;
    this.place(id, hash);
    return id;
  }

  /** The string with number `id`. */
  text(id: number): string {
    return unitsToString(this.pool, this.starts[id]!, this.starts[id + 1]!);
  }

  private place(id: number, hash: number): void {
    const { mask, slots } = this;
    let slot = spread(hash) & mask;
    for (let step = 0; step < mostSteps; step++) {
      if (slots[slot] === 0) {
        slots[slot] = (hash & ~idMask) | (id + 1);
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.collided ??= new Map();
    this.collided.set(this.text(id), id);
  }

  private rehash(): void {
    this.mask = 2 * this.mask + 1;
    this.slots = new Int32Array(this.mask + 1);
    // A member of the map must have `mostSteps` taken slots before it, or `find` would stop early: place all again.
    this.collided = undefined;
    for (let id = 0; id < this.size - 1; id++) {
      this.place(id, hashUnits(this.pool, this.starts[id]!, this.starts[id + 1]!));
    }
  }
}

/** Start of the hash of no units; `hashStep` takes one unit more (FNV-1a on 16 bits). */
export const hashStart = 0x811c9dc5 | 0;

export function hashStep(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

/** Hash of units start .. end - 1. */
export function hashUnits(units: Uint16Array, start: number, end: number): number {
  let hash = hashStart;
  for (let at = start; at < end; at++) hash = hashStep(hash, units[at]!);
  return hash;
}

/** The code units of a short text. */
export function toUnits(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

/** The low bits of FNV depend on the low bits of the units only; bring the high ones down. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function unitsToString(units: Uint16Array, start: number, end: number): string {
  return Buffer.from(units.buffer, units.byteOffset + 2 * start, 2 * (end - start)).toString('utf16le');
}

function grown<T extends Uint16Array | Int32Array>(array: T, least: number): T {
  const more = new (array.constructor as new (length: number) => T)(Math.max(least, 2 * array.length));
  more.set(array);
  return more;
}
