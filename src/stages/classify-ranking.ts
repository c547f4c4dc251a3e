/**
 * Measures of scores against labels that need the documents in order of their scores: confusions at every distinct threshold, the area
 * under the ROC curve, average precision, and the choice of a threshold. Equal scores are never split. As scikit-learn 1.x defines them.
 */
import type { Confusion, Rates, SweepPoint, ThresholdChoice } from '../core/classifier-evaluation.ts';
import { UserError } from '../core/errors.ts';
import { firstIndex } from '../core/first-index.ts';

/** Documents by falling score, one entry per distinct score: what is at or above it. */
export interface Ranking {
  /** Distinct scores, falling. */
  thresholds: Float64Array;
  /** Of the documents that score at least the threshold: true positives, false positives, tokens. */
  tp: Float64Array;
  fp: Float64Array;
  tokens: Float64Array;
  positives: number;
  negatives: number;
  allTokens: number;
}

/** `labels`: 1 for positive. `tokens`: of each document. */
export function rankScores(scores: Float64Array, labels: Uint8Array, tokens: Float64Array): Ranking {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const thresholds: number[] = [];
  const tp: number[] = [];
  const fp: number[] = [];
  const kept: number[] = [];
  let [positives, negatives, sum] = [0, 0, 0];
  for (const [at, i] of order.entries()) {
    if (labels[i] === 1) positives++;
    else negatives++;
    sum += tokens[i]!;
    if (at + 1 < order.length && scores[order[at + 1]!] === scores[i]) continue;
    thresholds.push(scores[i]!);
    tp.push(positives);
    fp.push(negatives);
    kept.push(sum);
  }
  return {
    thresholds: Float64Array.from(thresholds),
    tp: Float64Array.from(tp),
    fp: Float64Array.from(fp),
    tokens: Float64Array.from(kept),
    positives,
    negatives,
    allTokens: sum,
  };
}

/** Probability that a positive scores above a negative, ties counting half; null with one class only. */
export function rocAuc({ tp, fp, positives, negatives }: Ranking): number | null {
  if (positives === 0 || negatives === 0) return null;
  let area = 0;
  for (let i = 0; i < tp.length; i++) {
    const [lastTp, lastFp] = i === 0 ? [0, 0] : [tp[i - 1]!, fp[i - 1]!];
    area += ((fp[i]! - lastFp) * (tp[i]! + lastTp)) / 2;
  }
  return area / (positives * negatives);
}

/** Sum over thresholds of (recall gained) x precision, without interpolation; null without positives. */
export function averagePrecision({ tp, fp, positives }: Ranking): number | null {
  if (positives === 0) return null;
  let sum = 0;
  for (let i = 0; i < tp.length; i++) {
    const gained = tp[i]! - (i === 0 ? 0 : tp[i - 1]!);
    if (gained > 0) sum += (gained * tp[i]!) / (tp[i]! + fp[i]!);
  }
  return sum / positives;
}

/** Confusion, rates and what is kept at a threshold. */
export function pointAt(ranking: Ranking, threshold: number): SweepPoint {
  const { thresholds, positives, negatives, allTokens } = ranking;
  // Entries whose score is at least the threshold.
  const low = firstIndex(thresholds.length, (at) => thresholds[at]! < threshold);
  const [tp, fp, kept] =
    low === 0 ? [0, 0, 0] : [ranking.tp[low - 1]!, ranking.fp[low - 1]!, ranking.tokens[low - 1]!];
  const confusion = { tp, fp, fn: positives - tp, tn: negatives - fp };
  return {
    threshold,
    ...confusion,
    ...ratesOf(confusion),
    keptDocuments: share(tp + fp, positives + negatives) ?? 0,
    keptTokens: share(kept, allTokens) ?? 0,
  };
}

