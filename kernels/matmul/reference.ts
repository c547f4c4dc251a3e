/** Plain loops of the three matrix products of a linear layer: Y = X W^T, dX = dY W, dW = dY^T X. Sums in double precision. */
import { unpackHalves } from '../half/values.ts';
import type { Buffers, Scalars } from '../kernel.ts';

/** y (m, n) = x (m, k) w (n, k)^T, plus residual (m, n) when use_residual. y is columns `first` on of (m, stride). */
export function matmulNt(b: Buffers, s: Scalars): void {
  const { x, w, residual, y } = b as Record<string, Float64Array>;
  const { m, n, k } = s as { m: number; n: number; k: number };
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = i * s.stride! + s.first! + j;
      let sum = s.use_residual ? residual![at]! : 0;
      for (let l = 0; l < k; l++) sum += x![i * k + l]! * w![j * k + l]!;
      y![at] = sum;
    }
  }
}

/** dx (m, n) = dy (m, k) w (k, n), added to dx when accumulate. dy is columns `first` on of (m, stride). */
export function matmulNn(b: Buffers, s: Scalars): void {
  const { dy, w, dx } = b as Record<string, Float64Array>;
  const { m, n, k } = s as { m: number; n: number; k: number };
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = s.accumulate ? dx![i * n + j]! : 0;
      for (let l = 0; l < k; l++) sum += dy![i * s.stride! + s.first! + l]! * w![l * n + j]!;
      dx![i * n + j] = sum;
    }
  }
}

/** parts (splits, m, n): part p = dy (k, m)^T x (k, n) over the p-th of `splits` equal ranges of k; dy is columns `first` on of (k, stride). */
export function matmulTn(b: Buffers, s: Scalars): void {
  const { dy, x, parts } = b as Record<string, Float64Array>;
  const { m, n, k, splits } = s as { m: number; n: number; k: number; splits: number };
  const span = Math.ceil(k / splits);
  for (let part = 0; part < splits; part++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const at = (part * m + i) * n + j;
        let sum = s.accumulate ? parts![at]! : 0;
        for (let l = part * span; l < Math.min(k, (part + 1) * span); l++)
          sum += dy![l * s.stride! + s.first! + i]! * x![l * n + j]!;
        parts![at] = sum;
      }
    }
  }
}

/** The same product of operands in halves; `scale` undoes that of a gradient. */
export function ofHalves(
  product: (b: Buffers, s: Scalars) => void,
  a: string,
  b: string,
): (buffers: Buffers, s: Scalars) => void {
  return (buffers, s) => {
    const factor = (buffers.scale?.[0] ?? 1) as number;
    const values = (name: string) => unpackHalves(buffers[name] as Uint32Array, buffers[name]!.length * 2);
    product({ ...buffers, [a]: values(a).map((x) => x * factor), [b]: values(b) }, s);
  };
}
