/** Starts `midtrain ablate` again in a new process when the GPU is lost or its driver brings the process down; see supervise.ts. */
import type { Grid } from '../ablate/grid.ts';
import type { StepStore } from '../ablate/store.ts';
import { endedByLostDevice, newestStep } from './run-progress.ts';
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
    if (run !== undefined) progress += Math.max(0, newestStep(run));
  }
  return progress;
}

/** Whether a step that is not done says in its run's record that the device was lost. */
function lost(store: StepStore, step: Grid['steps'][number]): boolean {
  const run = store.runFolder(step);
  return run !== undefined && store.status(step.id) !== 'done' && endedByLostDevice(run);
}
