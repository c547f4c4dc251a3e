/** Plain loop of the triad: a, b, out of `size` elements. */
import type { Buffers, Scalars } from '../kernel.ts';

export function triad(b: Buffers, s: Scalars): void {
  for (let i = 0; i < s.size!; i++) b.out![i] = b.a![i]! + s.scale! * b.b![i]!;
}
