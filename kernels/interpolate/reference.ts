/** Plain loop of y = (1 - share) * y + share * x. */
import type { Buffers, Scalars } from '../kernel.ts';

export function interpolate(b: Buffers, s: Scalars): void {
  for (let i = 0; i < s.size!; i++) b.y![i] = (1 - s.share!) * b.y![i]! + s.share! * b.x![i]!;
}