export function ratesOf({ tp, fp, fn, tn }: Confusion): Rates {
  const f1 = f1Of(tp, fp, fn);
  const negativeF1 = f1Of(tn, fn, fp);
  return {
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    f1,
    negativePrecision: share(tn, tn + fn),
    negativeRecall: share(tn, tn + fp),
    negativeF1,
    // As scikit-learn counts it: a class without documents and predictions is left out by nobody, so it is 0 there and null here.
    macroF1: f1 === null || negativeF1 === null ? null : (f1 + negativeF1) / 2,
    accuracy: share(tp + tn, tp + fp + fn + tn),
  };
}

function f1Of(tp: number, fp: number, fn: number): number | null {
  return share(2 * tp, 2 * tp + fp + fn);
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** What a threshold is chosen for. */
export type ThresholdRule =
  | { by: 'given' | 'model'; value: number }
  | { by: 'max-f1' }
  | { by: 'recall' | 'precision'; target: number };

/**
 * max-f1: the distinct score with the highest F1, the lowest of equals (it keeps more). recall: the highest score that still reaches the
 * target. precision: the score that reaches the target with the highest recall.
 *
 * The threshold is put half-way from that score to the next lower one: the measured documents are divided in the same way, and where the classes
 * lie far apart, it does not lie at the edge of one of them, where other documents of that class would fall on the wrong side.
 */
export function chooseThreshold(ranking: Ranking, rule: ThresholdRule): ThresholdChoice {
  if (rule.by === 'given' || rule.by === 'model') return { value: rule.value, by: rule.by };
  const { thresholds, tp, fp, positives } = ranking;
  if (positives === 0) {
    throw new UserError('a threshold cannot be chosen: the documents hold no positives', {
      hint: 'give documents of both classes, or --threshold',
    });
  }
  let best = -1;
  let bestValue = -1;
  for (let i = 0; i < thresholds.length; i++) {
    const recall = tp[i]! / positives;
    const precision = tp[i]! / (tp[i]! + fp[i]!);
    if (rule.by === 'recall') {
      if (recall < rule.target) continue;
      return { value: halfWay(thresholds, i), by: 'recall', target: rule.target };
    }
    const value =
      rule.by === 'precision'
        ? precision >= rule.target
          ? recall
          : -1
        : (2 * tp[i]!) / (tp[i]! + fp[i]! + positives);
    if (value >= 0 && value >= bestValue) {
      best = i;
      bestValue = value;
    }
  }
  if (best < 0) {
    const target = 'target' in rule ? rule.target : 0;
    const highest = thresholds.reduce((most, _, i) => Math.max(most, tp[i]! / (tp[i]! + fp[i]!)), 0);
    throw new UserError(
      `no threshold reaches a precision of ${target}; the highest is ${highest.toFixed(4)}`,
      {
        hint: 'ask for less, or leave out --target-precision for the highest F1',
      },
    );
  }
  return rule.by === 'precision'
    ? { value: halfWay(thresholds, best), by: 'precision', target: rule.target }
    : { value: halfWay(thresholds, best), by: 'max-f1' };
}

/** Between a score and the next lower one; the score itself where there is none, or no number between. */
function halfWay(thresholds: Float64Array, at: number): number {
  const [score, lower] = [thresholds[at]!, thresholds[at + 1]];
  if (lower === undefined) return score;
  const middle = lower + (score - lower) / 2;
  return middle > lower ? middle : score;
}

/** Recall and precision at every distinct score, at most `most` of them, first and last among them. */
export function precisionRecallCurve(
  { thresholds, tp, fp, positives }: Ranking,
  most: number,
): { threshold: number; recall: number; precision: number }[] {
  if (positives === 0) return [];
  const points: { threshold: number; recall: number; precision: number }[] = [];
  const n = thresholds.length;
  const step = Math.max(1, (n - 1) / (most - 1));
  for (let at = 0; at < n; at++) {
    // The point nearest to each multiple of the step.
    if (n > most && Math.round(Math.round(at / step) * step) !== at && at !== n - 1) continue;
    points.push({
      threshold: thresholds[at]!,
      recall: tp[at]! / positives,
      precision: tp[at]! / (tp[at]! + fp[at]!),
    });
  }
  return points;
}
