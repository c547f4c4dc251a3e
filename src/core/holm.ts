/**
 * Holm's correction (1979, Scandinavian Journal of Statistics 6:65) for several comparisons that are looked at together: the chance of even one false
 * "there is a difference" among them stays at `alpha`, whatever they have to do with each other.
 */

export interface Holm {
  /** Adjusted p values, in the order given: below `alpha` is a decision that holds for all together. */
  adjusted: number[];
  rejected: boolean[];
}

/** `ps`: two-sided p values; NaN (nothing could be computed) takes no part and is not rejected. */
export function holm(ps: readonly number[], alpha = 0.05): Holm {
  const order = ps
    .map((p, i) => ({ p, i }))
    .filter(({ p }) => !Number.isNaN(p))
    .sort((a, b) => a.p - b.p || a.i - b.i);
  const adjusted = ps.map(() => Number.NaN);
  let highest = 0;
  for (const [rank, { p, i }] of order.entries()) {
    highest = Math.max(highest, Math.min(1, p * (order.length - rank)));
    adjusted[i] = highest;
  }
  return { adjusted, rejected: adjusted.map((p) => p < alpha) };
}
