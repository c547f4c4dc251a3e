/**
 * Whole units moved between shares without losing one: who gives when a share grows, who gets when it shrinks. Pure integers.
 *
 * In proportion means by largest remainder (Hamilton), in steps of a thousandth of a percent where the amount allows it, so that the
 * shares that come of it are short numbers.
 */

/** Units in which proportions are cut: 0.001 % of a whole of a billion. */
const grain = 1e4;

/** `total` units split in proportion to `weights` (not negative, not all 0), exactly. */
export function portion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map((weight) => (weight / sum) * total);
  return settle(
    total,
    exact,
    exact.map((x) => Math.round(x)),
    weights.map((w) => (w > 0 ? total : 0)),
  );
}

/** `amount` units taken from `shares` in proportion; none gives more than it has. `amount` is at most their sum. */
export function takeFrom(amount: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0);
  if (amount === 0 || sum === 0) return shares.map(() => 0);
  const exact = shares.map((share) => (share / sum) * amount);
  return settle(
    amount,
    exact,
    exact.map((x) => Math.floor(x / grain) * grain),
    shares,
  );
}

/** `amount` units given to sources in proportion to `weights`; to all alike where those are all 0. */
export function giveTo(amount: number, weights: readonly number[]): number[] {
  if (weights.length === 0 || amount === 0) return weights.map(() => 0);
  const fair = weights.every((w) => w === 0) ? weights.map(() => 1) : weights;
  const sum = fair.reduce((a, b) => a + b, 0);
  const exact = fair.map((weight) => (weight / sum) * amount);
  return settle(
    amount,
    exact,
    exact.map((x) => Math.floor(x / grain) * grain),
    fair.map((w) => (w > 0 ? amount : 0)),
  );
}

/** Brings whole `parts` near `exact` to the sum `total`: grains to the largest remainders first, then the rest unit by unit. */
function settle(total: number, exact: readonly number[], parts: number[], most: readonly number[]): number[] {
  for (let i = 0; i < parts.length; i++) parts[i] = Math.min(parts[i]!, most[i]!);
  let left = total - parts.reduce((a, b) => a + b, 0);
  const order = parts
    .map((_, i) => i)
    .sort((a, b) => exact[b]! - parts[b]! - (exact[a]! - parts[a]!) || a - b);
  for (const step of [grain, 1]) {
    for (const i of order) {
      if (left < step) break;
      const more = Math.min(step, most[i]! - parts[i]!);
      if (more < step) continue;
      parts[i]! += more;
      left -= more;
    }
  }
  // What is left goes to whoever has room; too much comes off the largest.
  for (const i of order) {
    if (left <= 0) break;
    const more = Math.min(left, most[i]! - parts[i]!);
    parts[i]! += more;
    left -= more;
  }
  for (const i of [...order].reverse()) {
    if (left >= 0) break;
    const less = Math.min(-left, parts[i]!);
    parts[i]! -= less;
    left += less;
  }
  return parts;
}
