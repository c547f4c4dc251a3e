/**
 * The interval and test of a mean difference over seeds. The seed is the unit: runs of one seed share their data order and draws, so they are compared
 * with each other, and only the differences vary. Student's t with n - 1 degrees of freedom, exact for normal differences at any n from 2.
 */
import { firstIndex } from './first-index.ts';
import { criticalT, twoSidedT } from './student-t.ts';

export interface PairedT {
  n: number;
  mean: number;
  /** Standard deviation of the differences, n - 1 below; NaN for one. */
  sd: number;
  /** NaN for one difference. */
  low: number;
  high: number;
  /** Two-sided. NaN for one difference, and where all are the same: then nothing is known of how they vary. */
  p: number;
}

/** `differences`: one a seed. `alpha`: the share outside, 0.05 for a 95 % interval. */
export function pairedT(differences: readonly number[], alpha = 0.05): PairedT {
  const n = differences.length;
  const mean = n === 0 ? Number.NaN : differences.reduce((a, b) => a + b, 0) / n;
  const sd =
    n < 2 ? Number.NaN : Math.sqrt(differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1));
  // What binary rounding leaves of equal differences is no spread.
  const scale = differences.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
  const flat = sd <= 1e-12 * scale;
  const error = flat ? 0 : sd / Math.sqrt(n);
  const half = n < 2 ? Number.NaN : flat ? 0 : criticalT(alpha, n - 1) * error;
  return {
    n,
    mean,
    sd: flat ? 0 : sd,
    low: mean - half,
    high: mean + half,
    p: n < 2 || flat ? Number.NaN : twoSidedT(mean / error, n - 1),
  };
}

/** About how many seeds would tell such a difference from nothing half of the time or more: the least n whose interval is narrower than it. */
export function seedsToSee(difference: number, sd: number, alpha = 0.05): number | undefined {
  if (!(Math.abs(difference) > 0) || !(sd > 0)) return undefined;
  const most = 1000;
  const n =
    3 + firstIndex(most - 2, (i) => (criticalT(alpha, i + 2) * sd) / Math.sqrt(i + 3) < Math.abs(difference));
  return n > most ? undefined : n;
}
