/**
 * Which two neighbouring tokens merge, how early, and into what: an open-addressing hash table from (left id, right id) to
 * (rank, merged id). A `Map` with pair keys would box every key; this is four typed arrays, at most half full.
 */
export class MergeTable {
  private readonly mask: number;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly ranks: Int32Array;
  private readonly merged: Int32Array;

  constructor(count: number) {
    let size = 16;
    while (size < count * 2) size *= 2;
    this.mask = size - 1;
    this.left = new Int32Array(size).fill(-1);
    this.right = new Int32Array(size);
    this.ranks = new Int32Array(size);
    this.merged = new Int32Array(size);
  }

  /** The slot of a pair, or the empty slot where it would go. */
  private slot(left: number, right: number): number {
    let h = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    h = (h ^ (h >>> 15)) & this.mask;
    while (this.left[h] !== -1 && (this.left[h] !== left || this.right[h] !== right)) h = (h + 1) & this.mask;
    return h;
  }

  set(left: number, right: number, rank: number, merged: number): void {
    const h = this.slot(left, right);
    this.left[h] = left;
    this.right[h] = right;
    this.ranks[h] = rank;
    this.merged[h] = merged;
  }

  /** Rank of the merge of a pair (lower merges first), or `noMerge`. */
  rank(left: number, right: number): number {
    const h = this.slot(left, right);
    return this.left[h] === -1 ? noMerge : this.ranks[h]!;
  }

  /** The id a mergeable pair becomes. */
  mergedId(left: number, right: number): number {
    return this.merged[this.slot(left, right)]!;
  }
}

/** Greater than any rank. */
export const noMerge = 0x7fffffff;
