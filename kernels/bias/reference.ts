/** Plain loops of a bias added to every row, and its gradient. y, dy: (rows, dim); bias: (dim). */
import type { Buffers, Scalars } from '../kernel.ts';

export function biasForward(b: Buffers, s: Scalars): void {
  const dim = s.dim!;
  for (let i = 0; i < s.rows! * dim; i++) b.y![i]! += b.bias![i % dim]!;
}

/** parts (splits, dim) of the bias's gradient, each over one range of rows. */
export function biasBackward(b: Buffers, s: Scalars): void {
  const { rows, dim, splits } = s as { rows: number; dim: number; splits: number };
  const span = Math.ceil(rows / splits);
  b.parts!.fill(0, 0, splits * dim);
  for (let row = 0; row < rows; row++) {
    const part = Math.floor(row / span);
    for (let j = 0; j < dim; j++) b.parts![part * dim + j]! += b.dy![row * dim + j]!;
  }
}
