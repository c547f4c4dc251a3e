/** Measures of classifiers against scikit-learn and scipy (test/oracles/classifier-measures.py), and the choice of a threshold. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  brierScore,
  expectedCalibrationError,
  regressionMeasures,
  reliabilityBins,
  scoreHistogram,
} from '../../src/stages/classify-calibration.ts';
import {
  averagePrecision,
  chooseThreshold,
  pointAt,
  precisionRecallCurve,
  rankScores,
  rocAuc,
} from '../../src/stages/classify-ranking.ts';

interface Case {
  scores: number[];
  labels: number[];
  rocAuc: number;
  averagePrecision: number;
  brier: number;
  points: Record<string, number>[];
  calibration: { observed: number[]; mean: number[] };
  bestF1: number;
  curve: { precision: number[]; recall: number[]; thresholds: number[] };
}

const oracle = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/classifier-measures.json'), 'utf8'),
) as {
  cases: Case[];
  regressions: ({ scores: number[]; annotated: number[] } & Record<string, number | number[]>)[];
};

const ranked = (scores: readonly number[], labels: readonly number[], tokens = scores.map(() => 1)) =>
  rankScores(Float64Array.from(scores), Uint8Array.from(labels), Float64Array.from(tokens));

describe.each(oracle.cases.map((one, i) => ({ one, i })))('case $i of scikit-learn', ({ one }) => {
  const ranking = ranked(one.scores, one.labels);

  it('has its area under the ROC curve and its average precision', () => {
    expect(rocAuc(ranking)).toBeCloseTo(one.rocAuc, 12);
    expect(averagePrecision(ranking)).toBeCloseTo(one.averagePrecision, 12);
  });

  it('has its confusions, precision, recall and F1 of both classes at every threshold', () => {
    for (const point of one.points) {
      const found = pointAt(ranking, point.threshold!) as unknown as Record<string, number | null>;
      // Where nothing was there to divide by, scikit-learn says 0 and a rate here is null.
      for (const [name, value] of Object.entries(point))
        if (name !== 'macroF1' || found.macroF1 !== null)
          expect([name, found[name] ?? 0]).toEqual([name, expect.closeTo(value, 12)]);
    }
  });

  it('has its reliability curve and Brier score', () => {
    const scores = Float64Array.from(one.scores);
    const bins = reliabilityBins(scores, Float64Array.from(one.labels), { from: 0, to: 1, bins: 10 });
    const filled = bins.filter(({ documents }) => documents > 0);
    expect(filled.map(({ observed }) => observed!)).toEqual(
      one.calibration.observed.map((value) => expect.closeTo(value, 12)),
    );
    expect(filled.map(({ meanScore }) => meanScore!)).toEqual(
      one.calibration.mean.map((value) => expect.closeTo(value, 12)),
    );
    const gaps = filled.reduce(
      (sum, bin) => sum + bin.documents * Math.abs(bin.observed! - bin.meanScore!),
      0,
    );
    expect(expectedCalibrationError(bins)).toBeCloseTo(gaps / one.scores.length, 12);
    expect(brierScore(scores, Uint8Array.from(one.labels))).toBeCloseTo(one.brier, 12);
  });

  it('has its precision-recall curve, and the threshold of the highest F1', () => {
    const curve = precisionRecallCurve(ranking, 10_000);
    // scikit-learn's rises in threshold and ends with a point at recall 0.
    expect(curve.map(({ threshold }) => threshold)).toEqual([...one.curve.thresholds].reverse());
    expect(curve.map(({ precision }) => precision)).toEqual(
      one.curve.precision
        .slice(0, -1)
        .reverse()
        .map((value) => expect.closeTo(value, 12)),
    );
    const { value } = chooseThreshold(ranking, { by: 'max-f1' });
    expect(pointAt(ranking, value).f1).toBeCloseTo(one.bestF1, 9);
  });
});

describe.each(oracle.regressions.map((one, i) => ({ one, i })))(
  'regression $i of scikit-learn',
  ({ one }) => {
    it('has its errors, rank correlation and macro F1 of rounded scores', () => {
      const { scores, annotated, ...expected } = one;
      const found = regressionMeasures(Float64Array.from(scores), Float64Array.from(annotated))!;
      for (const [name, value] of Object.entries(expected))
        expect([name, found[name as keyof typeof found]]).toEqual([
          name,
          expect.closeTo(value as number, 12),
        ]);
    });
  },
);

describe('a threshold', () => {
  const ranking = ranked([0.9, 0.8, 0.8, 0.6, 0.4, 0.2], [1, 1, 0, 1, 0, 1], [10, 20, 30, 40, 50, 60]);

  it('is the highest that reaches a recall', () => {
    expect(chooseThreshold(ranking, { by: 'recall', target: 0.75 })).toEqual({
      value: 0.5,
      by: 'recall',
      target: 0.75,
    });
    expect(chooseThreshold(ranking, { by: 'recall', target: 1 }).value).toBe(0.2);
  });

  it('is the one with the highest recall among those that reach a precision', () => {
    expect(chooseThreshold(ranking, { by: 'precision', target: 0.75 }).value).toBe(0.5);
    expect(chooseThreshold(ranking, { by: 'precision', target: 0.9 }).value).toBeCloseTo(0.85, 12);
  });

  it('lies half-way between the scores it divides, not at the edge of the positives', () => {
    const apart = ranked([0.9999, 0.9998, 0.1, 0.05], [1, 1, 0, 0]);
    const { value } = chooseThreshold(apart, { by: 'max-f1' });
    expect(value).toBeCloseTo(0.5499, 9);
    expect(pointAt(apart, value)).toMatchObject({ tp: 2, fp: 0, fn: 0, tn: 2 });
    // The lowest score has none below it, and between neighbouring numbers there is none.
    expect(chooseThreshold(ranked([0.9, 0.5], [0, 1]), { by: 'max-f1' }).value).toBe(0.5);
    const next = 0.5 + 2 ** -53;
    expect(chooseThreshold(ranked([next, 0.5], [1, 0]), { by: 'max-f1' }).value).toBe(next);
  });

  it('that does not exist is told with the highest precision there is', () => {
    const worst = ranked([0.9, 0.5], [0, 1]);
    expect(() => chooseThreshold(worst, { by: 'precision', target: 0.9 })).toThrow('the highest is 0.5000');
    expect(() => chooseThreshold(ranked([0.9], [0]), { by: 'max-f1' })).toThrow('no positives');
  });

  it('never splits equal scores, and says how much is kept', () => {
    const at = pointAt(ranking, 0.8);
    expect([at.tp, at.fp, at.fn, at.tn]).toEqual([2, 1, 2, 1]);
    expect([at.keptDocuments, at.keptTokens]).toEqual([0.5, 60 / 210]);
    expect(pointAt(ranking, 0.81).tp).toBe(1);
    expect(pointAt(ranking, 2)).toMatchObject({ tp: 0, fp: 0, precision: null, recall: 0, f1: 0 });
  });
});

it('measures that need both classes are null with one', () => {
  const ranking = ranked([0.2, 0.4], [0, 0]);
  expect([rocAuc(ranking), averagePrecision(ranking)]).toEqual([null, null]);
  expect(precisionRecallCurve(ranking, 10)).toEqual([]);
});

it('a curve is thinned to what is asked for and keeps its ends', () => {
  const scores = Array.from({ length: 5000 }, (_, i) => i / 5000);
  const curve = precisionRecallCurve(
    ranked(
      scores,
      scores.map((_, i) => i % 2),
    ),
    300,
  );
  expect(curve.length).toBeLessThanOrEqual(300);
  expect(curve.length).toBeGreaterThan(250);
  expect(curve[0]!.threshold).toBe(4999 / 5000);
  expect(curve.at(-1)).toMatchObject({ threshold: 0, recall: 1 });
});

it('scores beyond the bounds are in the first and last bin', () => {
  const histogram = scoreHistogram(Float64Array.of(-1, 0, 0.5, 1, 1.00001), Uint8Array.of(0, 0, 1, 1, 1), {
    from: 0,
    to: 1,
    bins: 2,
  });
  expect(histogram).toEqual({ edges: [0, 0.5, 1], positives: [0, 3], negatives: [2, 0] });
});
