/**
 * One job per folder: a lock file that a dead process does not hold.
 *
 * `job.lock` is created exclusively and holds host, process id and that process's start time. Whoever finds it asks whether
 * the process still lives: the start time (Linux, /proc) tells a reused id from the holder. A lock of a dead process on this
 * host is taken over; one from another host cannot be checked and is refused with the cure. Taking over is guarded by
 * `mkdir`, which only one process can win, so two that find the same dead lock cannot both get in.
 *
 * Gives up: network file systems without exclusive create.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InterruptedError, UserError } from '../core/errors.ts';

export const lockName = 'job.lock';

interface Holder {
  host: string;
  pid: number;
  /** Start time of the process in clock ticks since boot, where the system tells it. */
  started: string | undefined;
}

export interface JobLock {
  release(): void;
}

/** The lock of a run that does all of a job: nobody else may work in the folder, ranks neither. */
export function takeJobLock(folder: string): JobLock {
  const lock = takeLock(folder);
  const ranks = readdirSync(folder).filter((name) => rankLock.test(name));
  const rank = ranks.find((name) => isHeld(folder, name));
  if (rank === undefined) {
    // Of ranks that were killed: a new one needs the job's lock to take its own.
    for (const name of ranks) rmSync(join(folder, name), { force: true });
    return lock;
  }
  lock.release();
  throw new UserError(`${folder}: a rank of this job is at work in it (${rank})`, {
    hint: `wait until all ranks are through, or remove ${join(folder, rank)} if that process is gone`,
  });
}

const rankLock = /^rank-\d+-of-\d+\.lock$/;

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
  const began = Date.now();
  let job: JobLock;
  for (;;) {
    if (signal.aborted) throw new InterruptedError();
    try {
      job = takeLock(folder);
      break;
    } catch (error) {
      if (!(error instanceof UserError) || Date.now() - began > rankPatienceMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
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

const rankPatienceMs = 30_000;

/** Everyone who holds a lock of this job; `alive` undefined: on another host, where it cannot be asked. */
export function holdersOf(
  folder: string,
): { lock: string; host: string; pid: number; alive: boolean | undefined }[] {
  return readdirSync(folder)
    .filter((name) => name === lockName || rankLock.test(name))
    .sort()
    .flatMap((lock) => {
      const holder = read(join(folder, lock));
      if (holder === undefined || holder === 'unfinished') return [];
      const { host, pid } = holder;
      return [{ lock, host, pid, alive: host === hostname() ? isAlive(holder) : undefined }];
    });
}

function isHeld(folder: string, name: string): boolean {
  const holder = read(join(folder, name));
  if (holder === undefined) return false;
  if (holder === 'unfinished') return ageOf(join(folder, name)) < 2000;
  return holder.host !== hostname() || isAlive(holder);
}

/** Takes the lock `name` of `folder` (which must exist) or throws a `UserError` that says who holds it. */
export function takeLock(folder: string, name = lockName): JobLock {
  const path = join(folder, name);
  const mine: Holder = { host: hostname(), pid: process.pid, started: startOf(process.pid) };
  for (let attempt = 0; attempt < 200; attempt++) {
    if (create(path, mine)) return { release: () => release(path, mine) };
    const holder = read(path);
    if (holder === undefined) continue; // released between the two calls
    if (holder !== 'unfinished') {
      if (holder.host !== mine.host) throw held(folder, path, holder);
      if (isAlive(holder)) throw held(folder, path, holder);
    } else if (ageOf(path) < 2000) {
      pause(20); // someone is writing it just now
      continue;
    }
    takeOver(path, holder);
  }
  throw new UserError(`${path}: could not take the lock of this job`, {
    hint: `remove ${path} if no other run uses this folder`,
  });
}

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

/** The holder; undefined when the file is gone; `unfinished` when it holds no record (its writer died in between). */
function read(path: string): Holder | 'unfinished' | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    if (typeof value.pid !== 'number' || typeof value.host !== 'string') return 'unfinished';
    return { host: value.host, pid: value.pid, started: value.started };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return 'unfinished';
    throw error;
  }
}

function takeOver(path: string, dead: Holder | 'unfinished'): void {
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
    const now = read(path);
    if (JSON.stringify(now) === JSON.stringify(dead)) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

function release(path: string, mine: Holder): void {
  const holder = read(path);
  if (holder !== undefined && JSON.stringify(holder) === JSON.stringify(mine)) rmSync(path, { force: true });
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // EPERM: alive, another user's
  }
  const started = startOf(holder.pid);
  return started === undefined || holder.started === undefined || started === holder.started;
}

/** Field 22 of /proc/<pid>/stat; a zombie counts as not running. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : fields[19];
  } catch {
    return undefined;
  }
}

function held(folder: string, path: string, holder: Holder): UserError {
  const where = holder.host === hostname() ? '' : ` on host ${holder.host}`;
  return new UserError(`${folder}: another run (process ${holder.pid}${where}) is working in this folder`, {
    hint:
      holder.host === hostname()
        ? 'wait until it ends, stop it, or choose another --out'
        : `if that run is over, remove ${path}; or choose another --out`,
  });
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
