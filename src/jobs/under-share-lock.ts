/** Work on a share of a stage with its lock held, beside other shares. */
import { atExit } from '../core/cleanup.ts';
import { InterruptedError } from '../core/errors.ts';
import type { BatchShare } from './batch-job.ts';
import { takeShareLock } from './job-locks.ts';
import type { JobLock } from './lock.ts';

/** False if the share was drained before it had its lock: nothing was done. Throws a `UserError` that says who holds the lock. */
export async function underShareLock(
  folder: string,
  { stage, items, drain }: Pick<BatchShare, 'stage' | 'items' | 'drain'>,
  work: () => Promise<void>,
): Promise<boolean> {
  let lock: JobLock;
  try {
    lock = await takeShareLock(folder, { stage, items }, drain);
  } catch (error) {
    if (error instanceof InterruptedError) return false;
    throw error;
  }
  const release = atExit(() => lock.release());
  try {
    await work();
    return true;
  } finally {
    lock.release();
    release();
  }
}
