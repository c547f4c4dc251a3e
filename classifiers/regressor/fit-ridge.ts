/**
 * Ridge regression in closed form: the weights that minimise |y - Xw - b|^2 + alpha |w|^2, with a free intercept b. Centred normal
 * equations and a Cholesky factorisation in double precision; exact, no seed, no steps.
 *
 * Cost: rows x dimensions^2 for the products (once for all alphas), dimensions^3 / 3 for each alpha. Gives up: accuracy where features are
 * nearly dependent and alpha is tiny (the products square the condition number); an alpha that leaves the matrix indefinite is an error.
 * Source: Hoerl and Kennard 1970; scikit-learn 1.9 `Ridge(solver='cholesky')`.
 */
import { UserError } from '../../src/core/errors.ts';

export interface RidgeFit {
  alpha: number;
  /** dimensions. */
  weight: Float64Array;
  bias: number;
}

/** One fit for each of `alphas`. `embeddings`: rows x dimensions; `rows`: which of them, in order; `targets` by row of `embeddings`. */
export function fitRidge(
  embeddings: Float32Array,
  dimensions: number,
  targets: ArrayLike<number>,
  rows: readonly number[],
  alphas: readonly number[],
): RidgeFit[] {
  const n = dimensions;
  const mean = new Float64Array(n);
  let targetMean = 0;
  for (const row of rows) {
    for (let d = 0; d < n; d++) mean[d]! += embeddings[row * n + d]!;
    targetMean += targets[row]!;
  }
  for (let d = 0; d < n; d++) mean[d]! /= rows.length;
  targetMean /= rows.length;
  const products = new Float64Array(n * n);
  const right = new Float64Array(n);
  const x = new Float64Array(n);
  for (const row of rows) {
    const y = targets[row]! - targetMean;
    for (let d = 0; d < n; d++) x[d] = embeddings[row * n + d]! - mean[d]!;
    for (let i = 0; i < n; i++) {
      const value = x[i]!;
      right[i]! += value * y;
      // The lower triangle is enough.
      for (let j = 0, at = i * n; j <= i; j++, at++) products[at]! += value * x[j]!;
    }
  }
  return alphas.map((alpha) => {
    const weight = solve(products, right, n, alpha);
    let bias = targetMean;
    for (let d = 0; d < n; d++) bias -= weight[d]! * mean[d]!;
    return { alpha, weight, bias };
  });
}

/** (A + alpha I) w = right by Cholesky; A symmetric, given by its lower triangle. */
function solve(lower: Float64Array, right: Float64Array, n: number, alpha: number): Float64Array {
  const factor = lower.slice();
  for (let i = 0; i < n; i++) factor[i * n + i]! += alpha;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = factor[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      if (i !== j) factor[i * n + j] = sum / factor[j * n + j]!;
      else if (sum > 0) factor[i * n + i] = Math.sqrt(sum);
      else
        throw new UserError(
          `ridge: alpha ${alpha} is too small for these embeddings, their products are not positive definite`,
          {
            hint: 'give a larger alpha, for example 1',
          },
        );
    }
  }
  const w = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) w[i]! -= factor[i * n + k]! * w[k]!;
    w[i]! /= factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) w[i]! -= factor[k * n + i]! * w[k]!;
    w[i]! /= factor[i * n + i]!;
  }
  return w;
}
