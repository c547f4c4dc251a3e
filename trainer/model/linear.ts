/**
 * A linear layer's forward and gradients on a plan. x: (rows, inputs), w: (outputs, inputs), y: (rows, outputs).
 * Gradients of parameters are always added to what is there; the step clears them before its first micro-batch.
 *
 * Where the weight has halves (`precision: f16`) both operands of its three products are rounded to f16, and sums and results stay f32. x is
 * rounded as it is, row by row alike whatever the batch, so that a sampler's rows equal a learner's; dy is first brought near the top of
 * f16's range by a power of two, for that matrix and this step alone: no gradient overflows, and what is lost lies 2^-39 below the
 * largest one. So there is no loss scale to keep or to tune. x beyond 65504 becomes infinite, and the step is skipped as not finite.
 */
import {
  halfWords,
  largestKernel,
  packHalvesKernel,
  packScaledHalvesKernel,
} from '../../kernels/half/spec.ts';
import {
  matmulBackwardInput,
  matmulBackwardInputHalf,
  matmulBackwardWeight,
  matmulBackwardWeightHalf,
  matmulForward,
  matmulForwardHalf,
} from '../../kernels/matmul/spec.ts';
import { sumPartsKernel } from '../../kernels/reduce/spec.ts';
import { rmsNormBackwardWeightKernel } from '../../kernels/rms-norm/spec.ts';
import type { PlanBuilder, Tensor } from '../plan/plan.ts';

interface LinearSizes {
  rows: number;
  inputs: number;
  outputs: number;
  /** Where y (or dy) is a range of columns of a wider matrix: its first column and the matrix's width. */
  columns?: { first: number; of: number };
}

/** What the kernels take of `columns`. */
function place({ outputs, columns }: LinearSizes): { stride: number; first: number } {
  return { stride: columns?.of ?? outputs, first: columns?.first ?? 0 };
}

/** x rounded to halves; products of the same x share it. */
function halvesOf(builder: PlanBuilder, x: Tensor): Tensor {
  return builder.derive(x, () => {
    const y = builder.tensor(`${x.name} in halves`, halfWords(x.size), 'activation', 'u32');
    builder.run(packHalvesKernel, { x, y }, { size: x.size });
    return y;
  });
}

/** A gradient in halves, and the scale (1) that undoes its own. */
function gradientHalvesOf(builder: PlanBuilder, x: Tensor): { dy: Tensor; scale: Tensor } {
  return builder.derive(x, () => {
    const { name, size } = x;
    const parts = builder.tensor(`${name} largest`, 64, 'activation', 'u32');
    const dy = builder.tensor(`${name} in halves`, halfWords(size), 'activation', 'u32');
    const scale = builder.tensor(`${name} scale`, 1);
    builder.run(largestKernel, { x, parts }, { size });
    builder.run(packScaledHalvesKernel, { x, parts, y: dy, scale }, { size });
    return { dy, scale };
  });
}

/** y = x w^T (+ residual). */
export function recordLinear(
  builder: PlanBuilder,
  constants: { nothing: Tensor },
  given: LinearSizes & { x: Tensor; w: Tensor; y: Tensor; residual?: Tensor },
): void {
  const { x, w, y, rows, inputs, outputs } = given;
  const residual = given.residual ?? constants.nothing;
  const sizes = { m: rows, n: outputs, k: inputs, use_residual: given.residual ? 1 : 0, ...place(given) };
  if (w.half) {
    const bound = { x: halvesOf(builder, x), w: w.half, residual, y };
    builder.run(matmulForwardHalf, bound, { ...sizes, half: 1 });
  } else builder.run(matmulForward, { x, w, residual, y }, sizes);
}

/** dx = dy w, or dx += dy w. */
export function recordLinearInputGradient(
  builder: PlanBuilder,
  given: LinearSizes & { dy: Tensor; w: Tensor; dx: Tensor; accumulate: boolean },
): void {
  const { dy, w, dx, rows, inputs, outputs, accumulate } = given;
  const sizes = { m: rows, n: inputs, k: outputs, accumulate: accumulate ? 1 : 0, ...place(given) };
  if (w.half) {
    const bound = { ...gradientHalvesOf(builder, dy), w: w.half, dx };
    builder.run(matmulBackwardInputHalf, bound, { ...sizes, half: 1 });
  } else builder.run(matmulBackwardInput, { dy, w, dx }, sizes);
}

/** dW += dy^T x, through split-K partial results summed in order; w is the weight whose gradient it is. */
export function recordLinearWeightGradient(
  builder: PlanBuilder,
  given: LinearSizes & { dy: Tensor; x: Tensor; w: Tensor; dW: Tensor },
): void {
  const { dy, x, w, dW, rows, inputs, outputs } = given;
  const splits = splitsFor(rows, Math.ceil(inputs / 8) * Math.ceil(outputs / 8));
  const parts = splits === 1 ? dW : builder.tensor(`${dW.name}.parts`, splits * inputs * outputs);
  const accumulate = splits === 1 ? 1 : 0;
  const sizes = { m: outputs, n: inputs, k: rows, splits, accumulate, ...place(given) };
  if (w.half) {
    const bound = { ...gradientHalvesOf(builder, dy), x: halvesOf(builder, x), parts };
    builder.run(matmulBackwardWeightHalf, bound, { ...sizes, half: 1 });
  } else builder.run(matmulBackwardWeight, { dy, x, parts }, sizes);
  if (splits > 1)
    builder.run(sumPartsKernel, { parts, out: dW }, { size: inputs * outputs, count: splits, accumulate: 1 });
}

/** dWeight += the norm weight's gradient. */
export function recordNormWeightGradient(
  builder: PlanBuilder,
  given: { dy: Tensor; x: Tensor; rstd: Tensor; dWeight: Tensor; rows: number; dim: number },
): void {
  const { dy, x, rstd, dWeight, rows, dim } = given;
  recordRangeSum(builder, dWeight, rows, dim, (parts, splits) =>
    builder.run(rmsNormBackwardWeightKernel, { dy, x, rstd, parts }, { rows, dim, splits }),
  );
}

/** out (size) += a sum over rows, in ranges of rows whose partial results (splits, size) are added in order. */
export function recordRangeSum(
  builder: PlanBuilder,
  out: Tensor,
  rows: number,
  size: number,
  partial: (parts: Tensor, splits: number) => void,
): void {
  const splits = Math.min(64, Math.ceil(rows / 64));
  const parts = builder.tensor(`${out.name}.parts`, splits * size);
  partial(parts, splits);
  builder.run(sumPartsKernel, { parts, out }, { size, count: splits, accumulate: 1 });
}

/** Enough ranges of rows to keep about 2,048 threads busy, each range at least 128 rows long. */
function splitsFor(rows: number, tiles: number): number {
  return Math.max(1, Math.min(Math.ceil(2048 / tiles), Math.floor(rows / 128)));
}
