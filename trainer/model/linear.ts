/**
 * A linear layer's forward and gradients on a plan. x: (rows, inputs), w: (outputs, inputs), y: (rows, outputs).
 * Gradients of parameters are always added to what is there; the step clears them before its first micro-batch.
 */
import { matmulBackwardInput, matmulBackwardWeight, matmulForward } from '../../kernels/matmul/spec.ts';
import { sumPartsKernel } from '../../kernels/reduce/spec.ts';
import { rmsNormBackwardWeightKernel } from '../../kernels/rms-norm/spec.ts';
import type { PlanBuilder, Tensor } from '../plan.ts';

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

/** y = x w^T (+ residual). */
export function recordLinear(
  builder: PlanBuilder,
  constants: { nothing: Tensor },
  given: LinearSizes & { x: Tensor; w: Tensor; y: Tensor; residual?: Tensor },
): void {
  const { x, w, y, residual, rows, inputs, outputs } = given;
  builder.run(
    matmulForward,
    { x, w, residual: residual ?? constants.nothing, y },
    { m: rows, n: outputs, k: inputs, use_residual: residual ? 1 : 0, ...place(given) },
  );
}

/** dx = dy w, or dx += dy w. */
export function recordLinearInputGradient(
  builder: PlanBuilder,
  given: LinearSizes & { dy: Tensor; w: Tensor; dx: Tensor; accumulate: boolean },
): void {
  const { dy, w, dx, rows, inputs, outputs, accumulate } = given;
  builder.run(
    matmulBackwardInput,
    { dy, w, dx },
    { m: rows, n: inputs, k: outputs, accumulate: accumulate ? 1 : 0, ...place(given) },
  );
}

/** dW += dy^T x, through split-K partial results summed in order. */
export function recordLinearWeightGradient(
  builder: PlanBuilder,
  given: LinearSizes & { dy: Tensor; x: Tensor; dW: Tensor },
): void {
  const { dy, x, dW, rows, inputs, outputs } = given;
  const splits = splitsFor(rows, Math.ceil(inputs / 8) * Math.ceil(outputs / 8));
  const sizes = { m: outputs, n: inputs, k: rows, splits, ...place(given) };
  if (splits === 1) {
    builder.run(matmulBackwardWeight, { dy, x, parts: dW }, { ...sizes, accumulate: 1 });
    return;
  }
  const parts = builder.tensor(`${dW.name}.parts`, splits * inputs * outputs);
  builder.run(matmulBackwardWeight, { dy, x, parts }, { ...sizes, accumulate: 0 });
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
