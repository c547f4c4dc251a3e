/** Plain loops of the reductions: sum of parts, square sums in slices, clip factor, weighted sum of log-probabilities. */
import type { Buffers, Scalars } from '../kernel.ts';

/** out (size) [+]= sum over the `count` parts (count, size). */
export function sumParts(b: Buffers, s: Scalars): void {
  for (let i = 0; i < s.size!; i++) {
    let total = s.accumulate ? b.out![i]! : 0;
    for (let part = 0; part < s.count!; part++) total += b.parts![part * s.size! + i]!;
    b.out![i] = total;
  }
}

/** partial[first + g] = sum of squares of x[g * span .. (g + 1) * span]. */
export function squareSum(b: Buffers, s: Scalars): void {
  for (let g = 0; g * s.span! < s.size!; g++) {
    let total = 0;
    for (let i = g * s.span!; i < Math.min(s.size!, (g + 1) * s.span!); i++) total += b.x![i]! ** 2;
    b.partial![s.first! + g] = total;
  }
}

/** state = [norm, min(1, max_norm / (norm + 1e-6)), 0], or [norm, 0, 1] when the norm is not finite. */
export function clipScale(b: Buffers, s: Scalars): void {
  let square = 0;
  for (let i = 0; i < s.count!; i++) square += b.partial![i]!;
  const norm = Math.sqrt(square);
  const bad = !Number.isFinite(square);
  b.state![0] = norm;
  b.state![1] = bad ? 0 : Math.min(1, s.max_norm! / (norm + 1e-6));
  b.state![2] = bad ? 1 : 0;
}

/** out[0] += sum of weights.x * logp, out[1] += sum of entropy over rows whose weight is not 0, out[2] += their count. */
export function weightedSum(b: Buffers, s: Scalars): void {
  for (let row = 0; row < s.rows!; row++) {
    const weight = b.weights![row * 2]!;
    if (weight === 0) continue;
    b.out![0]! += weight * b.stats![row * 4]!;
    b.out![1]! += b.stats![row * 4 + 2]!;
    b.out![2]! += 1;
  }
}
