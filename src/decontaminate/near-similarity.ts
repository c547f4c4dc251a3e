/**
 * Measures the alignments that reading a document found: the document is read again, only as far as needed, and each stretch that may
 * repeat a problem or solution is compared with it word by word.
 *
 * At most 64 alignments of a document are measured, those with the largest shares of n-grams first; the others have similarity NaN. Only
 * documents with an alignment worth measuring pay for this.
 */
import { editSimilarity } from './edit-similarity.ts';
import type { IndexData } from './index-data.ts';
import type { Alignment } from './near-tracker.ts';
import { WordReader, wordBuffer } from './word-reader.ts';

export interface MeasuredAlignment extends Alignment {
  /** Share of the part's near n-grams in common. */
  share: number;
  /** `editSimilarity` of the part, of its first `nearWords` words when it is longer. NaN: not measured. */
  similarity: number;
}

/** Fewer n-grams in common than this say nothing. */
const fewest = 2;
const smallestShare = 0.1;
const mostMeasured = 64;
/** Words of a problem or solution that are compared. */
export const nearWords = 400;
const readAtOnce = 4096;

/** The alignments worth a look, best first. */
export function measureAlignments(
  text: string,
  alignments: readonly Alignment[],
  data: IndexData,
): MeasuredAlignment[] {
  const measured = alignments
    .map((alignment) => ({
      ...alignment,
      share: alignment.found / data.nearTotals[alignment.part]!,
      similarity: Number.NaN,
    }))
    .filter(({ found, share }) => (found >= fewest && share >= smallestShare) || share === 1)
    .sort((a, b) => b.share - a.share || a.part - b.part);
  const chosen = measured.slice(0, mostMeasured);
  const stretches = chosen.map(({ part, begin }) => {
    const { from, to } = partBounds(data, part);
    const slack = Math.max(8, (to - from) >>> 2);
    const first = Math.max(0, begin - slack);
    const last = Math.max(first, begin + (to - from) + slack);
    return { first, last, words: new Uint32Array(last - first), count: 0 };
  });
  collect(text, stretches, data);
  chosen.forEach((alignment, i) => {
    const { from, to } = partBounds(data, alignment.part);
    const { words, count } = stretches[i]!;
    alignment.similarity = editSimilarity(data.words, from, to, words.subarray(0, count));
  });
  return measured;
}

/** Words of a part among the index's words, cut at `nearWords`. */
export function partBounds(data: IndexData, part: number): { from: number; to: number } {
  const item = part >>> 1;
  const start = data.itemStart[item]!;
  const middle = start + data.problemWords[item]!;
  const [from, to] = part % 2 === 0 ? [start, middle] : [middle, data.itemStart[item + 1]!];
  return { from, to: Math.min(to, from + nearWords) };
}

interface Stretch {
  /** Words [first, last) of the document. */
  first: number;
  last: number;
  words: Uint32Array;
  count: number;
}

function collect(text: string, stretches: readonly Stretch[], data: IndexData): void {
  const end = stretches.reduce((most, { last }) => Math.max(most, last), 0);
  const reader = new WordReader(text, data.options);
  const buffer = wordBuffer(readAtOnce);
  for (let base = 0; base < end && !reader.done; ) {
    const count = reader.read(buffer, 0);
    for (const stretch of stretches) {
      const from = Math.max(stretch.first, base);
      const to = Math.min(stretch.last, base + count);
      if (from >= to) continue;
      stretch.words.set(buffer.hash.subarray(from - base, to - base), from - stretch.first);
      stretch.count = to - stretch.first;
    }
    base += count;
  }
}
