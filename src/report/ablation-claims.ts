/**
 * What an ablation may claim: every primary measure for every compared pair, paired by seed and corrected together (Holm), each as the sentence that
 * src/core/claim.ts allows. Pure. Without a calibration that climbed for certain nothing is compared; secondary measures are never claimed. The answer made
 * of the claims is in ablation-answer.ts.
 */
import { type Claim, claimOf } from '../core/claim.ts';
import { type Arm, compareSeeds, type SeedComparison } from '../core/compare-seeds.ts';
import type { AblationInput, AblationMeasure } from './ablation-data.ts';
import { climbOverSeeds } from './climb-over-seeds.ts';
import { showDifference } from './measure-format.ts';

export interface AblationClaim {
  measure: AblationMeasure;
  comparison: SeedComparison;
  claim: Claim;
}

export interface AblationClaims {
  /** In the order of the measures, then of the comparisons. */
  claims: AblationClaim[];
  /** The calibration: its start against its end over seeds, and what that allows to say. */
  signal?: {
    /** Its label. */ measure: string;
    comparison: SeedComparison;
    claim: Claim /** It climbed, over seeds or within every one. */;
    holds: boolean;
  };
}

/** The values of one arm for one measure, by seed, in the order of the experiment's seeds; those that could not be had are left out. */
export function armValues(input: AblationInput, arm: string, measure: AblationMeasure): Arm {
  const values = new Map<string, number>();
  for (const seed of input.seeds) {
    const value = input.cells.find((cell) => cell.arm === arm && cell.seed === seed)?.values[measure.name];
    if (typeof value === 'number' && Number.isFinite(value)) values.set(seed, value);
  }
  const state = input.arms.find(({ name }) => name === arm)?.state;
  return { name: arm, values, ...(measure.likeOnly && state !== undefined ? { state } : {}) };
}

export function ablationClaims(input: AblationInput): AblationClaims {
  const signal = signalOf(input);
  const asked = input.measures
    .filter(({ primary }) => primary)
    .flatMap((measure) => input.comparisons.map((pair) => ({ measure, pair })));
  const compared = compareSeeds(
    asked.map(({ measure, pair }) => [
      armValues(input, pair.first, measure),
      armValues(input, pair.second, measure),
    ]),
  );
  const claims = asked.map(({ measure }, i): AblationClaim => {
    const comparison = compared[i]!;
    return { measure, comparison, claim: claimFor(input, measure, comparison, signal) };
  });
  return { claims, ...(signal === undefined ? {} : { signal }) };
}

function signalOf(input: AblationInput): AblationClaims['signal'] {
  const { calibration } = input;
  if (calibration === undefined || calibration.outcome === 'not run') return undefined;
  const measure = input.measures.find(({ name }) => name === calibration.measure);
  const label = measure?.label ?? calibration.measure;
  const climb = climbOverSeeds(calibration.arm, calibration.pairs, { what: label, show: showFor(measure) });
  return { measure: label, ...climb, holds: calibration.outcome === 'signal' };
}

function claimFor(
  input: AblationInput,
  measure: AblationMeasure,
  comparison: SeedComparison,
  signal: AblationClaims['signal'],
): Claim {
  const { label, smallest } = measure;
  const { calibration } = input;
  const { first, second } = comparison;
  if (calibration?.outcome === 'not run')
    return {
      verdict: 'cannot-say',
      text: `Cannot say whether ${label} differs between ${first} and ${second}: the calibration (${calibration.arm}) was not run.`,
      warnings: comparison.warnings,
    };
  const calibrated = input.measures.find(({ name }) => name === calibration?.measure);
  // Where there is no signal the sentence is about what the calibration measured.
  const lost = signal !== undefined && !signal.holds;
  return claimOf(comparison, {
    what: lost ? signal.measure : label,
    show: showFor(lost ? calibrated : measure),
    ...(smallest === undefined ? {} : { smallest }),
    ...(lost ? { signal: signal.comparison } : {}),
  });
}

function showFor(measure: AblationMeasure | undefined): (difference: number) => string {
  return (difference) => showDifference(measure?.unit ?? 'share', difference);
}
