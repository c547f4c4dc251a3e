/**
 * A moving mean over steps, centred, so that a smoothed loss does not lag behind the raw one as an exponential mean does.
 * At the beginning, where a loss falls fast, the window is cut equally on both sides, so the line begins at the real value; at
 * the end only on the far side, so that the last value, which people read off, is not a single noisy step.
 */
import type { Point } from './thin.ts';

/** `window` is the full width in points; 1 leaves the points as they are. */
export function smooth<P extends Point>(points: readonly P[], window: number): P[] {
  const half = Math.floor((window - 1) / 2);
  const sums = new Float64Array(points.length + 1);
  points.forEach((p, i) => {
    sums[i + 1] = sums[i]! + p.y;
  });
  return points.map((p, i) => {
    const before = Math.min(half, i);
    const after = Math.min(half, i, points.length - 1 - i);
    return { ...p, y: (sums[i + after + 1]! - sums[i - before]!) / (before + after + 1) };
  });
}

/** A window of about a fortieth of the points, odd, at most 101: enough to see the trend, too short to hide a bump. */
export function smoothingWindow(count: number): number {
  const w = Math.min(101, Math.floor(count / 40));
  return w < 3 ? (count < 20 ? 1 : 3) : w % 2 === 1 ? w : w + 1;
}
