/**
 * From embeddings and labels to a head: the best of several on a held-out part, with the table that shows what was compared. `ridge` tries
 * a range of alphas in closed form; `adamw` keeps the epoch with the best macro-F1, as FineWeb-Edu's training does.
 *
 * Ridge is the default: exact, no seed, and seconds (EXPERIMENTS.md has both side by side).
 */
import { UserError } from '../../src/core/errors.ts';
import { type AdamWOptions, trainHeadByAdamW, usualAdamW } from './adamw-head.ts';
import { fitRidge } from './fit-ridge.ts';
import { headScore, linearHead, type RegressionHead } from './regression-head.ts';
import { type RegressionMetrics, regressionMetrics } from './regression-metrics.ts';

export interface FitHeadOptions extends AdamWOptions {
  method: 'ridge' | 'adamw';
  /** Ridge: penalties that are tried. */
  alphas: readonly number[];
}

const usualFit: FitHeadOptions = { method: 'ridge', alphas: [0.01, 0.1, 1, 10, 100], ...usualAdamW };

export interface HeadCandidate {
  /** `alpha 1`, or `epoch 7`. */
  name: string;
  /** Mean squared error on the training rows (AdamW: mean over the epoch's batches). */
  trainMse: number;
  heldOut: RegressionMetrics;
}

export interface FittedHead {
  head: RegressionHead;
  /** Name of the candidate that is `head`. */
  best: string;
  candidates: HeadCandidate[];
}

export interface HeadData {
  /** rows x dimensions. */
  embeddings: Float32Array;
  dimensions: number;
  /** Labels, 0 to 5, by row. */
  targets: ArrayLike<number>;
  train: readonly number[];
  heldOut: readonly number[];
}

/** `onCandidate` is called as results come in; it may throw to stop. Throws a `UserError` for too little data. */
export function fitHead(
  data: HeadData,
  options: Partial<FitHeadOptions> = {},
  onCandidate: (candidate: HeadCandidate) => void = () => {},
): FittedHead {
  const settings = { ...usualFit, ...options };
  const { embeddings, dimensions, targets, train, heldOut } = data;
  if (train.length < 2 || heldOut.length < 1)
    throw new UserError(
      `a head needs training and held-out rows; there are ${train.length} and ${heldOut.length}`,
      {
        hint: 'label more documents',
      },
    );
  const candidates: HeadCandidate[] = [];
  let best: { head: RegressionHead; candidate: HeadCandidate } | undefined;
  const scoresOf = (head: RegressionHead, rows: readonly number[]): number[] =>
    rows.map((row) => headScore(head, embeddings, row * dimensions));
  const labelsOf = (rows: readonly number[]): number[] => rows.map((row) => targets[row]!);
  const heldOutLabels = labelsOf(heldOut);
  const consider = (name: string, head: RegressionHead, trainMse: number): void => {
    const candidate = { name, trainMse, heldOut: regressionMetrics(scoresOf(head, heldOut), heldOutLabels) };
    candidates.push(candidate);
    if (best === undefined || isBetter(candidate.heldOut, best.candidate.heldOut)) best = { head, candidate };
    onCandidate(candidate);
  };
  if (settings.method === 'ridge') {
    const labels = labelsOf(train);
    for (const { alpha, weight, bias } of fitRidge(embeddings, dimensions, targets, train, settings.alphas)) {
      const head = linearHead(weight, bias);
      consider(`alpha ${alpha}`, head, regressionMetrics(scoresOf(head, train), labels).mse);
    }
  } else {
    for (const { epoch, loss, head } of trainHeadByAdamW(embeddings, dimensions, targets, train, settings))
      consider(`epoch ${epoch}`, head, loss);
  }
  return { head: best!.head, best: best!.candidate.name, candidates };
}

/** Macro-F1 first, then the squared error; of equals the first. */
function isBetter(a: RegressionMetrics, b: RegressionMetrics): boolean {
  return a.macroF1 !== b.macroF1 ? a.macroF1 > b.macroF1 : a.mse < b.mse;
}
