/** Looks at a job on Slurm again and again, and moves it on itself: a lost reconcile job or a dead controller does not stop it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError } from '../core/errors.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import { type AdvanceOptions, advance, type Outcome } from './advance.ts';
import type { Scheduler } from './scheduler.ts';
import { SchedulerError } from './scheduler-error.ts';

export interface WaitOptions extends Pick<AdvanceOptions, 'say'> {
  /** Seconds between two looks. */
  poll: number;
  signal: AbortSignal;
  /** Called after every look. */
  seen?: (outcome: Outcome) => void;
  /** Slurm could not be asked; it is asked again after `poll`. */
  trouble?: (error: SchedulerError) => void;
}

/** Throws `InterruptedError` when `signal` is aborted; the jobs stay in the queue. */
export async function waitForEnd(
  job: BatchJob,
  scheduler: Scheduler,
  { poll, signal, seen, trouble, say }: WaitOptions,
): Promise<Exclude<Outcome, { kind: 'waiting' }>> {
  for (;;) {
    try {
      const outcome = await advance(job, scheduler, { signal, ...(say === undefined ? {} : { say }) });
      seen?.(outcome);
      if (outcome.kind !== 'waiting') return outcome;
    } catch (error) {
      const passes =
        error instanceof SchedulerError && (error.trouble === 'unreachable' || error.trouble === 'limit');
      if (!passes) throw error;
      trouble?.(error);
    }
    try {
      await sleep(poll * 1000, undefined, { signal });
    } catch {
      throw new InterruptedError();
    }
  }
}
