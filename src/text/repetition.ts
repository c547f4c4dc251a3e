/**
 * Finds a unit repeated many times in a row, as models do when they loop.
 *
 * Answers what the regular expression `(.{5,}?)\1{4,}` answers: is there, within one line, a unit of at least five
 * characters that occurs at least five times without a gap? The expression backtracks for minutes on long text.
 *
 * Method: k units of length p in a row are a run of (k-1)p positions that equal the position p earlier. Such a run
 * covers one of every (k-1)p positions, so for each p only those are looked at, and a match is followed both ways.
 * Periods rise, so the shortest unit is found. The sum over p of n / (k-1)p is about n ln n / 4 steps; following
 * matches is bounded by a budget of steps, beyond which the answer is "none" (only text made for it gets there).
 * Of long text only the last `limit` characters are looked at: loops run on to the end.
 * Source: OctoThinker's reward code (repetition penalty), recipe 4.3 of the project's reference.
 */

export interface Repetition {
  /** The repeated unit. */
  readonly unit: string;
  /** How many times it occurs in a row. */
  readonly count: number;
  /** Index of the first occurrence. */
  readonly start: number;
}

export interface RepetitionOptions {
  /** Characters in a unit, at least. */
  leastUnit?: number;
  /** Occurrences in a row, at least. */
  leastCount?: number;
  /** Characters looked at, from the end of the text. */
  limit?: number;
}

/** Steps per character that following matches may take. */
const stepsPerCharacter = 200;

/** The repetition with the shortest unit, or undefined. Lines end a repetition. */
export function findRepetition(text: string, options: RepetitionOptions = {}): Repetition | undefined {
  const leastUnit = Math.max(1, options.leastUnit ?? 5);
  const leastCount = Math.max(2, options.leastCount ?? 5);
  const limit = options.limit ?? 200_000;
  const offset = Math.max(0, text.length - limit);
  let best: Repetition | undefined;
  for (let start = offset; start <= text.length; ) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    if (end - start >= leastUnit * leastCount) {
      const found = inLine(text, start, end, leastUnit, leastCount);
      if (found !== undefined && (best === undefined || found.unit.length < best.unit.length)) best = found;
      if (best !== undefined && best.unit.length === leastUnit) return best;
    }
    start = end + 1;
  }
  return best;
}

/** True when the text loops: `findRepetition` with the defaults finds something. */
export function hasRepetition(text: string, options: RepetitionOptions = {}): boolean {
  return findRepetition(text, options) !== undefined;
}

function inLine(
  text: string,
  start: number,
  end: number,
  leastUnit: number,
  leastCount: number,
): Repetition | undefined {
  const longest = Math.floor((end - start) / leastCount);
  const budget = { steps: stepsPerCharacter * (end - start) };
  for (let period = leastUnit; period <= longest && budget.steps > 0; period++) {
    const found = withPeriod(text, start, end, period, leastCount, budget);
    if (found !== undefined) return found;
  }
  return undefined;
}

function withPeriod(
  text: string,
  start: number,
  end: number,
  period: number,
  leastCount: number,
  budget: { steps: number },
): Repetition | undefined {
  const needed = (leastCount - 1) * period;
  const same = (at: number): boolean => text.charCodeAt(at) === text.charCodeAt(at - period);
  for (let checkpoint = start + period + needed - 1; checkpoint < end; checkpoint += needed) {
    if (!same(checkpoint)) continue;
    // The run around the checkpoint: positions first..last - 1 equal the one a period earlier.
    const floor = Math.max(start + period, checkpoint - needed + 1);
    let first = checkpoint;
    while (first > floor && same(first - 1)) first--;
    const ceiling = Math.min(end, first + needed);
    let last = checkpoint + 1;
    while (last < ceiling && same(last)) last++;
    budget.steps -= last - first;
    if (last - first < needed) {
      if (budget.steps <= 0) return undefined;
      continue;
    }
    while (last < end && same(last)) last++;
    while (first > start + period && same(first - 1)) first--;
    const begin = first - period;
    return { unit: text.slice(begin, first), count: Math.floor((last - begin) / period), start: begin };
  }
  return undefined;
}
