/** The tokens of a source as the planner sees them: packed on lengths alone, so that the plan has the numbers of what will be written. */
import type { HowToPack, PackableSource, PackedCounts } from '../../mixtures/packed-windows.ts';
import { bestFit } from '../tokens/best-fit.ts';
import { concatenate, type PackedWindow, type PassLengths } from '../tokens/pack.ts';

/**
 * The windows of a source, of which the first are counted by the planner and written by the writer. Best-fit packing needs to know how
 * many tokens are wanted (`tokens`, as the planner said); then there are enough windows for those and one more.
 */
export function windowsOf(source: PassLengths, how: HowToPack, tokens: number): Generator<PackedWindow> {
  const { packing, windowTokens, seed } = how;
  return packing === 'best-fit'
    ? bestFit(source, { windowTokens, seed, tokens })
    : concatenate(source, { windowTokens, seed });
}

export function packableSource(source: PassLengths): PackableSource {
  return {
    first(windows, how) {
      const counts = countsOf();
      if (windows === 0) return counts;
      for (const window of windowsOf(source, how, windows * how.windowTokens)) {
        add(counts, window);
        if (counts.windows === windows) break;
      }
      return counts;
    },
    around(tokens, how) {
      const below = countsOf();
      const above = countsOf();
      for (const window of windowsOf(source, how, tokens)) {
        add(above, window);
        if (above.tokens > tokens) break;
        add(below, window);
      }
      return { below, above };
    },
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
): Record<string, PackableSource> {
  return Object.fromEntries(sources.map(({ name, tokens }) => [name, packableSource(tokens)]));
}
