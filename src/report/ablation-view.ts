/**
 * An ablation ready to be drawn: arms with the colour and dash that they have on the whole page, cells by arm and seed, and the runs of a cell by its role.
 * Runs whose record is there are merged to one row a step (report-run.ts), once for all sections.
 */
import type { AblationArm, AblationCell, AblationInput, AblationMeasure, StepRole } from './ablation-data.ts';
import { clip } from './html.ts';
import { seriesColour, seriesDash } from './palette.ts';
import { type PreparedRun, prepareRuns } from './report-run.ts';

export interface ArmView {
  arm: AblationArm;
  /** The name, cut where it is longer than a chart's label may be. */
  label: string;
  colour: string;
  dash: string;
  /** Compared with: the first of every comparison. */
  baseline: boolean;
  /** In the order of seeds, also those that failed. */
  cells: AblationCell[];
}

export interface AblationView {
  input: AblationInput;
  arms: ArmView[];
  /** By step id. */
  runs: ReadonlyMap<string, PreparedRun>;
  /** The run that a cell has for a role; undefined where it has none or it is not done. */
  runOf(cell: AblationCell, role: StepRole): PreparedRun | undefined;
}

const longestLabel = 28;

export function ablationView(input: AblationInput): AblationView {
  const runs = new Map(prepareRuns(input.runs).map((run) => [run.id, run]));
  const firsts = new Set(input.comparisons.map(({ first }) => first));
  const arms = input.arms.map(
    (arm, i): ArmView => ({
      arm,
      label: clip(arm.name, longestLabel).replace(/ … \(.*$/s, '…'),
      colour: seriesColour(i),
      dash: seriesDash(i, input.arms.length),
      baseline: firsts.size === 1 && firsts.has(arm.name),
      cells: input.seeds.flatMap(
        (seed) => input.cells.find((cell) => cell.arm === arm.name && cell.seed === seed) ?? [],
      ),
    }),
  );
  return {
    input,
    arms,
    runs,
    runOf: (cell, role) => {
      const id = cell.steps[role];
      return id === undefined ? undefined : runs.get(id);
    },
  };
}

/** The values of a measure for an arm by seed; what is missing is left out. */
export function valuesOf(arm: ArmView, measure: AblationMeasure): { seed: string; value: number }[] {
  return arm.cells.flatMap(({ seed, values }) => {
    const value = values[measure.name];
    return value === null || value === undefined || !Number.isFinite(value) ? [] : [{ seed, value }];
  });
}

export function meanOf(values: readonly { value: number }[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0) / values.length;
}

/** A setting's value in a line: JSON, cut. */
export function settingInWords(value: unknown): string {
  if (value === undefined) return '(none)';
  return clip(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)), 120);
}

/** What tells an arm from the base, in a line. */
export function differenceInWords({ differences, describe }: AblationArm): string {
  if (describe !== undefined && describe !== '') return describe;
  if (differences.length === 0) return 'the base as it is';
  return differences.map(({ path, value }) => `${path}: ${settingInWords(value)}`).join('; ');
}

/** The class of a table with a column an arm: many columns have less room each. */
export function acrossClass({ arms }: AblationView): string {
  return arms.length > 5 ? 'across dense' : 'across';
}
