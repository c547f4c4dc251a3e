/**
 * Follows, while a document is read, where it runs along a problem or solution: n-grams in common at about the same distance.
 *
 * A shared n-gram at word p of a part and word d of the document says that the part would begin at word d - p. N-grams that agree on that,
 * within an eighth of the part's length, are one alignment; those scattered over a long document are not, so a long page full of ordinary
 * phrases adds up to nothing. Up to four alignments of a part are open at a time; of each part the one with the most n-grams is
 * kept. Memory is bounded by the parts met, whatever the document.
 */

export interface Alignment {
  /** Item times 2, and 1 more for the solution. */
  part: number;
  /** Word of the document where the part's first word would stand; may be before the document's first. */
  begin: number;
  /** Distinct n-grams in common. */
  found: number;
  /** First code unit of the first n-gram in common. */
  at: number;
}

interface Open extends Alignment {
  seen: Uint32Array;
  last: number;
}

interface Tracked {
  open: Open[];
  best: Alignment | undefined;
}

const mostOpen = 4;

export class NearTracker {
  private readonly parts = new Map<number, Tracked>();

  get empty(): boolean {
    return this.parts.size === 0;
  }

  /** Word `p` of `part` (of `words` words) begins an n-gram that the document has at word `d`, code unit `at`. */
  add(part: number, p: number, words: number, d: number, at: number): void {
    let tracked = this.parts.get(part);
    if (tracked === undefined) {
      tracked = { open: [], best: undefined };
      this.parts.set(part, tracked);
    }
    const begin = d - p;
    const tolerance = Math.max(6, words >>> 3);
    let nearest: Open | undefined;
    let distance = tolerance + 1;
    for (const open of tracked.open) {
      const apart = Math.abs(open.begin - begin);
      if (apart < distance) {
        distance = apart;
        nearest = open;
      }
    }
    if (nearest === undefined) {
      if (tracked.open.length === mostOpen) close(tracked, oldest(tracked.open));
      nearest = { part, begin, found: 0, at, seen: new Uint32Array((words >>> 5) + 1), last: d };
      tracked.open.push(nearest);
    }
    nearest.last = d;
    const bit = 1 << (p & 31);
    if ((nearest.seen[p >>> 5]! & bit) !== 0) return;
    nearest.seen[p >>> 5]! |= bit;
    nearest.found++;
  }

  /** The best alignment of each part met. */
  alignments(): Alignment[] {
    const all: Alignment[] = [];
    for (const tracked of this.parts.values()) {
      while (tracked.open.length > 0) close(tracked, 0);
      if (tracked.best !== undefined) all.push(tracked.best);
    }
    return all;
  }
}

function oldest(open: readonly Open[]): number {
  let index = 0;
  for (let i = 1; i < open.length; i++) if (open[i]!.last < open[index]!.last) index = i;
  return index;
}

function close(tracked: Tracked, index: number): void {
  const [closed] = tracked.open.splice(index, 1);
  if (closed !== undefined && (tracked.best === undefined || closed.found > tracked.best.found)) {
    tracked.best = { part: closed.part, begin: closed.begin, found: closed.found, at: closed.at };
  }
}
