/** How many documents are drawn of each stratum: pure functions of the number wanted and the sizes. */

/**
 * As many of each stratum as of any other, as far as they reach: a stratum that has fewer gives all, and the others share what is left.
 * What does not divide goes one each to the first strata that have more. Sums to min(count, all documents).
 */
export function allocateEqually(count: number, sizes: readonly number[]): number[] {
  const order = sizes.map((_, i) => i).sort((a, b) => sizes[a]! - sizes[b]! || a - b);
  const out = sizes.map(() => 0);
  let left = count;
  for (const [at, i] of order.entries()) {
    const strata = order.length - at;
    const share = Math.floor(left / strata);
    if (sizes[i]! > share) {
      // All that follow are at least as large: they take the share, and the first of them in order of strata one more each.
      const rest = order.slice(at).sort((a, b) => a - b);
      let extra = left - share * strata;
      for (const j of rest) {
        const one = extra > 0 && sizes[j]! > share ? 1 : 0;
        out[j] = share + one;
        extra -= one;
      }
      return out;
    }
    out[i] = sizes[i]!;
    left -= sizes[i]!;
  }
  return out;
}

/** Shares by size, rounded by largest remainders (ties to the first), so that they sum to min(count, all documents). */
export function allocateProportionally(count: number, sizes: readonly number[]): number[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const wanted = Math.min(count, total);
  if (total === 0) return sizes.map(() => 0);
  const exact = sizes.map((size) => (wanted * size) / total);
  const out = exact.map(Math.floor);
  let left = wanted - out.reduce((a, b) => a + b, 0);
  const order = sizes.map((_, i) => i).sort((a, b) => exact[b]! - out[b]! - (exact[a]! - out[a]!) || a - b);
  for (const i of order) {
    if (left === 0) break;
    if (out[i]! >= sizes[i]!) continue;
    out[i]!++;
    left--;
  }
  return out;
}

/**
 * The most that each stratum can be given in the end, when `sizes` have been seen so far: sizes only grow, and so the bound of a
 * stratum only falls. What a sampler needs to hold of a stratum.
 */
export function equalBounds(count: number, sizes: readonly number[]): number[] {
  const sorted = [...sizes].sort((a, b) => a - b);
  return sizes.map((size) => {
    // Water level when this stratum is boundless: the smaller others give all they have.
    let left = count;
    let strata = sorted.length;
    let skipped = false;
    for (const other of sorted) {
      if (!skipped && other === size) {
        skipped = true;
        continue;
      }
      if (other > left / strata) break;
      left -= other;
      strata--;
    }
    return Math.ceil(left / strata);
  });
}
