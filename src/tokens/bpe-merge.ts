/**
 * Byte-pair merging of one word: again and again the neighbouring pair of lowest rank, leftmost first, becomes one token
 * (Sennrich et al. 2016). Short words scan an array of ranks. Long ones (a crawled page can hold a "word" of 100,000 letters) keep
 * a linked list and a heap, n log n instead of n squared.
 */
import type { MergeTable } from './merge-table.ts';
import { noMerge } from './merge-table.ts';

/** Up to here the plain scan is faster than the heap. */
const longWord = 64;

export class BpeMerger {
  private readonly table: MergeTable;
  private readonly ranks = new Int32Array(longWord + 1);

  constructor(table: MergeTable) {
    this.table = table;
  }

  /** Merges `ids[0 .. n-1]` in place; returns how many are left. Negative ids (unknown bytes) never merge. */
  merge(ids: Int32Array, n: number): number {
    if (n < 2) return n;
    return n <= longWord ? this.mergeShort(ids, n) : this.mergeLong(ids, n);
  }

  private mergeShort(ids: Int32Array, n: number): number {
    const { table, ranks } = this;
    for (let i = 0; i < n - 1; i++) ranks[i] = table.rank(ids[i]!, ids[i + 1]!);
    for (;;) {
      let best = noMerge;
      let at = -1;
      for (let i = 0; i < n - 1; i++) {
        if (ranks[i]! < best) {
          best = ranks[i]!;
          at = i;
        }
      }
      if (at === -1) return n;
      ids[at] = table.mergedId(ids[at]!, ids[at + 1]!);
      ids.copyWithin(at + 1, at + 2, n);
      ranks.copyWithin(at, at + 1, n - 1);
      n--;
      if (at < n - 1) ranks[at] = table.rank(ids[at]!, ids[at + 1]!);
      if (at > 0) ranks[at - 1] = table.rank(ids[at - 1]!, ids[at]!);
    }
  }

  private mergeLong(ids: Int32Array, n: number): number {
    const { table } = this;
    const next = new Int32Array(n);
    const previous = new Int32Array(n);
    const dead = new Uint8Array(n);
    // One number per candidate: rank * 2^32 + position, so order is by rank and then from the left. 21 + 32 bits fit a double.
    const heap = new MinHeap(n);
    const offer = (i: number) => {
      const j = next[i]!;
      if (j >= n) return;
      const rank = table.rank(ids[i]!, ids[j]!);
      if (rank !== noMerge) heap.push(rank * 4294967296 + i);
    };
    for (let i = 0; i < n; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i < n - 1; i++) offer(i);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / 4294967296);
      const i = key - rank * 4294967296;
      const j = next[i]!;
      // An entry is stale once either side has merged elsewhere; then the pair now at this place has another rank.
      if (dead[i] === 1 || j >= n || table.rank(ids[i]!, ids[j]!) !== rank) continue;
      ids[i] = table.mergedId(ids[i]!, ids[j]!);
      dead[j] = 1;
      next[i] = next[j]!;
      if (next[i]! < n) previous[next[i]!] = i;
      offer(i);
      if (previous[i]! >= 0) offer(previous[i]!);
    }
    let kept = 0;
    for (let i = 0; i < n; i = next[i]!) ids[kept++] = ids[i]!;
    return kept;
  }
}

/** Binary min-heap of doubles. */
class MinHeap {
  size = 0;
  private keys: Float64Array;

  constructor(capacity: number) {
    this.keys = new Float64Array(Math.max(16, capacity));
  }

  push(key: number): void {
    if (this.size === this.keys.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.keys);
      this.keys = grown;
    }
    const keys = this.keys;
    let i = this.size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[i] = keys[parent]!;
      i = parent;
    }
    keys[i] = key;
  }

  pop(): number {
    const keys = this.keys;
    const top = keys[0]!;
    const last = keys[--this.size]!;
    const n = this.size;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[i] = keys[child]!;
      i = child;
    }
    keys[i] = last;
    return top;
  }
}
