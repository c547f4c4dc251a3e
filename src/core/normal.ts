/**
 * The standard normal distribution: its function by Marsaglia's series about 0 (2004, Journal of Statistical Software 11:4; absolute error some 1e-15),
 * and its inverse by bisection. Tails beyond 8 standard deviations are given up: they are 0 and 1.
 */

/** P(Z <= x). */
export function normalCdf(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-18; i += 2) sum += term *= (x * x) / i;
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** The x with P(Z <= x) = p; -8 and 8 at the ends. */
export function normalQuantile(p: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
