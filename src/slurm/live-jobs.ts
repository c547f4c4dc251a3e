/** Jobs of a run folder that are in the queue: what a local run, a fresh start or a cancel has to know of. */
import { namesOf } from './advance.ts';
import type { QueuedJob, Scheduler } from './scheduler.ts';
import { SchedulerError } from './scheduler-error.ts';
import type { SlurmFolder } from './slurm-folder.ts';

/** Arrays and reconcile jobs of every submission that may be there. `unknown`: why the scheduler could not be asked. */
export async function liveJobs(
  folder: SlurmFolder,
  plan: string,
  scheduler: Scheduler,
): Promise<{ jobs: QueuedJob[]; unknown?: SchedulerError }> {
  const names = folder
    .submissions(plan)
    .filter(({ ended }) => !ended)
    .flatMap(namesOf);
  if (names.length === 0) return { jobs: [] };
  try {
    return { jobs: await scheduler.queue(names) };
  } catch (error) {
    if (error instanceof SchedulerError) return { jobs: [], unknown: error };
    throw error;
  }
}

/** Ids, each once, in order. */
export function idsOf(jobs: readonly QueuedJob[]): string[] {
  return [...new Set(jobs.map(({ id }) => id))].sort((a, b) => Number(a) - Number(b));
}
