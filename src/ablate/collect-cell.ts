/** One arm with one seed: how far it came, and the runs its measures read. Pure but for what the source reads. */
import type { AblationCell } from '../report/ablation-data.ts';
import type { CellRun, CellRuns } from './cell-runs.ts';
import type { GridCell, GridStep } from './grid.ts';
import type { StepSource } from './step-source.ts';

/** A grid's steps by id. */
export type Steps = ReadonlyMap<string, GridStep>;

/** Done when what is asked for is done: steps before it may be gone. */
export function statusOf(
  cell: GridCell,
  steps: Steps,
  source: StepSource,
): Pick<AblationCell, 'status' | 'reason'> {
  const open = cell.asked
    .flatMap((id) => steps.get(id) ?? [])
    .filter((step) => source.status(step) !== 'done');
  if (open.length === 0) return { status: 'done' };
  const seen = new Set<string>();
  const waiting = open.map(({ id }) => id);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const step = steps.get(id);
    if (step === undefined || seen.has(id) || source.status(step) === 'done') continue;
    seen.add(id);
    waiting.push(...step.reads);
  }
  const failed = [...steps.values()].find((step) => seen.has(step.id) && source.status(step) === 'failed');
  return failed === undefined
    ? { status: 'not run', reason: `${open[0]!.kind} was not run` }
    : { status: 'failed', reason: `${failed.kind} failed: ${source.error(failed) ?? 'no reason was kept'}` };
}

export function runsOf(cell: GridCell, steps: Steps, source: StepSource): CellRuns {
  const runOf = (id: string | undefined): CellRun | undefined => {
    const step = id === undefined ? undefined : steps.get(id);
    return step === undefined ? undefined : source.run(step);
  };
  const roles = Object.entries(cell.steps).flatMap(([role, id]) => {
    const run = role === 'tokenizer' ? undefined : runOf(id);
    return run === undefined ? [] : [[role, run] as const];
  });
  const evals = Object.entries(cell.evals).flatMap(([key, id]) => {
    const run = runOf(id);
    return run === undefined ? [] : [[key, run] as const];
  });
  return { ...Object.fromEntries(roles), evals: Object.fromEntries(evals) };
}
