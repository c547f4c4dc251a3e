/**
 * Bins by the space that is free in them: which bin has the least room that still takes `length`? A list of bins for every amount of
 * free space, and over the amounts a tree of bits with 32 children to a node, so a question costs O(log32 of the capacity) word
 * operations (Ding et al. 2024 use a segment tree with 2 children for the same). Of bins with equal room the last one filed is taken.
 */
export class FreeSpace {
  /** levels[0] has a bit for each amount of free space; a bit of the next level says that a word below is not 0. */
  private readonly levels: Uint32Array[] = [];
  /** First bin of each amount, plus 1; 0 where there is none. */
  private readonly heads: Int32Array;
  /** The bin behind each bin in its list, plus 1. */
  private readonly behind: Int32Array;

  /** For bins numbered below `bins`, each with 0 to `capacity` free. */
  constructor(capacity: number, bins: number) {
    this.heads = new Int32Array(capacity + 1);
    this.behind = new Int32Array(bins);
    let size = capacity + 1;
    do {
      size = Math.ceil(size / 32);
      this.levels.push(new Uint32Array(size));
    } while (size > 1);
  }

  /** Files a bin, which must not be filed already. */
  add(bin: number, free: number): void {
    this.behind[bin] = this.heads[free]!;
    this.heads[free] = bin + 1;
    for (let level = 0, at = free; level < this.levels.length; level++, at >>>= 5)
      this.levels[level]![at >>> 5]! |= 1 << (at & 31);
  }

  /** Takes out the bin with the least free space that is at least `length`, if there is one. */
  take(length: number): { bin: number; free: number } | undefined {
    const free = this.atLeast(length);
    if (free < 0) return undefined;
    const bin = this.heads[free]! - 1;
    this.heads[free] = this.behind[bin]!;
    if (this.heads[free] === 0) this.clear(free);
    return { bin, free };
  }

  /** The least amount from `length` up that some bin has free, or -1. */
  private atLeast(length: number): number {
    let at = length;
    for (let level = 0; level < this.levels.length; level++) {
      const words = this.levels[level]!;
      const word = at >>> 5;
      if (word >= words.length) return -1;
      const bits = words[word]! & (-1 << (at & 31));
      if (bits !== 0) {
        at = (word << 5) + lowestBit(bits);
        while (level-- > 0) at = (at << 5) + lowestBit(this.levels[level]![at]!);
        return at;
      }
      at = word + 1;
    }
    return -1;
  }

  private clear(free: number): void {
    for (let level = 0, at = free; level < this.levels.length; level++, at >>>= 5) {
      const words = this.levels[level]!;
      words[at >>> 5]! &= ~(1 << (at & 31));
      if (words[at >>> 5] !== 0) return;
    }
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
