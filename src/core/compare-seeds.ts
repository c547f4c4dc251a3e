/**
 * Arms of an experiment against each other over seeds. Pure.
 *
 * Runs are paired by seed; the seed is the unit. The interval is paired t (df = n - 1), or on request from ten seeds on a BCa bootstrap over seeds. p
 * values are those of the paired t, corrected after Holm over all comparisons made together; beside each interval stands the one that holds for all of
 * them at once (Bonferroni, which is wider than Holm's decisions need: a decision goes by the adjusted p). What keeps a comparison from saying
 * anything is in its warnings and its `obstacle`; src/core/claim.ts makes the sentence.
 */
import { bcaInterval, fewestForBca } from './bca-interval.ts';
import { holm } from './holm.ts';
import { pairedT, seedsToSee } from './paired-t.ts';

/** One arm: the figure it is judged by, for each seed. */
export interface Arm {
  name: string;
  /** By seed. Seeds that failed are left out; what is not finite counts as left out. */
  values: ReadonlyMap<string, number>;
  /** What must be alike for a comparison to mean anything, such as `decayed` against `not decayed` (recipe 5.3). */
  state?: string;
}

export interface SeedPair {
  seed: string;
  first: number;
  second: number;
  /** second - first */
  difference: number;
}

/** Why nothing may be claimed. */
export type Obstacle = 'no pairs' | 'too few seeds' | 'no spread' | 'not alike';

export interface SeedComparison {
  first: string;
  second: string;
  /** Seeds that both have: every point, for drawing. */
  pairs: SeedPair[];
  /** Seeds that only one has. */
  onlyFirst: string[];
  onlySecond: string[];
  /** Mean of the differences, and their standard deviation (NaN for one seed). */
  mean: number;
  sd: number;
  /** The interval of this comparison alone, at `level`; NaN below two seeds. */
  low: number;
  high: number;
  /** The interval that holds for all comparisons at once. */
  together: { low: number; high: number };
  level: number;
  method: 'paired t' | 'BCa bootstrap';
  p: number;
  /** After Holm. */
  adjustedP: number;
  /** Comparisons corrected together. */
  comparisons: number;
  obstacle?: Obstacle;
  /** Full sentences. */
  warnings: string[];
}

export interface CompareSeedsOptions {
  /** Share outside; default 0.05. */
  alpha?: number;
  /** `bca` is used where there are ten seeds, t below. */
  interval?: 't' | 'bca';
  /** Of the bootstrap. */
  seed?: number | string;
}

/** Fewer seeds than this claim nothing. */
const fewestSeeds = 3;

/** `pairs`: [first, second] of each comparison; all that a reader will look at together, since all are corrected together. */
export function compareSeeds(
  pairs: readonly (readonly [Arm, Arm])[],
  { alpha = 0.05, interval = 't', seed = 0 }: CompareSeedsOptions = {},
): SeedComparison[] {
  const matched = pairs.map(([first, second]) => matchSeeds(first, second));
  const tests = matched.map((of) =>
    pairedT(
      of.map(({ difference }) => difference),
      alpha,
    ),
  );
  const { adjusted } = holm(
    tests.map(({ p }) => p),
    alpha,
  );
  return pairs.map(([first, second], i) => {
    const own = matched[i]!;
    const test = tests[i]!;
    const differences = own.map(({ difference }) => difference);
    const drawn = interval === 'bca' && own.length >= fewestForBca;
    const at = (share: number): { low: number; high: number } => {
      if (!drawn) return pairedT(differences, share);
      const [low, high] = bcaInterval(differences, { seed, alpha: share });
      return { low, high };
    };
    const { low, high } = at(alpha);
    const wide = at(alpha / pairs.length);
    const names = new Set(own.map((pair) => pair.seed));
    const lone = ({ values }: Arm): string[] => [...values.keys()].filter((name) => !names.has(name));
    const obstacle = obstacleOf(own.length, test.sd, first.state, second.state);
    const comparison: SeedComparison = {
      first: first.name,
      second: second.name,
      pairs: own,
      onlyFirst: lone(first),
      onlySecond: lone(second),
      mean: test.mean,
      sd: test.sd,
      low,
      high,
      together: { low: wide.low, high: wide.high },
      level: 1 - alpha,
      method: drawn ? 'BCa bootstrap' : 'paired t',
      p: test.p,
      adjustedP: adjusted[i]!,
      comparisons: pairs.length,
      ...(obstacle === undefined ? {} : { obstacle }),
      warnings: [],
    };
    comparison.warnings.push(...warningsOf(comparison, first.state, second.state, alpha));
    return comparison;
  });
}

function matchSeeds(first: Arm, second: Arm): SeedPair[] {
  return [...first.values].flatMap(([seed, a]) => {
    const b = second.values.get(seed);
    if (b === undefined || !Number.isFinite(a) || !Number.isFinite(b)) return [];
    return [{ seed, first: a, second: b, difference: b - a }];
  });
}

function obstacleOf(n: number, sd: number, first?: string, second?: string): Obstacle | undefined {
  if (n === 0) return 'no pairs';
  if (first !== second) return 'not alike';
  if (n < fewestSeeds) return 'too few seeds';
  return sd === 0 ? 'no spread' : undefined;
}

function warningsOf(c: SeedComparison, first: string | undefined, second: string | undefined, alpha: number) {
  const out: string[] = [];
  const n = c.pairs.length;
  const names = `${c.second} against ${c.first}`;
  if (first !== second)
    out.push(
      `${names}: ${c.first} is ${first ?? 'not recorded'}, ${c.second} is ${second ?? 'not recorded'}; like is not compared with like.`,
    );
  const lone = [
    ...c.onlyFirst.map((s) => `${s} (${c.first})`),
    ...c.onlySecond.map((s) => `${s} (${c.second})`),
  ];
  if (lone.length > 0)
    out.push(`${names}: left out, since only one of them has them: seed ${lone.join(', ')}.`);
  if (n > 0 && n < fewestSeeds)
    out.push(`${names}: ${n === 1 ? 'one seed' : `${n} seeds`}; nothing can be said below ${fewestSeeds}.`);
  else if (n >= fewestSeeds && c.sd === 0)
    out.push(
      `${names}: every seed has the same difference, so how much seeds vary cannot be told and the interval has no width.`,
    );
  else if (n >= fewestSeeds && (c.high - c.low) / 2 > Math.abs(c.mean)) {
    const needed = seedsToSee(c.mean, c.sd, alpha);
    out.push(
      `${names}: half of the interval is wider than the difference itself${
        needed === undefined
          ? ''
          : `; with this spread about ${needed} seeds would be needed to tell a difference of this size from none`
      }.`,
    );
  }
  return out;
}
