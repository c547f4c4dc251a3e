/**
 * The difference of two runs of one seed on the same problems, with a bootstrap over the problems. It says how much the choice of problems matters and
 * nothing about other seeds, so it never becomes a claim about arms; its label says so wherever it is shown.
 */
import { bootstrapMeans } from './bootstrap.ts';

export interface WithinSeed {
  value: number;
  low: number;
  high: number;
  problems: number;
  /** To be shown with the interval. */
  label: string;
}

/** `first`, `second`: the share of right answers of each problem, in the same order. Throws a RangeError unless they are of one length, above 0. */
export function withinSeed(
  first: readonly number[],
  second: readonly number[],
  run: string,
  options: { seed: number | string; resamples?: number },
): WithinSeed {
  const problems = first.length;
  if (problems === 0 || second.length !== problems)
    throw new RangeError(`${problems} and ${second.length} problems cannot be compared one by one`);
  const change = second.map((value, i) => value - first[i]!);
  const [interval] = bootstrapMeans([change], options);
  return {
    value: change.reduce((a, b) => a + b, 0) / problems,
    low: interval![0],
    high: interval![1],
    problems,
    label: `bootstrap over ${problems} problems within seed ${run}; other seeds are not in it`,
  };
}
