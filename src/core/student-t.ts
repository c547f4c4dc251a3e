/**
 * Student's t distribution, for any number of degrees of freedom above 0 (whole or not) and any level.
 *
 * The tail is the regularised incomplete beta function I_x(df / 2, 1 / 2) at x = df / (df + t^2), by its continued fraction (Lentz's method; Abramowitz
 * and Stegun 26.5.8), on the side where that converges fast. Only B(a, 1 / 2) is needed of the gamma function: its ratio is a series in 1 / a
 * (Tricomi and Erdelyi 1951) after stepping a up to 25, so nothing large is subtracted. Quantiles by bisection of the logarithm of t. Relative error
 * against scipy below 1e-10 from df 0.5 to 1e6 (test/oracles/seed-statistics.py).
 */

/** P(|T| >= |t|). NaN unless `df` is above 0. */
export function twoSidedT(t: number, df: number): number {
  if (!(df > 0) || Number.isNaN(t)) return Number.NaN;
  if (df === Number.POSITIVE_INFINITY) throw new RangeError('df must be finite');
  const square = t * t;
  if (square === Number.POSITIVE_INFINITY) return 0;
  return incompleteBeta(df / (df + square), square / (df + square), df / 2);
}

/** The t that |T| exceeds with probability `outside` (0.05 for a 95 % interval); 0 < `outside` <= 1. */
export function criticalT(outside: number, df: number): number {
  if (!(df > 0) || !(outside > 0 && outside <= 1)) return Number.NaN;
  if (outside === 1) return 0;
  // In logarithms: with one degree of freedom quantiles reach as far as the tails are thin.
  let [low, high] = [-1, 1];
  while (twoSidedT(Math.exp(high), df) > outside && high < 700) high *= 2;
  while (twoSidedT(Math.exp(low), df) < outside && low > -700) low *= 2;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (twoSidedT(Math.exp(middle), df) > outside) low = middle;
    else high = middle;
  }
  return Math.exp(high);
}

/** I_x(a, 1 / 2); `y` is 1 - x, given apart so that nothing is lost where x is near 1. */
function incompleteBeta(x: number, y: number, a: number): number {
  if (y === 0) return 1;
  if (x === 0) return 0;
  const b = 0.5;
  // x^a (1 - x)^b / B(a, b), B(a, 1 / 2) = Gamma(a) sqrt(pi) / Gamma(a + 1 / 2).
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-y);
  const front = (Math.exp(a * logX) * Math.sqrt(y) * halfStepRatio(a)) / Math.sqrt(Math.PI);
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(y, b, a)) / b;
}

/** Gamma(a + 1 / 2) / Gamma(a). */
function halfStepRatio(a: number): number {
  let factor = 1;
  let at = a;
  for (; at < 25; at++) factor *= at / (at + 0.5);
  const r = 1 / at;
  const series =
    1 +
    r *
      (-1 / 8 +
        r *
          (1 / 128 +
            r *
              (5 / 1024 +
                r * (-21 / 32768 + r * (-399 / 262144 + r * (869 / 4194304 + r * (39325 / 33554432)))))));
  return factor * Math.sqrt(at) * series;
}

/** The continued fraction of I_x(a, b); some sqrt(max(a, b)) terms where x is below the mean. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (v: number): number => (Math.abs(v) < tiny ? tiny : v);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const change = d * c;
    value *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return value;
}
