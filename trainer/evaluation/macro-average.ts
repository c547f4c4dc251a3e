/**
 * The mean of the accuracies of several benchmarks, each counting the same, with its 95 % interval: MOVER (Zou, Huang and Zhang 2009, Computational
 * Statistics and Data Analysis 53:1080; Zou and Donner 2008), which makes the limits of a linear combination from the limits of its parts. So it goes with
 * the intervals that stand beside each benchmark (Wilson's, or the bootstrap's where samples share a problem), has a width where every problem is right or
 * wrong, and draws nothing. The benchmarks' problems are taken as independent samples; that another set of benchmarks might have been chosen is not in it.
 * Against the delta method and a bootstrap within benchmarks: test/oracles/macro-average.py.
 */
import type { Share } from './summarise.ts';

/** `shares`: one a benchmark, at least one. */
export function macroAverageOf(shares: readonly Share[]): Share {
  const size = shares.length;
  const value = shares.reduce((sum, share) => sum + share.value, 0) / size;
  const distance = (of: (share: Share) => number): number =>
    Math.sqrt(shares.reduce((sum, share) => sum + of(share) ** 2, 0)) / size;
  return {
    value,
    low: value - distance((share) => share.value - share.low),
    high: value + distance((share) => share.high - share.value),
  };
}
