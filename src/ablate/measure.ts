/** What a measure of an experiment is: a name, what it says to people, and a pure function of a cell's runs. */
import type { MeasureUnit } from '../report/ablation-data.ts';
import { type CellRuns, fromColumn, type Measured } from './cell-runs.ts';

export interface Measure {
  name: string;
  label: string;
  unit: MeasureUnit;
  about: string;
  /** Says something of the checkpoint that RL starts from, so arms in unlike states (decayed, constant rate) are not compared by it. */
  likeOnly: boolean;
  of: (runs: CellRuns) => Measured;
}

/** All but the name, which holds the parameters. */
export type MeasureBody = Omit<Measure, 'name'>;

/** Of measures of the RL run, in `about`. */
export const asTheyAre = 'Arms are compared as they are, whatever phase RL started from.';

/** Takes a figure from a column of the RL run. */
export function evaluated(column: string, take: Parameters<typeof fromColumn>[2]): Measure['of'] {
  return ({ grpo }) => fromColumn(grpo, column, take);
}
