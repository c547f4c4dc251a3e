/**
 * Who holds a lock, and whether that process still lives.
 *
 * On this host the process is asked: its start time (Linux, /proc) tells a reused id from the holder. On another host it cannot be, but a
 * holder that runs under Slurm says under which job, and the scheduler knows whether that job still runs there. A job that runs here cannot
 * run there: what holds its lock is an earlier start of it, or of one that had the same number before Slurm lost its queue. Anything else
 * cannot be told.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AskScheduler } from './ask-squeue.ts';

export interface Holder {
  host: string;
  pid: number;
  /** Start time of the process in clock ticks since boot, where the system tells it. */
  started?: string;
  /** The Slurm job it runs under, of an array `<job>_<element>`, and its name: numbers are given again after Slurm has lost its queue. */
  slurm?: { job: string; name?: string };
}

/** This process. */
export function ownHolder(env: NodeJS.ProcessEnv = process.env): Holder {
  const started = startOf(process.pid);
  const slurm = slurmJob(env);
  return {
    host: hostname(),
    pid: process.pid,
    ...(started === undefined ? {} : { started }),
    ...(slurm === undefined ? {} : { slurm }),
  };
}

function slurmJob(env: NodeJS.ProcessEnv): Holder['slurm'] {
  const { SLURM_JOB_ID: id, SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: element } = env;
  if (id === undefined) return undefined;
  const name = env.SLURM_JOB_NAME;
  return {
    job: array === undefined || element === undefined ? id : `${array}_${element}`,
    ...(name === undefined ? {} : { name }),
  };
}

/** The holder; undefined when the file is gone; `unfinished` when it holds no record (its writer died in between). */
export function readHolder(path: string): Holder | 'unfinished' | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string') return 'unfinished';
    const { host, pid, started, slurm } = value;
    return {
      host,
      pid,
      ...(started === undefined ? {} : { started }),
      ...(typeof slurm?.job === 'string' ? { slurm } : {}),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return 'unfinished';
    throw error;
  }
}

/** Undefined: it cannot be told from here. */
export function isAlive(holder: Holder, me: Holder, ask: AskScheduler): boolean | undefined {
  if (holder.host === me.host) return isRunning(holder);
  if (holder.slurm === undefined) return undefined;
  if (holder.slurm.job === me.slurm?.job) return false;
  return ask(holder.slurm);
}

function isRunning({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // EPERM: alive, another user's
  }
  const now = startOf(pid);
  return now === undefined || started === undefined || now === started;
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
