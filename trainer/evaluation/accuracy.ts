/** Shares with intervals: Wilson's for one share, a normal approximation over paired differences for a change. Both at 95 %. */
const z = 1.959964;

export { wilsonInterval } from '../../src/core/wilson-interval.ts';

/** Mean of after - before over the same items, with its interval. */
export function pairedDifference(
  before: readonly number[],
  after: readonly number[],
): { mean: number; interval: [number, number] } {
  const n = before.length;
  const differences = before.map((value, i) => after[i]! - value);
  const mean = differences.reduce((a, b) => a + b, 0) / n;
  const variance = differences.reduce((total, d) => total + (d - mean) ** 2, 0) / Math.max(1, n - 1);
  const half = z * Math.sqrt(variance / n);
  return { mean, interval: [mean - half, mean + half] };
}

/** Unbiased pass@k of one problem from c right answers in n samples: 1 - C(n - c, k) / C(n, k) (Chen et al. 2021). */
export function passAtK(n: number, c: number, k: number): number {
  if (n - c < k) return 1;
  let miss = 1;
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i;
  return 1 - miss;
}
