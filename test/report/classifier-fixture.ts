/** A made-up evaluation of a classifier, harmless or with a hostile text in every name and excerpt. */
import type { ClassifierEvaluation, MeasuredSet, SweepPoint } from '../../src/core/classifier-evaluation.ts';

export const attack = `<img src="http://127.0.0.1:9/x" onerror="document.title='pwned'"><script>document.title='pwned'</script></pre>\u202e| # x`;

const point = (threshold: number): SweepPoint => ({
  threshold,
  tp: 80,
  fp: 20,
  fn: 10,
  tn: 190,
  precision: 0.8,
  recall: 0.8889,
  f1: 0.8421,
  negativePrecision: 0.95,
  negativeRecall: 0.9048,
  negativeF1: 0.9268,
  macroF1: 0.8845,
  accuracy: 0.9,
  keptDocuments: 1 / 3,
  keptTokens: 0.4,
});

export function measured(
  distribution: MeasuredSet['distribution'],
  more: Partial<MeasuredSet> = {},
): MeasuredSet {
  return {
    distribution,
    documents: 300,
    positives: 90,
    tokens: 30_000,
    rocAuc: 0.9876,
    averagePrecision: 0.9765,
    chosen: point(0.4),
    sweep: Array.from({ length: 11 }, (_, i) => ({
      ...point(i / 10),
      ...(i === 10 ? { precision: null } : {}),
    })),
    curve: [
      { threshold: 0.9, recall: 0.5, precision: 1 },
      { threshold: 0.4, recall: 1, precision: 0.6 },
    ],
    bins: [
      { from: 0, to: 0.5, documents: 200, meanScore: 0.1, observed: 0.05 },
      { from: 0.5, to: 1, documents: 100, meanScore: 0.9, observed: 0.8 },
    ],
    expectedCalibrationError: 0.0667,
    brier: 0.07,
    histogram: { edges: [0, 0.5, 1], positives: [10, 80], negatives: [190, 20] },
    regression: null,
    ...more,
  };
}

export function evaluation(hostile = ''): ClassifierEvaluation {
  const interval = { value: 0.8889, low: 0.807, high: 0.9389 };
  return {
    version: 1,
    classifier: {
      name: `math${hostile}`,
      kind: 'fasttext',
      label: `positive${hostile}`,
      sha256: 'a'.repeat(64),
    },
    positiveMin: 3,
    threshold: { value: 0.4, by: 'given' },
    data: {
      files: [{ path: `/data/labels${hostile}.parquet`, bytes: 1234, fingerprint: 'f00d' }],
      documents: 320,
      left: { trained_on: 20 },
      tokens: 'UTF-8 bytes / 4',
    },
    sets: [measured('all'), measured('in'), measured('out')],
    sources: [
      {
        source: `planetmath${hostile}`,
        distribution: 'out',
        documents: 90,
        positives: 90,
        tokens: 9000,
        tp: 80,
        fp: 0,
        fn: 10,
        tn: 0,
        precision: null,
        recall: interval,
        accuracy: interval,
        f1: 0.94,
        meanScore: 0.7,
      },
    ],
    worst: {
      falsePositives: [
        {
          id: `d1${hostile}`,
          source: `c4${hostile}`,
          url: `http://a/${hostile}`,
          score: 0.99,
          excerpt: `buy ${hostile}`,
        },
      ],
      falseNegatives: [],
    },
    warnings: [`only 300 documents${hostile}`],
    versions: { midtrain: '0.1.0' },
  };
}
