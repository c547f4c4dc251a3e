/**
 * From the vectors of a text's tokens to one vector: mean over the real tokens, the first token, or the last real one; on request scaled
 * to length 1. Sums are in double precision.
 *
 * Own code, since the pooling of transformers.js' feature-extraction pipeline takes the last *position* for `last_token`, which is padding
 * in a batch that is padded on the right. Source: sentence-transformers 5 `Pooling`, `Normalize`.
 */
import type { Pooling } from './encoder-settings.ts';

/**
 * Pools one row. `hidden`: rows x width x dimensions, of which row `row` has `length` real tokens at its start. Writes `dimensions` values
 * to `out` from `at` on.
 */
export function poolTokens(
  hidden: Float32Array,
  { row, width, length, dimensions }: { row: number; width: number; length: number; dimensions: number },
  pooling: Pooling,
  out: Float32Array,
  at: number,
): void {
  const first = row * width * dimensions;
  if (pooling !== 'mean') {
    const token = pooling === 'cls' ? 0 : Math.max(0, length - 1);
    const from = first + token * dimensions;
    out.set(hidden.subarray(from, from + dimensions), at);
    return;
  }
  // A text always has a token (the special ones); as in sentence-transformers nothing is divided by less than 1e-9.
  const count = Math.max(length, 1e-9);
  for (let d = 0; d < dimensions; d++) {
    let sum = 0;
    for (let token = 0; token < length; token++) sum += hidden[first + token * dimensions + d]!;
    out[at + d] = sum / count;
  }
}

/** Scales `dimensions` values from `at` on to Euclidean length 1, in place; zeros stay. (PyTorch `normalize`, eps 1e-12) */
export function normalizeVector(values: Float32Array, at: number, dimensions: number): void {
  let squares = 0;
  for (let d = 0; d < dimensions; d++) squares += values[at + d]! ** 2;
  const length = Math.max(Math.sqrt(squares), 1e-12);
  for (let d = 0; d < dimensions; d++) values[at + d] = values[at + d]! / length;
}
