/** Plain loops of the embedding look-up and its gradient; the table is rows `first` to `first + vocab` of the vocabulary. */
import type { Buffers, Scalars } from '../kernel.ts';

/** y (rows, dim) = scale * table[tokens]. */
export function embeddingForward(b: Buffers, s: Scalars): void {
  const dim = s.dim!;
  for (let row = 0; row < s.rows!; row++) {
    const token = b.tokens![row]! - s.first!;
    if (token < 0 || token >= s.vocab!) continue;
    for (let i = 0; i < dim; i++) b.y![row * dim + i] = s.scale! * b.table![token * dim + i]!;
  }
}

/** dtable[ids[u]] += scale * the rows order[starts[u] .. starts[u + 1]] of dy, for the counts[0] distinct tokens. */
export function embeddingBackward(b: Buffers, s: Scalars): void {
  const dim = s.dim!;
  for (let u = 0; u < b.counts![0]!; u++) {
    const token = b.ids![u]! - s.first!;
    if (token < 0 || token >= s.vocab!) continue;
    for (let at = b.starts![u]!; at < b.starts![u + 1]!; at++) {
      for (let i = 0; i < dim; i++) b.dtable![token * dim + i]! += s.scale! * b.dy![b.order![at]! * dim + i]!;
    }
  }
}
