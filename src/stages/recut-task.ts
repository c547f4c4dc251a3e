/** One task of a recut: some row groups of one unit, read and decided. Runs on a worker thread or, for a small run, in place. */
import { columnsNeeded, type Decided, type DecisionPlan, decideColumns } from './recut-decide.ts';
import { readNumbers } from './run-signals.ts';

export type { DecisionPlan } from './recut-decide.ts';

export interface DecisionTask {
  path: string;
  /** Row groups `[first, end)`. */
  groups: [number, number];
}

export async function decideTask(plan: DecisionPlan, task: DecisionTask): Promise<Decided> {
  const names = columnsNeeded(plan);
  return decideColumns(plan, names, await readNumbers(task.path, task.groups, names));
}
