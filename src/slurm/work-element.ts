/** What an array element does: the ranks that fall to it, one after the other, until it is told to stop. */
import { InterruptedError, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import { elementCount, ranksOf } from './plan-arrays.ts';
import { SlurmFolder } from './slurm-folder.ts';

export interface ElementShare {
  stage: string;
  element: number;
  workers: number;
  /** Aborted: no further item is begun. */
  drain: AbortSignal;
  emit: Emit;
}

export interface ElementResult {
  ranks: number[];
  /** Items done by this call, and those of its ranks that are not done; of a rank that was not begun, or cut short, all count as left. */
  done: number;
  left: number;
  drained: boolean;
}

/** Throws a `UserError` when the stage was never given out, has no such element, or when `job.work` did for one of the ranks. */
export async function workElement(job: BatchJob, share: ElementShare): Promise<ElementResult> {
  const { stage, element, workers, drain, emit } = share;
  const arrays = new SlurmFolder(job.folder).stage(stage, job.plan);
  if (arrays === undefined) {
    throw new UserError(`${job.folder}: stage ${stage} of this job's plan was not given to Slurm`, {
      hint: 'the job may have been started anew since this was submitted; see midtrain jobs status',
    });
  }
  const ranks = ranksOf(arrays, element);
  if (ranks.length === 0) {
    const last = elementCount(arrays) - 1;
    throw new UserError(`${job.folder}: stage ${stage} has no element ${element} (there are 0 to ${last})`, {
      hint: 'this command is meant for the scripts in slurm/; see midtrain jobs status',
    });
  }
  let [done, left] = [0, 0];
  const problems: UserError[] = [];
  for (const rank of ranks) {
    const items = arrays.ranks[rank]!;
    if (drain.aborted) {
      left += items.length;
      continue;
    }
    try {
      const result = await job.work({ stage, items, workers, drain, emit });
      done += result.done;
      left += result.left;
    } catch (error) {
      // What stops one rank (another copy of it is at work, its input is gone) need not stop the next.
      if (error instanceof UserError) problems.push(error);
      else if (!(error instanceof InterruptedError)) throw error;
      left += items.length;
    }
  }
  const [problem] = problems;
  if (problem !== undefined) throw problem;
  return { ranks, done, left, drained: drain.aborted };
}
