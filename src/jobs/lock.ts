/**
 * A lock file that a dead process does not hold.
 *
 * The file is created exclusively and holds host, process id, that process's start time and the Slurm job it runs under. Whoever finds it
 * asks whether the holder still lives (lock-holder.ts). A lock of a dead process is taken over; one of which that cannot be told is refused
 * with the cure. Taking over is guarded by `mkdir`, which only one process can win, so two that find the same dead lock cannot both get in.
 * Who may work in the folder of a job at the same time: job-locks.ts.
 *
 * Gives up: network file systems without exclusive create.
 */
import { mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { type AskScheduler, askSqueue } from './ask-squeue.ts';
import { type Holder, isAlive, ownHolder, readHolder } from './lock-holder.ts';

export const lockName = 'job.lock';

export interface JobLock {
  release(): void;
}

/** Takes the lock `name` of `folder` (which must exist) or throws a `UserError` that says who holds it. */
export function takeLock(folder: string, name = lockName, ask: AskScheduler = askSqueue()): JobLock {
  const path = join(folder, name);
  const mine = ownHolder();
  for (let attempt = 0; attempt < 200; attempt++) {
    if (create(path, mine)) return { release: () => release(path, mine) };
    const holder = readHolder(path);
    if (holder === undefined) continue; // released between the two calls
    if (holder !== 'unfinished') {
      const alive = isAlive(holder, mine, ask);
      if (alive !== false) throw held(folder, path, holder, alive);
    } else if (ageOf(path) < freshMs) {
      pause(20); // someone is writing it just now
      continue;
    }
    removeDead(path, holder);
  }
  throw new UserError(`${path}: could not take the lock of this job`, {
    hint: `remove ${path} if no other run uses this folder`,
  });
}

/** The holder of a lock, if it lives or that cannot be told. */
export function liveHolder(path: string, ask: AskScheduler): Holder | 'unfinished' | undefined {
  const holder = readHolder(path);
  if (holder === undefined) return undefined;
  if (holder === 'unfinished') return ageOf(path) < freshMs ? holder : undefined;
  return isAlive(holder, ownHolder(), ask) === false ? undefined : holder;
}

/** Removes a lock that nobody holds. */
export function removeDeadLock(path: string, ask: AskScheduler): void {
  const holder = readHolder(path);
  if (holder !== undefined && liveHolder(path, ask) === undefined) removeDead(path, holder);
}

/** A file without a record is given so long to get one. */
const freshMs = 2000;

/** Milliseconds since a file or folder was written; 0 when it is gone. */
function ageOf(path: string): number {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return written === undefined ? 0 : Date.now() - written;
}

function create(path: string, mine: Holder): boolean {
  try {
    writeFileSync(path, `${JSON.stringify(mine)}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeDead(path: string, dead: Holder | 'unfinished'): void {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    if (ageOf(guard) > 10_000)
      rmSync(guard, { recursive: true, force: true }); // its owner died inside these few lines
    else pause(20);
    return;
  }
  try {
    const now = readHolder(path);
    if (JSON.stringify(now) === JSON.stringify(dead)) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

function release(path: string, mine: Holder): void {
  const holder = readHolder(path);
  if (holder !== undefined && JSON.stringify(holder) === JSON.stringify(mine)) rmSync(path, { force: true });
}

function held(folder: string, path: string, holder: Holder, alive: boolean | undefined): UserError {
  const here = holder.host === hostname();
  const job = holder.slurm === undefined ? '' : `, Slurm job ${holder.slurm.job}`;
  const where = here ? job : ` on host ${holder.host}${job}`;
  return new UserError(`${folder}: another run (process ${holder.pid}${where}) is working in this folder`, {
    hint:
      alive === true
        ? 'wait until it ends, stop it, or choose another --out'
        : `if that run is over, remove ${path}; or choose another --out`,
  });
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
