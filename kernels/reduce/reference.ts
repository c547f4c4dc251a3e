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

/** Norms of the last steps that a spike is measured against (llm.c's outlier detector). */
export const spikeWindow = 128;

/**
 * state = [norm, min(1, max_norm / (norm + 1e-6)), skip, z]. A step is skipped (1) when its norm is not finite, and (2) when it lies more
 * than `max_z` standard deviations above the last 128 norms (0: never). history = [steps so far, then a ring of their norms]; a norm that
 * is not finite does not enter it, a spike does, so that a lasting change is soon no spike any more.
 */
export function clipScale(b: Buffers, s: Scalars): void {
  const history = b.history!;
  let square = 0;
  for (let i = 0; i < s.count!; i++) square += b.partial![i]!;
  const norm = Math.sqrt(square);
  const bad = !Number.isFinite(square);
  const known = history[0]!;
  let z = 0;
  if (known >= spikeWindow && !bad) {
    const ring: number[] = [...history.subarray(1, 1 + spikeWindow)];
    const mean = ring.reduce((a, x) => a + x, 0) / spikeWindow;
    const deviation = Math.sqrt(ring.reduce((a, x) => a + (x - mean) ** 2, 0) / spikeWindow);
    if (deviation > 0) z = (norm - mean) / deviation;
  }
  const spike = s.max_z! > 0 && z > s.max_z!;
  if (!bad) {
    history[1 + (known % spikeWindow)] = norm;
    history[0] = known + 1;
  }
  b.state![0] = norm;
  b.state![1] = bad ? 0 : Math.min(1, s.max_norm! / (norm + 1e-6));
  b.state![2] = bad ? 1 : spike ? 2 : 0;
  b.state![3] = z;
}

/** out[0] += sum of weights.x * logp, [1] of entropy over rows whose weight is not 0, [2] their count, [3] of -weights.x * lse^2. */
export function weightedSum(b: Buffers, s: Scalars): void {
  for (let row = 0; row < s.rows!; row++) {
    const weight = b.weights![row * 2]!;
    if (weight === 0) continue;
    b.out![0]! += weight * b.stats![row * 4]!;
    b.out![1]! += b.stats![row * 4 + 2]!;
    b.out![2]! += 1;
    b.out![3]! -= weight * b.stats![row * 4 + 1]! ** 2;
  }
}
