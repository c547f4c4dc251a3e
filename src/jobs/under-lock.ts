/** Work in a folder that nobody else may work in: makes the folder, holds its lock, and lets go of it on every way out. */
import { atExit } from '../core/cleanup.ts';
import { makeFolder } from '../io/atomic.ts';
import { takeJobLock } from './job-locks.ts';

/** Throws a `UserError` that says who holds the lock. */
export async function underLock<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  makeFolder(folder);
  const lock = takeJobLock(folder);
  const release = atExit(() => lock.release());
  try {
    return await work();
  } finally {
    lock.release();
    release();
  }
}
