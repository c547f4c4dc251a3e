/**
 * A uniform sample of a stream by bottom-k: of all documents those with the k lowest hashes of seed and id, whatever their order.
 *
 * A heap with the highest hash on top. `bound` may be lowered later on, which only drops entries, so what is held at the end is what a
 * sampler with the last bound from the start would hold.
 */

export interface SampleEntry {
  /** Uniform in 0 .. 2^53 - 1. */
  hash: number;
  /** Decides among equal hashes (equal ids). */
  tie: string;
  /** Where its record lies in the spool. */
  at: number;
  length: number;
}

export class BottomSample {
  private readonly heap: SampleEntry[] = [];
  private bound: number;
  /** Documents seen. */
  size = 0;

  constructor(bound: number) {
    this.bound = bound;
  }

  /** Whether a document with this hash would be held now. */
  admits(hash: number, tie: string): boolean {
    if (this.bound === 0) return false;
    if (this.heap.length < this.bound) return true;
    return before({ hash, tie }, this.heap[0]!);
  }

  add(entry: SampleEntry): void {
    const { heap } = this;
    heap.push(entry);
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
    this.shrink(this.bound);
  }

  /** Holds at most `bound` from now on. */
  shrink(bound: number): void {
    this.bound = bound;
    while (this.heap.length > bound) this.pop();
  }

  /** Lowest hash first; at most `count`. */
  lowest(count: number): SampleEntry[] {
    return [...this.heap].sort((a, b) => (before(a, b) ? -1 : 1)).slice(0, count);
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && before(heap[left]!, heap[left + 1]!) ? left + 1 : left;
      if (!before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Pick<SampleEntry, 'hash' | 'tie'>, b: Pick<SampleEntry, 'hash' | 'tie'>): boolean {
  return a.hash !== b.hash ? a.hash < b.hash : a.tie < b.tie;
}
