/** The tokens of a source as the planner sees them: packed on lengths alone, so that the plan has the numbers of what will be written. */
import type { HowToPack, PackableSource, PackedCounts } from '../../mixtures/packed-windows.ts';
import { type BlockMark, bestFit } from '../tokens/best-fit.ts';
import { concatenate, type JoinMark, type PackedWindow, type PassLengths } from '../tokens/pack.ts';

/** A place that a stream of windows can begin at; plain data. A `JoinMark` of joined documents, a `BlockMark` of best-fit packing. */
export type StreamMark = JoinMark | BlockMark;

/**
 * The windows of a source, of which the first are counted by the planner and written by the writer. Best-fit packing needs to know how
 * many tokens are wanted (`tokens`, as the planner said); then there are enough windows for those and one more. `from`: a mark of the same
 * source, packed in the same way.
 */
export function windowsOf(
  source: PassLengths,
  how: HowToPack,
  tokens: number,
  { from, onMark }: { from?: StreamMark | undefined; onMark?: (mark: StreamMark) => void } = {},
): Generator<PackedWindow> {
  const { packing, windowTokens, seed } = how;
  return packing === 'best-fit'
    ? bestFit(source, { windowTokens, seed, tokens, from: from as BlockMark | undefined, onMark })
    : concatenate(source, { windowTokens, seed, from: from as JoinMark | undefined, onMark });
}

/** A source that remembers the marks of the windows it has counted. */
export interface MarkedSource extends PackableSource {
  /** Marks in the order of windows, of the source packed so for so many tokens; none where it was not. */
  marks(how: HowToPack, tokens: number): StreamMark[];
}

export function packableSource(source: PassLengths): MarkedSource {
  let marked = { packed: '', marks: [] as StreamMark[] };
  const nameOf = ({ packing, windowTokens, seed }: HowToPack, tokens: number): string =>
    JSON.stringify([packing, windowTokens, seed, tokens]);
  const windows = (how: HowToPack, tokens: number): Generator<PackedWindow> => {
    const marks: StreamMark[] = [];
    marked = { packed: nameOf(how, tokens), marks };
    return windowsOf(source, how, tokens, { onMark: (mark) => marks.push(mark) });
  };
  return {
    first(count, how) {
      const counts = countsOf();
      if (count === 0) return counts;
      for (const window of windows(how, count * how.windowTokens)) {
        add(counts, window);
        if (counts.windows === count) break;
      }
      return counts;
    },
    around(tokens, how) {
      const below = countsOf();
      const above = countsOf();
      for (const window of windows(how, tokens)) {
        add(above, window);
        if (above.tokens > tokens) break;
        add(below, window);
      }
      return { below, above };
    },
    marks: (how, tokens) => (marked.packed === nameOf(how, tokens) ? marked.marks : []),
  };
}

function countsOf(): PackedCounts {
  return { windows: 0, tokens: 0, padding: 0, documents: 0, cut: 0, pieces: 0 };
}

function add(counts: PackedCounts, { pieces, padding }: PackedWindow): void {
  counts.windows++;
  counts.padding += padding;
  counts.pieces += pieces.length;
  for (const { length, whole, first } of pieces) {
    counts.tokens += length;
    if (first) counts.documents++;
    if (first && !whole) counts.cut++;
  }
}

/** What `planMixture` takes: the sources whose lengths are known, by name. */
export function packableSources(
  sources: readonly { name: string; tokens: PassLengths }[],
): Record<string, MarkedSource> {
  return Object.fromEntries(sources.map(({ name, tokens }) => [name, packableSource(tokens)]));
}
