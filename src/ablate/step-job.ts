/** What the runner of a step is given. */
import type { Gpu } from '../../trainer/gpu/device.ts';
import type { Emit } from '../core/events.ts';
import type { GridStep } from './grid.ts';
import type { Plain } from './overlay.ts';

export interface StepJob {
  step: GridStep;
  /** The step's folder in the store, absolute; it is there. */
  folder: string;
  /** The step's settings with absolute paths where other steps' outputs and own files stood. */
  settings: Plain;
  /** Opened when the first step asks for it, and the same for all. */
  gpu: () => Promise<Gpu>;
  emit: Emit;
  signal: AbortSignal;
}

/**
 * Does a step, or goes on with it; gives small figures of what came out. Throws `InterruptedError` when the signal stopped it, and then a call with the
 * same job goes on from there.
 */
export type StepRunner = (job: StepJob) => Promise<Plain>;
