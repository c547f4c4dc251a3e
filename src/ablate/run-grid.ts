/**
 * Carries a grid out: one step after another, each under its own lock, so that several grids may work on one store; a step that another process holds is
 * left for later. A step that fails ends what builds on it and nothing else. The calibration's cells come first, and without a signal the others are
 * not begun.
 */
import { DeviceLostError } from '../../trainer/gpu/gpu-errors.ts';
import { atExit } from '../core/cleanup.ts';
import { InterruptedError, messageOf, UserError } from '../core/errors.ts';
import type { Emit, ProgressEvent } from '../core/events.ts';
import { makeFolder } from '../io/atomic.ts';
import { takeLock } from '../jobs/lock.ts';
import type { AblationCalibration } from '../report/ablation-data.ts';
import { calibrationOf } from './calibration.ts';
import type { Grid, GridCell, GridStep } from './grid.ts';
import { type GridState, stateOf } from './grid-state.ts';
import { type GpuHolder, recordFailure, runStep } from './run-step.ts';
import { minutesText, StepRates } from './step-rates.ts';
import { storeSource } from './step-source.ts';
import type { StepStore } from './store.ts';

export interface RunGridOptions {
  store: StepStore;
  gpu: GpuHolder;
  emit: Emit;
  signal: AbortSignal;
  /** Run the arms although the calibration has no signal. */
  withoutSignal?: boolean;
  /** Told of every step that was done. */
  onStep?: (step: GridStep) => void;
}

export interface GridResult {
  /** Steps done by this run, and those that were there. */
  done: number;
  found: number;
  failed: { step: GridStep; error: string }[];
  /** Steps not begun because one they build on failed. */
  skipped: number;
  calibration?: AblationCalibration;
  /** The arms were not run, for want of a signal. */
  stopped: boolean;
}

/** Throws `InterruptedError` when the signal stopped it and `DeviceLostError` when the GPU is gone; what was finished is kept, and a rerun goes on. */
export async function runGrid(grid: Grid, options: RunGridOptions): Promise<GridResult> {
  const { store, emit, signal } = options;
  makeFolder(store.root);
  const failures = new Map<string, { step: GridStep; error: string }>();
  const rates = new StepRates(store);
  const first = stateOf(grid, store);
  const found = grid.steps.filter(({ id }) => store.status(id) === 'done').length;
  let done = 0;
  let waiting = false;
  emit({ kind: 'message', level: 'info', text: beginText(grid, found, first.todo.length) });
  const { cells, calibration, stopped } = await eachStage(grid, options, async (wanted) => {
    for (;;) {
      const state = stateOf(grid, store, { cells: wanted, failed: new Set(failures.keys()) });
      if (state.todo.length === 0) return;
      signal.throwIfAborted();
      const taken = takeFirst(state, store);
      if (taken === undefined) {
        if (!waiting) emit({ kind: 'message', level: 'info', text: heldText(state) });
        waiting = true;
        await pause(signal);
        continue;
      }
      waiting = false;
      const { step, lock } = taken;
      try {
        // Between the look and the lock another process may have done it.
        if (!stateOf(grid, store, { cells: wanted }).todo.includes(step)) continue;
        const ahead = stateOf(grid, store, { failed: new Set(failures.keys()) }).todo;
        const left = rates.seconds(ahead);
        emit({
          kind: 'message',
          level: 'info',
          text: `step ${first.todo.length - ahead.length + 1} of ${first.todo.length}: ${stepText(step)} (done ${found + done}, failed ${failures.size}${left === undefined ? '' : `, ${minutesText(left)} left`})`,
        });
        rates.add(await runStep(step, { ...options, emit: within(step, emit) }));
        done++;
        options.onStep?.(step);
      } catch (error) {
        if (error instanceof InterruptedError || signal.aborted) throw error;
        if (error instanceof DeviceLostError) throw error;
        await recordFailure(store, step, error);
        failures.set(step.id, { step, error: messageOf(error) });
        const { hint } = error instanceof UserError ? error : {};
        const text = `${stepText(step)} failed: ${messageOf(error)}${hint === undefined ? '' : ` (${hint})`}`;
        emit({ kind: 'message', level: 'warn', text });
      } finally {
        lock.release();
      }
    }
  }).catch((error: unknown) => {
    throw signal.aborted && !(error instanceof DeviceLostError) ? new InterruptedError() : error;
  });
  const skipped =
    stateOf(grid, store, { cells, failed: new Set(failures.keys()) }).blocked.size - failures.size;
  return {
    done,
    found,
    failed: [...failures.values()],
    skipped,
    ...(calibration === undefined ? {} : { calibration }),
    stopped,
  };
}

/** The calibration's cells, then, if it has a signal, all. */
async function eachStage(
  grid: Grid,
  { store, emit, withoutSignal = false }: RunGridOptions,
  work: (cells: readonly GridCell[]) => Promise<void>,
): Promise<{ cells: readonly GridCell[]; calibration?: AblationCalibration; stopped: boolean }> {
  if (grid.calibration === undefined) {
    await work(grid.cells);
    return { cells: grid.cells, stopped: false };
  }
  const { arm } = grid.calibration;
  const own = grid.cells.filter((cell) => cell.arm === arm);
  await work(own);
  const calibration = calibrationOf(grid, storeSource(store))!;
  emit({
    kind: 'message',
    level: calibration.outcome === 'signal' ? 'info' : 'warn',
    text: calibration.text,
  });
  const others = grid.cells.length > own.length;
  if (calibration.outcome !== 'signal' && !withoutSignal) return { cells: own, calibration, stopped: others };
  await work(grid.cells);
  return { cells: grid.cells, calibration, stopped: false };
}

/** The first step that is ready and that nobody else is at. */
function takeFirst(
  { ready }: GridState,
  store: StepStore,
): { step: GridStep; lock: { release: () => void } } | undefined {
  for (const step of ready) {
    const folder = store.folder(step.id);
    makeFolder(folder);
    try {
      const lock = takeLock(folder, 'step.lock');
      const unregister = atExit(() => lock.release());
      const release = (): void => {
        unregister();
        lock.release();
      };
      return { step, lock: { release } };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return undefined;
}

function beginText({ steps, cells }: Grid, found: number, todo: number): string {
  const shared = steps.filter(({ usedBy }) => usedBy.length > 1).length;
  return `${cells.length} runs of ${steps.length} steps, ${shared} of them shared: ${found} done before, ${todo} to do`;
}

function heldText({ ready }: GridState): string {
  return `waiting for another process, which is at ${ready.map(stepText).join(', ')}`;
}

/** Between looks at a step that another process holds. */
const pauseMs = 1000;

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, pauseMs);
    signal.addEventListener('abort', end);
  });
}

/** `grpo qa-30 seed 2`; of a step that several use, the first of them and how many more. */
export function stepText({ kind, usedBy }: GridStep): string {
  const [one, ...others] = usedBy;
  if (one === undefined) return kind;
  return `${kind} ${one.arm} seed ${one.seed}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

/** A step's own events under its name; what it says beside warnings is left to its own command. */
function within(step: GridStep, emit: Emit): Emit {
  const { arm, seed } = step.usedBy[0] ?? { arm: '', seed: '' };
  return (event: ProgressEvent) => {
    if (event.kind === 'message') {
      if (event.level === 'warn') emit({ ...event, text: `${stepText(step)}: ${event.text}` });
      return;
    }
    emit({ ...event, task: `${event.task.replace(step.id, step.kind)}, ${arm} ${seed}` });
  };
}
