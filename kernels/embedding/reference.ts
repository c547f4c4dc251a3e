/** Plain loops of the embedding look-up and its gradient. */
import type { Buffers, Scalars } from '../kernel.ts';

/** y (rows, dim) = scale * table[tokens]. */
export function embeddingForward(b: Buffers, s: Scalars): void {
  const dim = s.dim!;
  for (let row = 0; row < s.rows!; row++) {
    for (let i = 0; i < dim; i++) b.y![row * dim + i] = s.scale! * b.table![b.tokens![row]! * dim + i]!;
  }
}

/** dtable[ids[u]] += scale * the rows order[starts[u] .. starts[u + 1]] of dy, for the counts[0] distinct tokens. */
export function embeddingBackward(b: Buffers, s: Scalars): void {
  const dim = s.dim!;
  for (let u = 0; u < b.counts![0]!; u++) {
    for (let at = b.starts![u]!; at < b.starts![u + 1]!; at++) {
      for (let i = 0; i < dim; i++)
        b.dtable![b.ids![u]! * dim + i]! += s.scale! * b.dy![b.order![at]! * dim + i]!;
    }
  }
}
