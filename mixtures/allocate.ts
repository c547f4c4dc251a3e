/**
 * Windows for every source of a mixture, from shares and a budget in tokens. Joined and cut, a window is all tokens: whole windows are
 * given out by largest remainder. With best-fit packing windows hold padding and are found by packing (packed-windows.ts).
 *
 * Without a budget: the most for which no source is read twice.
 */
import {
  type HowToPack,
  type PackableSource,
  type PackedCounts,
  unmeasuredSource,
  windowsByTokens,
} from './packed-windows.ts';

export interface SourceToAllocate {
  /** Of all tokens; the shares sum to one. */
  share: number;
  /** Tokens of one pass; `undefined` if nobody knows. */
  tokens: number | undefined;
  repeatLimit: number;
  /** `undefined` while its document lengths are not known: then its windows are taken to be full. */
  source: PackableSource | undefined;
}

export interface Allocated extends PackedCounts {
  /** Tokens that its documents were packed for; packing again for so many gives the same windows. */
  targetTokens: number;
  /** False where its documents were not looked at, so that only windows and tokens mean something. */
  measured: boolean;
}

/** What each source gives, in the order of `sources`. It may be more than a source has; the planner says so. */
export function allocateWindows(
  sources: readonly SourceToAllocate[],
  budget: number | undefined,
  how: HowToPack,
): Allocated[] {
  const { windowTokens } = how;
  const shares = sources.map((s) => s.share);
  if (how.packing === 'best-fit') {
    // Twice a window below what it has: one for rounding up, half a one that is carried into the next pass.
    const total = budget ?? withoutRepeat(sources, (tokens) => tokens - 2 * windowTokens);
    const targets = shares.map((share) => share * total);
    const packers = sources.map((s, i) => packed(s, targets[i]!, windowTokens));
    return windowsByTokens(targets, packers, how).map((counts, i) => ({
      ...counts,
      targetTokens: targets[i]!,
      measured: packers[i] !== unmeasuredSource,
    }));
  }
  // Rounding up may cost a source one sequence more than its share.
  const sequences =
    budget === undefined
      ? Math.floor(withoutRepeat(sources, (tokens) => Math.floor(tokens / windowTokens) - 1) + 1e-9)
      : Math.floor(budget / windowTokens);
  return largestRemainder(shares, sequences).map((windows, i) => {
    const targetTokens = windows * windowTokens;
    const packer = packed(sources[i]!, targetTokens, windowTokens);
    return { ...packer.first(windows, how), targetTokens, measured: packer !== unmeasuredSource };
  });
}

/** The source, unless it is empty or asked for far more than it may give: that is a problem of the plan, and nothing to read through. */
function packed(source: SourceToAllocate, wanted: number, windowTokens: number): PackableSource {
  const { tokens = 0, repeatLimit } = source;
  const readable = tokens > 0 && wanted <= tokens * repeatLimit + 2 * windowTokens;
  return readable && source.source !== undefined ? source.source : unmeasuredSource;
}

/** The greatest total of which no source's share is more than what `usable` makes of its tokens. */
function withoutRepeat(sources: readonly SourceToAllocate[], usable: (tokens: number) => number): number {
  let most = Number.POSITIVE_INFINITY;
  for (const { share, tokens } of sources)
    if (share > 0 && tokens !== undefined) most = Math.min(most, Math.max(0, usable(tokens)) / share);
  return Number.isFinite(most) ? most : 0;
}

/** Gives `total` indivisible units to shares that sum to one: the whole parts, then one each to the largest remainders (Hamilton). */
export function largestRemainder(shares: readonly number[], total: number): number[] {
  const exact = shares.map((share) => share * total);
  // A share such as 0.3 times 10 may come out as 2.9999999999999996.
  const counts = exact.map((x) => Math.floor(x + 1e-9));
  const byRemainder = exact
    .map((x, i) => ({ i, remainder: x - counts[i]! }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  let left = total - counts.reduce((a, b) => a + b, 0);
  for (const { i } of byRemainder) {
    if (left <= 0) break;
    if (shares[i] === 0) continue;
    counts[i]!++;
    left--;
  }
  return counts;
}
