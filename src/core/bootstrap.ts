/**
 * Percentile intervals by the bootstrap over problems, seeded: 95 %, resamples with replacement, quantiles interpolated linearly (as numpy's).
 *
 * A problem is what is drawn, and its samples move with it (a cluster bootstrap). The estimates of a problem (its pass@k from n samples) already
 * vary as much as n samples make them vary, so their spread over problems holds both sources; a second draw of samples inside each problem
 * would count that noise twice, and make pass@k of resampled samples too low besides. (Davison and Hinkley 1997, 3.8; Field and Welsh 2007)
 */
import { Random } from './random.ts';

export const defaultResamples = 2000;

export interface BootstrapOptions {
  seed: number | string;
  resamples?: number;
}

/** Intervals of the means of several columns of one value a problem. All columns see the same resamples. */
export function bootstrapMeans(
  columns: readonly (readonly number[])[],
  { seed, resamples = defaultResamples }: BootstrapOptions,
): [number, number][] {
  const n = columns[0]?.length ?? 0;
  if (n === 0) return columns.map(() => [Number.NaN, Number.NaN]);
  const random = new Random(`${seed}/bootstrap`);
  const means = columns.map(() => new Float64Array(resamples));
  const counts = new Uint32Array(n);
  for (let resample = 0; resample < resamples; resample++) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[random.int(n)]!++;
    for (const [column, values] of columns.entries()) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += counts[i]! * values[i]!;
      means[column]![resample] = sum / n;
    }
  }
  return means.map((values) => {
    values.sort();
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

/** Of sorted values, interpolated between the two nearest. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}
