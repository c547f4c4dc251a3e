/**
 * The whole-number score that FineWeb-Edu and FineMath are cut by: a regression output clipped to 0..5 and rounded as NumPy and Python
 * round, half to even: 2.5 becomes 2 and 3.5 becomes 4 (`Math.round` gives 3 and 4). So `int_score >= 3` means a raw score above 2.5, and
 * `int_score >= 4` one of at least 3.5.
 * Source: huggingface/smollm text/fineweb-edu (`int(round(max(0, min(score, 5))))`); NeMo Curator (`np.clip`, `np.round`).
 */

/** `value` rounded to a whole number, halves to the even one. NaN and infinities stay; -0 stays -0, as in NumPy. */
export function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest < 0.5) return low === 0 && Object.is(value, -0) ? -0 : low;
  if (rest > 0.5) return low + 1;
  // From -0.5 upwards to zero, NumPy keeps the sign.
  return low % 2 === 0 ? low : low + 1 === 0 ? -0 : low + 1;
}

/** 0 to 5, or NaN where there is no score. Never -0. */
export function intScore(score: number): number {
  return roundHalfEven(Math.min(5, Math.max(0, score))) + 0;
}
