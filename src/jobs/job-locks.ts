/**
 * Who may work in the folder of a job at the same time: one run of the whole job, which holds `job.lock`; or any number of ranks and shares,
 * each under a lock of its own.
 *
 * A share takes its own lock and then looks whether `job.lock` is held; a run of the whole job takes `job.lock` and then looks whether
 * anybody else is at work. So of two that come at the same time at least one sees the other. A share waits a little for `job.lock`, which
 * is also held for a moment when a job is prepared.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { type AskScheduler, askSqueue } from './ask-squeue.ts';
import { type JobLock, liveHolder, lockName, removeDeadLock, takeLock } from './lock.ts';
import { isAlive, ownHolder, readHolder } from './lock-holder.ts';

/** `rank-2-of-8.lock` and `share-measure-03ae90b2c4d5e6f7.lock`. */
const rankLock = /^(rank-\d+-of-\d+|share-[a-z0-9-]+-[0-9a-f]{16})\.lock$/;

export interface LockHolder {
  /** The lock's file name. */
  lock: string;
  host: string;
  pid: number;
  /** Its Slurm job, if it runs under one. */
  job?: string;
  /** Undefined: it is on another host, and cannot be asked. */
  alive: boolean | undefined;
}

/** The lock of a run that does all of a job: nobody else may work in the folder, ranks and shares neither. */
export function takeJobLock(folder: string, ask: AskScheduler = askSqueue()): JobLock {
  const lock = takeLock(folder, lockName, ask);
  const rank = rankAtWork(folder, ask);
  if (rank === undefined) {
    // Of ranks that were killed.
    for (const name of rankLocks(folder)) removeDeadLock(join(folder, name), ask);
    return lock;
  }
  lock.release();
  throw new UserError(`${folder}: a rank of this job is at work in it (${rank})`, {
    hint: `wait until all ranks are through, or remove ${join(folder, rank)} if that process is gone`,
  });
}

export interface Patience {
  /** Called for every look: an answer of the scheduler is remembered for one. */
  ask?: () => AskScheduler;
  /** Milliseconds; default half a minute. */
  patience?: number;
}

/** As `takeJobLock`, but waits up to `patience` milliseconds for whoever is at work. Throws an `InterruptedError` when `signal` aborts before. */
export function waitForJobLock(
  folder: string,
  signal: AbortSignal,
  { ask = askSqueue, patience = patienceMs }: Patience = {},
): Promise<JobLock> {
  return patiently(signal, patience, () => takeJobLock(folder, ask()));
}

/** The lock of a rank or share that is at work in the folder, if any is. */
export function rankAtWork(folder: string, ask: AskScheduler = askSqueue()): string | undefined {
  return rankLocks(folder).find((name) => liveHolder(join(folder, name), ask) !== undefined);
}

/**
 * The lock of one rank. `prepare` runs under the job's lock, which is waited for: other ranks hold it only for as long as they prepare.
 * Throws a `UserError` when the rank is at work already, or a run of the whole job is.
 */
export async function takeRankLock(
  folder: string,
  { rank, ranks }: { rank: number; ranks: number },
  signal: AbortSignal,
  prepare: () => Promise<void>,
): Promise<JobLock> {
  const job = await patiently(signal, patienceMs, () => takeLock(folder));
  try {
    const own = takeLock(folder, `rank-${rank}-of-${ranks}.lock`);
    try {
      await prepare();
    } catch (error) {
      own.release();
      throw error;
    }
    return own;
  } finally {
    job.release();
  }
}

/**
 * The lock of a share of a stage: of two copies of it one gets it. Throws a `UserError` when the other has it, or a run of the whole job is at
 * work, for longer than `patience` milliseconds: a worker that Slurm has forgotten is killed when its node registers, some seconds after the
 * one that takes its place has begun. Throws an `InterruptedError` when `signal` aborts before.
 */
export async function takeShareLock(
  folder: string,
  share: { stage: string; items: readonly string[] },
  signal: AbortSignal,
  { ask = askSqueue, patience = patienceMs }: Patience = {},
): Promise<JobLock> {
  const own = await patiently(signal, patience, () => takeLock(folder, shareLockName(share), ask()));
  try {
    await patiently(signal, patience, () => {
      if (liveHolder(join(folder, lockName), ask()) === undefined) return;
      throw new UserError(`${folder}: a run of the whole job is at work in it (${lockName})`, {
        hint: `wait until it ends; if it is over, remove ${join(folder, lockName)}`,
      });
    });
  } catch (error) {
    own.release();
    throw error;
  }
  return own;
}

/** Named for what the share is of, whoever does it. */
export function shareLockName({ stage, items }: { stage: string; items: readonly string[] }): string {
  return `share-${stage}-${fingerprint([...items].sort())}.lock`;
}

/** Everyone who holds a lock of this job. */
export function holdersOf(folder: string, ask: AskScheduler = askSqueue()): LockHolder[] {
  const me = ownHolder();
  return readdirSync(folder)
    .filter((name) => name === lockName || rankLock.test(name))
    .sort()
    .flatMap((lock) => {
      const holder = readHolder(join(folder, lock));
      if (holder === undefined || holder === 'unfinished') return [];
      const { host, pid, slurm } = holder;
      const job = slurm === undefined ? {} : { job: slurm.job };
      return [{ lock, host, pid, ...job, alive: isAlive(holder, me, ask) }];
    });
}

function rankLocks(folder: string): string[] {
  return readdirSync(folder).filter((name) => rankLock.test(name));
}

const patienceMs = 30_000;

/** Tries again while a lock is held, less and less often: a look may cost a question to the scheduler. */
async function patiently<Result>(signal: AbortSignal, patience: number, take: () => Result): Promise<Result> {
  const began = Date.now();
  for (let pause = 200; ; pause = Math.min(5000, pause * 1.5)) {
    if (signal.aborted) throw new InterruptedError();
    try {
      return take();
    } catch (error) {
      if (!(error instanceof UserError) || Date.now() - began >= patience) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
