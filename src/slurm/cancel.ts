/** Takes a job's arrays and reconcile jobs out of the queue. What is done stays; `jobs retry` goes on from there. */
import { lockAdvance } from './advance.ts';
import { idsOf, liveJobs } from './live-jobs.ts';
import type { Scheduler } from './scheduler.ts';
import { SchedulerError } from './scheduler-error.ts';
import type { SlurmFolder } from './slurm-folder.ts';

/**
 * `cancelled` is written first, so that nobody submits more; then whoever is submitting now is waited for. Answers the ids that were
 * cancelled. Throws a `SchedulerError` when Slurm cannot be asked; the job does not go on all the same.
 */
export async function cancelJobs(
  folder: SlurmFolder,
  plan: string,
  scheduler: Scheduler,
  signal?: AbortSignal,
): Promise<string[]> {
  folder.writeCancelled();
  const release = await lockAdvance(folder, signal === undefined ? {} : { signal });
  try {
    folder.writeCancelled(); // a retry that held the lock took it away
    const { jobs, unknown } = await liveJobs(folder, plan, scheduler);
    if (unknown !== undefined)
      throw new SchedulerError(
        unknown.trouble,
        `nothing more of this job is submitted from now on, but what is in the queue stays there: ${unknown.message}`,
        `${unknown.hint}; then give midtrain jobs cancel again`,
        unknown,
      );
    const own = new Set(
      folder.submissions(plan).flatMap(({ reconciles }) => reconciles.map(({ name }) => name)),
    );
    // Reconcile jobs first: the end of the arrays would start them.
    for (const which of [true, false]) {
      const ids = idsOf(jobs.filter(({ name }) => own.has(name) === which));
      if (ids.length > 0) await scheduler.cancel(ids);
    }
    return idsOf(jobs);
  } finally {
    release();
  }
}
