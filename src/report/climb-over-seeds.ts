/** A calibration over seeds: the end of its RL against the start, as a comparison and as what that allows to say. Pure. */
import { type Claim, claimOf } from '../core/claim.ts';
import { type Arm, compareSeeds, type SeedComparison } from '../core/compare-seeds.ts';
import type { CalibrationPair } from './ablation-data.ts';

export function climbOverSeeds(
  arm: string,
  pairs: readonly CalibrationPair[],
  words: { what: string; show: (difference: number) => string },
): { comparison: SeedComparison; claim: Claim } {
  const side = (key: 'start' | 'end'): Arm => ({
    name: `the ${key} of ${arm}`,
    values: new Map(pairs.map((pair) => [pair.seed, pair[key]])),
  });
  const comparison = compareSeeds([[side('start'), side('end')]])[0]!;
  return { comparison, claim: claimOf(comparison, words) };
}
