/**
 * Whether RL climbs at all where it should, before arms are compared. Two ways show it: over seeds (paired t, the end against the start), or within every
 * seed (its last evaluation against its first, with an interval over problems that lies above none). The second is there because seeds may climb by
 * very different amounts, which widens the first without putting the climb in doubt; it says nothing of arms and is never used for them.
 */
import type { Claim } from '../core/claim.ts';
import { type Proportion, proportionDifference } from '../core/proportion-difference.ts';
import type { AblationCalibration, CalibrationPair } from '../report/ablation-data.ts';
import { climbOverSeeds } from '../report/climb-over-seeds.ts';
import { showDifference } from '../report/measure-format.ts';
import { metric } from '../report/report-run.ts';
import { type CellRun, isAbsent } from './cell-runs.ts';
import { runsOf, statusOf } from './collect-cell.ts';
import type { Grid } from './grid.ts';
import { evaluationNames, measureNamed, startMeasureOf } from './measures.ts';
import type { StepSource } from './step-source.ts';

/** Judged once every seed of it has ended one way or the other. Undefined for an experiment without one. */
export function calibrationOf(grid: Grid, source: StepSource): AblationCalibration | undefined {
  const { calibration } = grid;
  if (calibration === undefined) return undefined;
  const { arm } = calibration;
  const names = evaluationNames(grid);
  const end = measureNamed(calibration.measure, names);
  const start = measureNamed(startMeasureOf(calibration.measure, names), names);
  const steps = new Map(grid.steps.map((step) => [step.id, step]));
  const cells = grid.cells.filter((cell) => cell.arm === arm);
  const base = { arm, measure: end.name };
  const open = cells.filter((cell) => statusOf(cell, steps, source).status === 'not run');
  const pairs = cells.flatMap((cell): CalibrationPair[] => {
    const runs = runsOf(cell, steps, source);
    const [from, to] = [start.of(runs), end.of(runs)];
    if (isAbsent(from) || isAbsent(to)) return [];
    const climb = end.name.startsWith('rl_accuracy') ? climbOf(runs.grpo) : undefined;
    return [{ seed: cell.seed, start: from, end: to, ...(climb === undefined ? {} : { climb }) }];
  });
  if (open.length > 0 || cells.length === 0) {
    const text = `The calibration with ${arm} has not been run for ${open.length} of ${cells.length} seeds.`;
    return { ...base, pairs, outcome: 'not run', text };
  }
  const show = (difference: number) => showDifference(end.unit, difference);
  const { claim } = climbOverSeeds(arm, pairs, { what: end.label, show });
  // Within every seed the last evaluation lies above the first, by more than the choice of problems explains.
  const everywhere =
    pairs.length === cells.length && pairs.every(({ climb }) => climb !== undefined && climb.low > 0);
  return {
    ...base,
    pairs,
    outcome: claim.verdict === 'higher' || everywhere ? 'signal' : 'no signal',
    text: textOf(pairs, arm, claim, everywhere, show),
  };
}

function textOf(
  pairs: readonly CalibrationPair[],
  arm: string,
  claim: Claim,
  everywhere: boolean,
  show: (difference: number) => string,
): string {
  if (!everywhere) return claim.text;
  const seeds = pairs.map(
    ({ seed, climb }) => `seed ${seed} ${show(climb!.value)} (${show(climb!.low)} to ${show(climb!.high)})`,
  );
  return `With ${arm} accuracy climbed on every seed from the first evaluation to the last (95 % intervals over problems, within the seed): ${seeds.join(', ')}. Over seeds: ${claim.text}`;
}

/** The last evaluation against the first, of a run that logged both with their intervals. */
function climbOf(run: CellRun | undefined): Proportion | undefined {
  const evaluations = (run?.rows ?? []).flatMap((row): Proportion[] => {
    const [value, low, high] = ['', '_low', '_high'].map((end) => metric(row, `eval_accuracy${end}`));
    return value === undefined || low === undefined || high === undefined ? [] : [{ value, low, high }];
  });
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  return evaluations.length < 2 ? undefined : proportionDifference(first!, last!);
}
