/** One task of a recut: some row groups of one unit, read and decided. Runs on a worker thread or, for a small run, in place. */

import { readDoubles } from '../io/read-doubles.ts';
import { columnsNeeded, type Decided, type DecisionPlan, decideColumns } from './recut-decide.ts';

export type { DecisionPlan } from './recut-decide.ts';

export interface DecisionTask {
  path: string;
  /** Row groups `[first, end)`. */
  groups: [number, number];
}

export async function decideTask(plan: DecisionPlan, task: DecisionTask): Promise<Decided> {
  const names = columnsNeeded(plan);
  return decideColumns(plan, names, await readDoubles(task.path, task.groups, names));
}
