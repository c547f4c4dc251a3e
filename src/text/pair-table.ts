/**
 * Numbers pairs of 32-bit integers in order of first appearance: an open-addressing table in two typed arrays.
 *
 * A `Map` keyed by a combined number costs several times as much. The table is exact (it compares both integers) and
 * never grows, since the caller knows how many pairs can come.
 */
export class PairTable {
  private readonly mask: number;
  private readonly firsts: Uint32Array;
  private readonly seconds: Uint32Array;
  /** Id + 1 of the pair in each slot; 0 is free. */
  private readonly slots: Uint32Array;
  /** Different pairs so far. */
  size = 0;

  constructor(most: number) {
    let capacity = 16;
    while (capacity < most * 2) capacity *= 2;
    this.mask = capacity - 1;
    this.firsts = new Uint32Array(capacity);
    this.seconds = new Uint32Array(capacity);
    this.slots = new Uint32Array(capacity);
  }

  idOf(first: number, second: number): number {
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second + 0x7f4a7c15, 0x85ebca6b);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 13;
    let slot = hash & this.mask;
    for (;;) {
      const held = this.slots[slot]!;
      if (held === 0) {
        this.slots[slot] = ++this.size;
        this.firsts[slot] = first;
        this.seconds[slot] = second;
        return this.size - 1;
      }
      if (this.firsts[slot] === first && this.seconds[slot] === second) return held - 1;
      slot = (slot + 1) & this.mask;
    }
  }
}
