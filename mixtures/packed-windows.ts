/**
 * How many windows of each source a best-fit mixture takes. With padding a window holds fewer tokens than it is long, so shares of tokens
 * cannot be given out as shares of windows: each source is packed, on lengths alone, until its tokens are nearest to its target.
 *
 * What that leaves is moved by largest remainder, as in plan.ts: while the total is more than half a window off, the source that is
 * furthest off in that direction takes one window less (or more). Two things hold afterwards, for any sources and shares:
 *   - the total is within half a window of the budget;
 *   - every source is within one window of its share of the total. (There is always a source whose error is at least its share of the total
 *     error, since shares sum to one; moving that one leaves it within a window.)
 */
import type { Packing } from './recipe.ts';

export interface PackedDocuments {
  /** Documents of which any part is in the windows; one that is read twice counts twice. */
  documents: number;
  /** Those of them that are not whole in one window. */
  cut: number;
  /** Parts of documents: entries of the shards' index, padding apart. */
  pieces: number;
}

/** What the first windows of a source hold. Tokens are real ones; padding is apart. */
export interface PackedCounts extends PackedDocuments {
  windows: number;
  tokens: number;
  padding: number;
}

export interface HowToPack {
  packing: Packing;
  /** Tokens of a window: sequenceLength + 1. */
  windowTokens: number;
  seed: number;
}

/** A source that can be packed without reading a token of it. */
export interface PackableSource {
  /** The first `windows` windows, of documents joined and cut. */
  first(windows: number, how: HowToPack): PackedCounts;
  /** Packed for `tokens` tokens: the most windows that hold at most so many, and those and one more. */
  around(tokens: number, how: HowToPack): { below: PackedCounts; above: PackedCounts };
}

export const noWindows: Readonly<PackedCounts> = {
  windows: 0,
  tokens: 0,
  padding: 0,
  documents: 0,
  cut: 0,
  pieces: 0,
};

/** Windows for targets in tokens. `sources` in the order of `targets`. */
export function windowsByTokens(
  targets: readonly number[],
  sources: readonly PackableSource[],
  how: HowToPack,
): PackedCounts[] {
  const budget = targets.reduce((a, b) => a + b, 0);
  const choices = targets.map((target, i) => {
    const share = budget === 0 ? 0 : target / budget;
    const { below, above } =
      target === 0 ? { below: noWindows, above: noWindows } : sources[i]!.around(target, how);
    const up = above.tokens - target < target - below.tokens;
    return { share, target, below, above, up, movable: below !== above };
  });
  const errorOf = ({ up, above, below, target }: (typeof choices)[number]) =>
    (up ? above : below).tokens - target;
  let total = choices.reduce((n, choice) => n + errorOf(choice), 0);
  while (Math.abs(total) > how.windowTokens / 2) {
    const direction = Math.sign(total);
    let chosen: (typeof choices)[number] | undefined;
    let worst = Number.NEGATIVE_INFINITY;
    for (const choice of choices) {
      const error = errorOf(choice) * direction;
      if (!choice.movable || error <= 0) continue;
      const excess = error - choice.share * Math.abs(total);
      if (excess > worst) {
        worst = excess;
        chosen = choice;
      }
    }
    if (chosen === undefined) break;
    total -= errorOf(chosen);
    chosen.up = !chosen.up;
    chosen.movable = false;
    total += errorOf(chosen);
  }
  return choices.map(({ up, above, below }) => (up ? above : below));
}

/** A source of which only its tokens are known: windows without padding, and nothing known of its documents. */
export const unmeasuredSource: PackableSource = {
  first: (windows, { windowTokens }) => ({ ...noWindows, windows, tokens: windows * windowTokens }),
  around(tokens, how) {
    const windows = Math.floor(tokens / how.windowTokens);
    return { below: this.first(windows, how), above: this.first(windows + 1, how) };
  },
};
