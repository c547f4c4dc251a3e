/** Starts `midtrain ablate` again in a new process when the GPU is lost or its driver brings the process down; see supervise.ts. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Grid } from '../ablate/grid.ts';
import type { StepStore } from '../ablate/store.ts';
import { readRecord } from '../io/run-record.ts';
import { runAgain, supervise } from './supervise.ts';

export function superviseGrid(
  grid: Grid,
  store: StepStore,
  maxRestarts: number,
  signal: AbortSignal,
): Promise<number> {
  return supervise({
    maxRestarts,
    progress: () => progressOf(grid, store),
    lostDevice: () => grid.steps.some((step) => lost(store, step)),
    attempt: () => runAgain('--max-restarts'),
    stopped: () => signal.aborted,
    say: (line) => void process.stderr.write(`${line}\n`),
  });
}

/** Grows with every step that is done and every checkpoint within one. */
function progressOf(grid: Grid, store: StepStore): number {
  let progress = 0;
  for (const step of grid.steps) {
    if (store.status(step.id) === 'done') {
      progress += 1e9;
      continue;
    }
    const run = store.runFolder(step);
    const checkpoints = run === undefined ? '' : join(run, 'checkpoints');
    if (run === undefined || !existsSync(checkpoints)) continue;
    const steps = readdirSync(checkpoints).map((name) => Number(/\d+$/.exec(name)?.[0] ?? 0));
    progress += Math.max(0, ...steps);
  }
  return progress;
}

/** Whether a step that is not done says in its run's record that the device was lost. */
function lost(store: StepStore, step: Grid['steps'][number]): boolean {
  const run = store.runFolder(step);
  if (run === undefined || store.status(step.id) === 'done' || !existsSync(join(run, 'run.json')))
    return false;
  try {
    const { status, summary } = readRecord(run);
    return status === 'failed' && summary.failure === 'device lost';
  } catch {
    return false;
  }
}
