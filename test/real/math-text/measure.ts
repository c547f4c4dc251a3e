/** Measures of the bundled classifier on one source, and of several together. */
import type { NamedDocuments } from './train-data.ts';

export interface Measured {
  name: string;
  label: 'math' | 'other';
  licence: string;
  use: 'train' | 'held out' | 'hard' | 'fresh';
  documents: number;
  /** Share on the right side of the threshold. */
  right: number;
  mean: number;
  /** By threshold: share that scores at least this. */
  atLeast: Record<string, number>;
  /** Documents on the wrong side, worst first, with their scores: at most five. */
  wrong: { id: string; score: number }[];
}

export const sweep = [0.1, 0.3, 0.4, 0.5, 0.7, 0.9] as const;

export function measure(
  { name, label, licence, documents }: NamedDocuments,
  use: Measured['use'],
  score: (text: string) => number,
  threshold: number,
): Measured {
  const scored = documents.map(({ id, text }) => ({ id, score: score(text) }));
  const isMath = label === 'math';
  const wrong = scored
    .filter((one) => one.score >= threshold !== isMath)
    .sort((a, b) => (isMath ? a.score - b.score : b.score - a.score));
  const share = (bound: number): number => scored.filter((one) => one.score >= bound).length / scored.length;
  return {
    name,
    label,
    licence,
    use,
    documents: scored.length,
    right: round(1 - wrong.length / scored.length),
    mean: round(scored.reduce((sum, one) => sum + one.score, 0) / scored.length),
    atLeast: Object.fromEntries(sweep.map((bound) => [bound, round(share(bound))])),
    wrong: wrong.slice(0, 5).map((one) => ({ id: one.id, score: round(one.score) })),
  };
}

/** Of all documents of the sources, each document counted once. */
export function together(
  parts: readonly Measured[],
  bound: number,
): { precision: number; recall: number; f1: number; math: number; other: number } {
  let [tp, fp, math, other] = [0, 0, 0, 0];
  for (const { label, documents, atLeast } of parts) {
    const found = Math.round(atLeast[bound]! * documents);
    if (label === 'math') {
      tp += found;
      math += documents;
    } else {
      fp += found;
      other += documents;
    }
  }
  const precision = tp / (tp + fp);
  const recall = tp / math;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall), math, other };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
