/**
 * Slurm through its commands: sbatch, squeue, scancel, scontrol. (Slurm 22.05 to 25.05; data-engine.md 6.3)
 *
 * A controller that is away or busy is asked again after a while. An sbatch that got no answer may have been heard all the same, so before
 * it is repeated the queue is searched for its job name. Variables of the job that this runs in are kept from sbatch: they would be taken
 * for options, or reach the new job.
 */
import { execFile } from 'node:child_process';
import { shellWord } from '../report/shell-word.ts';
import type { QueuedJob, Scheduler } from './scheduler.ts';
import { absent, type CommandEnd, describeFailure, SchedulerError } from './scheduler-error.ts';

export interface SlurmSchedulerSettings {
  /** Seconds to wait before each further call to a controller that does not answer. */
  waits?: readonly number[];
  sleep?: (seconds: number) => Promise<void>;
  env?: NodeJS.ProcessEnv;
  /** A command that takes longer is ended. */
  timeoutSeconds?: number;
}

/** For a person who waits, and for a job that nobody watches. */
const shortPatience = [2, 5, 10, 20];
export const longPatience = [5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60];

/** Names and ids of one call: a command line has room for many more. */
const perCall = 200;

export class SlurmScheduler implements Scheduler {
  private readonly waits: readonly number[];
  private readonly sleep: (seconds: number) => Promise<void>;
  private readonly env: NodeJS.ProcessEnv;
  private readonly timeoutSeconds: number;

  constructor(settings: SlurmSchedulerSettings = {}) {
    this.waits = settings.waits ?? shortPatience;
    this.sleep = settings.sleep ?? ((s) => new Promise((resolve) => setTimeout(resolve, s * 1000)));
    // squeue cuts the list of an array's waiting elements after 64 characters unless it is told not to.
    this.env = { ...outsideOfJob(settings.env ?? process.env), SLURM_BITSTR_LEN: '0' };
    this.timeoutSeconds = settings.timeoutSeconds ?? 120;
  }

  async submit(path: string, name: string, after: readonly string[]): Promise<string> {
    const dependency = after.length === 0 ? [] : [`--dependency=afterany:${after.join(':')}`];
    const args = ['--parsable', ...dependency, path];
    for (let attempt = 0; ; attempt++) {
      try {
        const said = await this.once('sbatch', args);
        const id = /^(\d+)(;.*)?$/m.exec(said.trim())?.[1];
        if (id !== undefined) return id;
        throw new SchedulerError(
          'refused',
          `sbatch answered ${JSON.stringify(said.trim().slice(0, 200))} instead of the id of a job`,
          'see whether squeue lists the job, and which sbatch is on the PATH',
        );
      } catch (error) {
        if (!this.mayRepeat(error, attempt)) throw error;
        await this.sleep(this.waits[attempt]!);
        const heard = (await this.queue([name]))[0];
        if (heard !== undefined) return heard.id;
      }
    }
  }

  async queue(names: readonly string[]): Promise<QueuedJob[]> {
    const found: QueuedJob[] = [];
    for (let at = 0; at < names.length; at += perCall) {
      const some = names.slice(at, at + perCall);
      const said = await this.run('squeue', [
        '--noheader',
        '--format=%F|%i|%j|%T|%r',
        `--name=${some.join(',')}`,
      ]);
      for (const line of said.split('\n')) {
        const [id, task, name, state, ...reason] = line.trim().split('|');
        if (state === undefined || !some.includes(name!)) continue;
        found.push({ id: id!, task: task!, name: name!, state, reason: reason.join('|') });
      }
    }
    return found;
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += perCall) {
      try {
        await this.run('scancel', ids.slice(at, at + perCall));
      } catch (error) {
        // What has ended meanwhile need not be ended.
        const gone = /invalid job id|already completing or completed/i;
        if (!(error instanceof SchedulerError && gone.test(error.message))) throw error;
      }
    }
  }

  async maxArraySize(): Promise<{ size: number; assumed?: string }> {
    const usual = 1001;
    try {
      const said = await this.run('scontrol', ['show', 'config']);
      const size = Number(/^\s*MaxArraySize\s*=\s*(\d+)/m.exec(said)?.[1]);
      if (size >= 1) return { size };
      if (size === 0) {
        throw new SchedulerError(
          'refused',
          'this cluster takes no job arrays (MaxArraySize is 0 in scontrol show config)',
          'ask who runs the cluster to allow them, or leave out --executor slurm to work on this machine',
        );
      }
      return { size: usual, assumed: 'scontrol show config does not tell MaxArraySize' };
    } catch (error) {
      if (!(error instanceof SchedulerError) || error.message.startsWith('this cluster takes no'))
        throw error;
      return { size: usual, assumed: error.message };
    }
  }

  private async run(program: string, args: readonly string[]): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.once(program, args);
      } catch (error) {
        if (!this.mayRepeat(error, attempt)) throw error;
        await this.sleep(this.waits[attempt]!);
      }
    }
  }

  private mayRepeat(error: unknown, attempt: number): boolean {
    return error instanceof SchedulerError && error.trouble === 'unreachable' && attempt < this.waits.length;
  }

  private once(program: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const settings = {
        env: this.env,
        timeout: this.timeoutSeconds * 1000,
        killSignal: 'SIGKILL' as const,
        maxBuffer: 256 * 1024 * 1024,
      };
      execFile(program, [...args], settings, (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout);
          return;
        }
        if (typeof error.code === 'string') {
          reject(absent(program, error)); // ENOENT, EACCES: there is no such program
          return;
        }
        const end: CommandEnd = { code: error.code ?? null, stderr };
        const shown = args.join(' ').length > 300 ? [...args.slice(0, 3), '...'] : args;
        reject(describeFailure([program, ...shown].map(shellWord).join(' '), end));
      });
    });
  }
}

/** The environment without what Slurm tells a job about itself. */
export function outsideOfJob(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const aboutJob =
    /^(SLURMD?_(JOB|JOBID|ARRAY|TASK|STEP|NODE|NODELIST|NODENAME|NODEID|CPUS|CPU_BIND|MEM|NTASKS|NPROCS|NNODES|PROCID|LOCALID|GTIDS|RESTART|TRES|TOPOLOGY|SUBMIT|PRIO|GPUS|THREADS|DISTRIBUTION|OVERCOMMIT|EXPORT|GET_USER_ENV|HINT|OPEN_MODE|SCRIPT_CONTEXT|DEBUG)|SBATCH_(ARRAY|JOB_NAME|OUTPUT|ERROR|DEPENDENCY|SIGNAL|OPEN_MODE))/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !aboutJob.test(name)));
}
