/**
 * Plain loops of RMS norm (Zhang and Sennrich 2019) and its gradients. x, y, residual, dy, dx: (rows, dim); weight: (dim); rstd: (rows).
 * A weight counts as offset + weight (Gemma stores differences from 1).
 */
import type { Buffers, Scalars } from '../kernel.ts';

export function rmsNormForward(b: Buffers, s: Scalars): void {
  const { x, weight, residual, y, rstd } = b as Record<string, Float64Array>;
  const { rows, dim } = s as { rows: number; dim: number };
  for (let row = 0; row < rows; row++) {
    let square = 0;
    for (let i = 0; i < dim; i++) square += x![row * dim + i]! ** 2;
    const r = 1 / Math.sqrt(square / dim + s.eps!);
    rstd![row] = r;
    for (let i = 0; i < dim; i++) {
      const at = row * dim + i;
      y![at] = x![at]! * r * (s.offset! + weight![i]!) + (s.use_residual ? residual![at]! : 0);
    }
  }
}

export function rmsNormBackward(b: Buffers, s: Scalars): void {
  const { dy, x, weight, rstd, residual, dx } = b as Record<string, Float64Array>;
  const { rows, dim } = s as { rows: number; dim: number };
  for (let row = 0; row < rows; row++) {
    const r = rstd![row]!;
    let dot = 0;
    for (let i = 0; i < dim; i++) dot += dy![row * dim + i]! * (s.offset! + weight![i]!) * x![row * dim + i]!;
    for (let i = 0; i < dim; i++) {
      const at = row * dim + i;
      dx![at] =
        (s.use_residual ? residual![at]! : 0) +
        r * (dy![at]! * (s.offset! + weight![i]!) - (x![at]! * dot * r * r) / dim);
    }
  }
}

/** parts (splits, dim) of the weight's gradient, each over one range of rows. */
export function rmsNormBackwardWeight(b: Buffers, s: Scalars): void {
  const { dy, x, rstd, parts } = b as Record<string, Float64Array>;
  const { rows, dim, splits } = s as { rows: number; dim: number; splits: number };
  const span = Math.ceil(rows / splits);
  for (let part = 0; part < splits; part++) {
    for (let i = 0; i < dim; i++) {
      let total = 0;
      for (let row = part * span; row < Math.min(rows, (part + 1) * span); row++) {
        total += dy![row * dim + i]! * x![row * dim + i]! * rstd![row]!;
      }
      parts![part * dim + i] = total;
    }
  }
}
