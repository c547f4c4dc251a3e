/**
 * Contamination as columns: what a pipeline stores of a scan beside each document, so that the decision can be made again without reading a
 * text. The rule of MegaMath and FineMath is `contamination.exact` at most 0.
 */
import {
  type ContaminationIndex,
  largestShare,
  type MatchedPart,
  type ScanResult,
} from './contamination-index.ts';

/** Shaped as the `FamilySpec` of src/filters/signal.ts. */
export const contaminationSpec = {
  name: 'contamination',
  source:
    'MegaMath (arXiv 2504.02807, 2.1), FineMath: n-grams in common with benchmarks; near misses are own',
  signals: [
    {
      name: 'contamination.exact',
      description: 'benchmark items that the document has an n-gram of',
      histogram: { from: 1, to: 1000, logarithmic: true },
    },
    {
      name: 'contamination.near',
      description: 'other benchmark items that it repeats with some words or numbers changed',
      histogram: { from: 1, to: 1000, logarithmic: true },
    },
    {
      name: 'contamination.share',
      description: "largest share of an item's, its problem's or its solution's n-grams in the document",
      histogram: { from: 0, to: 1 },
    },
    {
      name: 'contamination.similarity',
      description: 'largest share of the words of a problem or solution that the document repeats in order',
      histogram: { from: 0, to: 1 },
    },
  ],
  labels: [{ name: 'contamination.item', description: 'the benchmark item most alike, as benchmark/item' }],
};

/** One document against one item: a line of `contamination.jsonl`, without the document's own keys. */
export interface ContaminationMatch {
  kind: 'exact' | 'near';
  benchmark: string;
  item: string;
  part: MatchedPart;
  /** The document's own words, white space collapsed. */
  ngram: string;
  /** Where they begin: UTF-16 code units from the start of the text. */
  at: number;
  /** Exact: share of the item's n-grams found. Near: share of the problem's (or solution's) near n-grams. */
  share: number;
  /** 1 - word edits / words of the problem (or solution); null when not measured. */
  similarity: number | null;
}

/** What a pipeline keeps of one document. */
export interface MeasuredContamination {
  /** In the order of `contaminationSpec.signals`. */
  values: Float64Array;
  /** In the order of `contaminationSpec.labels`. */
  labels: (string | null)[];
  matches: ContaminationMatch[];
}

/** Scans `text` and gives columns and report lines. */
export function measureContamination(index: ContaminationIndex, text: string): MeasuredContamination {
  const result = index.scan(text);
  return {
    values: Float64Array.of(result.exactItems, result.nearItems, result.share, result.similarity),
    labels: [bestItem(result)],
    matches: matchesOf(result),
  };
}

function bestItem({ exact, near }: ScanResult): string | null {
  const best = exact[0] ?? near[0];
  return best === undefined ? null : `${best.benchmark}/${best.item}`;
}

function matchesOf({ exact, near }: ScanResult): ContaminationMatch[] {
  return [
    ...exact.map((match): ContaminationMatch => {
      const { benchmark, item, part, ngram, at, similarity } = match;
      const share = rounded(largestShare(match));
      return { kind: 'exact', benchmark, item, part, ngram, at, share, similarity: orNull(similarity) };
    }),
    ...near.map(({ benchmark, item, part, ngram, at, matched, similarity }): ContaminationMatch => {
      return {
        kind: 'near',
        benchmark,
        item,
        part,
        ngram,
        at,
        share: rounded(matched),
        similarity: orNull(similarity),
      };
    }),
  ];
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : rounded(value));
