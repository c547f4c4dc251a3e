/**
 * Whether scores mean what they say: reliability bins, expected calibration error (Naeini et al. 2015), Brier score; and for scores of 0 to 5
 * the agreement with the annotated ones. Bins are of equal width and closed above, as scikit-learn's calibration_curve has them.
 */
import { regressionMetrics } from '../../classifiers/regressor/regression-metrics.ts';
import type { MeasuredSet, RegressionMeasures, ReliabilityBin } from '../core/classifier-evaluation.ts';

/** `observed`: 0 or 1 for probabilities, the annotated score for regressors; NaN where there is none. */
export function reliabilityBins(
  scores: Float64Array,
  observed: Float64Array,
  { from, to, bins }: { from: number; to: number; bins: number },
): ReliabilityBin[] {
  const edges = Array.from({ length: bins + 1 }, (_, i) => from + ((to - from) * i) / bins);
  const sums = edges.slice(1).map(() => ({ documents: 0, score: 0, observed: 0 }));
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(observed[i])) continue;
    const score = Math.min(to, Math.max(from, scores[i]!));
    let bin = 0;
    while (bin < bins - 1 && edges[bin + 1]! < score) bin++;
    const sum = sums[bin]!;
    sum.documents++;
    sum.score += score;
    sum.observed += observed[i]!;
  }
  return sums.map((sum, i) => ({
    from: edges[i]!,
    to: edges[i + 1]!,
    documents: sum.documents,
    meanScore: sum.documents === 0 ? null : sum.score / sum.documents,
    observed: sum.documents === 0 ? null : sum.observed / sum.documents,
  }));
}

/** Mean of |observed - mean score| over bins, weighted by documents; null without documents. */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number | null {
  let [documents, gaps] = [0, 0];
  for (const bin of bins) {
    if (bin.meanScore === null || bin.observed === null) continue;
    documents += bin.documents;
    gaps += bin.documents * Math.abs(bin.observed - bin.meanScore);
  }
  return documents === 0 ? null : gaps / documents;
}

/** Mean squared difference of probability and label; fastText prints up to 1.00001, which counts as 1. */
export function brierScore(scores: Float64Array, labels: Uint8Array): number | null {
  if (scores.length === 0) return null;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += (Math.min(1, Math.max(0, scores[i]!)) - labels[i]!) ** 2;
  return sum / scores.length;
}

/** Counts of scores in `bins` bins between two bounds, by class; what lies outside is in the first and last. */
export function scoreHistogram(
  scores: Float64Array,
  labels: Uint8Array,
  { from, to, bins }: { from: number; to: number; bins: number },
): MeasuredSet['histogram'] {
  const edges = Array.from({ length: bins + 1 }, (_, i) => from + ((to - from) * i) / bins);
  const positives = new Array<number>(bins).fill(0);
  const negatives = new Array<number>(bins).fill(0);
  for (let i = 0; i < scores.length; i++) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(((scores[i]! - from) / (to - from)) * bins)));
    (labels[i] === 1 ? positives : negatives)[bin]!++;
  }
  return { edges, positives, negatives };
}

/** `annotated`: NaN where a document has no score; null when none has one. */
export function regressionMeasures(scores: Float64Array, annotated: Float64Array): RegressionMeasures | null {
  const rows = [...annotated.keys()].filter((i) => !Number.isNaN(annotated[i]));
  if (rows.length === 0) return null;
  const said = rows.map((i) => scores[i]!);
  const wanted = rows.map((i) => annotated[i]!);
  const { mse, macroF1, accuracy } = regressionMetrics(said, wanted);
  return {
    documents: rows.length,
    meanAbsoluteError: said.reduce((sum, score, i) => sum + Math.abs(score - wanted[i]!), 0) / rows.length,
    meanSquaredError: mse,
    spearman: correlation(ranks(said), ranks(wanted)),
    intScoreMacroF1: macroF1,
    intScoreAccuracy: accuracy,
  };
}

/** Ranks from 1, equal values sharing their mean rank. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) out[order[at]!] = (from + 1 + to) / 2;
    from = to;
  }
  return out;
}

/** Pearson's; null when one side does not vary. */
function correlation(a: Float64Array, b: Float64Array): number | null {
  const mean = (values: Float64Array): number => values.reduce((x, y) => x + y, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - meanA) * (b[i]! - meanB);
    aa += (a[i]! - meanA) ** 2;
    bb += (b[i]! - meanB) ** 2;
  }
  return aa === 0 || bb === 0 ? null : ab / Math.sqrt(aa * bb);
}
