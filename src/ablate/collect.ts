/**
 * A grid and what its steps left -> what a report is made from. Nothing that depends on when, where or in which order the steps were done decides anything
 * here, so a grid that was killed and gone on with, or exported and imported, gives the same data; seconds, the adapter and versions stand apart.
 */
import type { AblationCell, AblationInput, AblationMeasure, AblationStep } from '../report/ablation-data.ts';
import type { ReportRun } from '../report/report-run.ts';
import { calibrationOf } from './calibration.ts';
import { findingsOf, isAbsent } from './cell-runs.ts';
import { runsOf, type Steps, statusOf } from './collect-cell.ts';
import type { Grid, GridCell, GridStep } from './grid.ts';
import type { Measure } from './measure.ts';
import { defaultSecondary, evaluationNames, measureNamed } from './measures.ts';
import type { StepSource } from './step-source.ts';

export interface CollectOptions {
  /** Commands that run it again. */
  rerun?: readonly string[];
  commit?: string;
}

export function collectAblation(
  grid: Grid,
  source: StepSource,
  { rerun = [], commit }: CollectOptions = {},
): AblationInput {
  const steps = new Map(grid.steps.map((step) => [step.id, step]));
  const measures = measuresOf(grid);
  const cells = grid.cells.map((cell) => collectCell(cell, steps, source, measures));
  const done = grid.steps.filter((step) => source.status(step) === 'done');
  const runs = done.flatMap((step) => reportRun(step, grid, source) ?? []);
  const calibration = calibrationOf(grid, source);
  const devices = new Set(done.flatMap((step) => source.record(step)?.adapter ?? []));
  return {
    name: grid.name,
    title: grid.title,
    question: grid.question,
    ...(grid.paper === undefined ? {} : { paper: grid.paper }),
    size: grid.size,
    seeds: [...grid.seeds],
    arms: grid.arms.map(({ name, describe, differences, state }) => ({
      name,
      ...(describe === undefined ? {} : { describe }),
      differences,
      state,
    })),
    measures: measures.map(({ measure, primary }) => describeMeasure(measure, primary, grid)),
    cells,
    steps: grid.steps.map((step) => collectStep(step, source)),
    comparisons: grid.comparisons,
    ...(calibration === undefined ? {} : { calibration }),
    runs,
    rerun: [...rerun],
    versions: Object.assign({}, ...runs.map(({ record }) => record.versions)),
    ...(devices.size === 0 ? {} : { device: [...devices].sort().join('; ') }),
    ...(commit === undefined ? {} : { commit }),
  };
}

/** Primary measures as the experiment names them, then what is shown beside them. */
function measuresOf(grid: Grid): { measure: Measure; primary: boolean }[] {
  const names = evaluationNames(grid);
  const calibration = grid.calibration?.measure;
  const primary = [...new Set(grid.measures.primary)];
  const shownOnes = grid.cells
    .flatMap(({ evals }) => Object.keys(evals))
    .map((key) => evaluationMeasureName(key));
  const secondary = new Set([
    ...(calibration === undefined ? [] : [calibration]),
    ...defaultSecondary,
    ...(grid.cells.some(({ steps }) => steps.filter !== undefined) ? ['tokens_kept', 'share_kept'] : []),
    ...(grid.cells.some(({ steps }) => steps.chains !== undefined)
      ? ['chains_kept', 'chains_kept_share']
      : []),
    ...shownOnes,
  ]);
  return [
    ...primary.map((name) => ({ measure: measureNamed(name, names), primary: true })),
    ...[...secondary]
      .filter((name) => !primary.includes(name))
      .map((name) => ({ measure: measureNamed(name, names), primary: false })),
  ];
}

/** `few-shot base` -> `base_few_shot`. */
function evaluationMeasureName(key: string): string {
  const at = key.lastIndexOf(' ');
  return `${key.slice(at + 1)}_${key.slice(0, at).replaceAll(/[-. ]/g, '_')}`;
}

function describeMeasure(measure: Measure, primary: boolean, grid: Grid): AblationMeasure {
  const { name, label, unit, likeOnly, about } = measure;
  const smallest = grid.measures.smallest[name];
  return { name, label, unit, primary, ...(smallest === undefined ? {} : { smallest }), likeOnly, about };
}

function collectCell(
  cell: GridCell,
  steps: Steps,
  source: StepSource,
  measures: readonly { measure: Measure }[],
): AblationCell {
  const runs = runsOf(cell, steps, source);
  const values: Record<string, number | null> = {};
  const absent: Record<string, string> = {};
  for (const { measure } of measures) {
    const measured = measure.of(runs);
    values[measure.name] = isAbsent(measured) ? null : measured;
    if (isAbsent(measured)) absent[measure.name] = measured.absent;
  }
  const { tokenizer: _, ...roles } = cell.steps;
  return {
    arm: cell.arm,
    seed: cell.seed,
    ...statusOf(cell, steps, source),
    steps: roles,
    evals: { ...cell.evals },
    values,
    absent,
    signatures: (runs.grpo === undefined ? [] : findingsOf(runs.grpo)).map(({ signature, step, text }) => ({
      name: signature,
      step,
      text,
    })),
  };
}

function collectStep(step: GridStep, source: StepSource): AblationStep {
  const record = source.record(step);
  const error = source.error(step);
  return {
    id: step.id,
    kind: step.kind,
    status: source.status(step),
    usedBy: step.usedBy.map(({ arm, seed }) => ({ arm, seed })),
    ...(record === undefined ? {} : { seconds: record.seconds, summary: record.summary }),
    ...(error === undefined ? {} : { error }),
    ...(record?.imported === true ? { imported: true } : {}),
  };
}

function reportRun(step: GridStep, grid: Grid, source: StepSource): ReportRun | undefined {
  const run = source.run(step);
  if (run === undefined) return undefined;
  return {
    id: step.id,
    folder: step.id,
    record: { ...run.record, name: stepName(step, grid) },
    metrics: run.rows,
    ...(run.rollouts.length === 0 ? {} : { rollouts: run.rollouts }),
    parents: [...step.reads],
  };
}

const kindNames: Partial<Record<GridStep['kind'], string>> = {
  filter: 'filter',
  mix: 'mixture',
  'train-stable': 'stable',
  'train-decay': 'decay',
  chains: 'chains',
  grpo: 'RL',
  eval: 'evaluation',
};

/** `qa-30, RL, seed 2`; what all arms or all seeds share has no arm or seed in its name. */
function stepName(step: GridStep, grid: Grid): string {
  const arms = [...new Set(step.usedBy.map(({ arm }) => arm))];
  const seeds = [...new Set(step.usedBy.map(({ seed }) => seed))];
  const whose = arms.length === grid.arms.length && arms.length > 1 ? [] : [arms.join(' and ')];
  const when = seeds.length === grid.seeds.length && seeds.length > 1 ? [] : [`seed ${seeds.join(' and ')}`];
  return [...whose, kindNames[step.kind] ?? step.kind, ...when].join(', ');
}
