/**
 * Looking at clusters before anything is deleted: the largest first, each with its documents. Two passes over the cluster files: the
 * first finds the `skip + limit` largest (a heap), the second collects their members, at most `members` of each. Memory is bounded by these
 * three numbers and the number of units. Source of the wish: datatrove issue 273 and PR 520, text-dedup issue 18.
 */
import { clusterFile } from './cluster-file.ts';
import { readRecordHeader, readRecords } from './record-file.ts';

export interface ClusterView {
  /** Number of the first document. */
  cluster: number;
  /** Documents in the cluster. */
  size: number;
  /** The first of them, in (unit, index) order. */
  members: { unit: number; index: number }[];
}

export interface ClusterPage {
  /** Clusters to show. */
  limit?: number;
  /** Larger clusters to pass over. */
  skip?: number;
  /** Documents of a cluster to list. */
  members?: number;
}

/** `files`: the cluster files in unit order. By size, then by number. Throws an InputError on damage. Needs `initHash64` awaited. */
export function viewClusters(files: readonly string[], page: ClusterPage = {}): ClusterView[] {
  const { limit = 100, skip = 0, members = 100 } = page;
  const largest = new Largest(skip + limit);
  let offset = 0;
  for (const path of files) {
    const { number } = readRecords(path, clusterFile, (words, doubles) => {
      for (let at = 0; at < words.length; at += 4) {
        const cluster = doubles[at / 2 + 1]!;
        // Each cluster once: at its first document.
        if (cluster === offset + words[at]!) largest.offer(cluster, words[at + 1]!);
      }
    });
    offset += number;
  }
  const shown = largest
    .sorted()
    .slice(skip)
    .map(({ cluster, size }): ClusterView => ({ cluster, size, members: [] }));
  const wanted = new Map(shown.map((view) => [view.cluster, view]));
  for (const [unit, path] of files.entries()) {
    if (readRecordHeader(path, clusterFile).records === 0) continue;
    readRecords(path, clusterFile, (words, doubles) => {
      for (let at = 0; at < words.length; at += 4) {
        const view = wanted.get(doubles[at / 2 + 1]!);
        if (view !== undefined && view.members.length < members)
          view.members.push({ unit, index: words[at]! });
      }
    });
  }
  return shown;
}

interface Sized {
  cluster: number;
  size: number;
}

/** True if `a` comes before `b`: larger, or of equal size with the smaller number. */
function before(a: Sized, b: Sized): boolean {
  return a.size > b.size || (a.size === b.size && a.cluster < b.cluster);
}

/** The first `limit` of those offered: a heap with the last of them on top. */
class Largest {
  private readonly heap: Sized[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  offer(cluster: number, size: number): void {
    const { heap } = this;
    const offered = { cluster, size };
    if (heap.length < this.limit) {
      heap.push(offered);
      this.rise(heap.length - 1);
    } else if (heap.length > 0 && before(offered, heap[0]!)) {
      heap[0] = offered;
      this.sink();
    }
  }

  sorted(): Sized[] {
    return this.heap.toSorted((a, b) => (before(a, b) ? -1 : 1));
  }

  private rise(at: number): void {
    const { heap } = this;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(heap[up]!, heap[at]!)) return;
      [heap[up], heap[at]] = [heap[at]!, heap[up]!];
      at = up;
    }
  }

  private sink(): void {
    const { heap } = this;
    for (let at = 0; ; ) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(heap[last]!, heap[child]!)) last = child;
      }
      if (last === at) return;
      [heap[last], heap[at]] = [heap[at]!, heap[last]!];
      at = last;
    }
  }
}
