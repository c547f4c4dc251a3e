/**
 * A scheduler in memory: jobs run when told to (`pump`), in the order of their dependencies, by calling what a script would start. It can lose
 * jobs, kill elements, and fail at a given call.
 */
import { readFileSync } from 'node:fs';
import type { QueuedJob, Scheduler } from '../../src/slurm/scheduler.ts';
import { SchedulerError } from '../../src/slurm/scheduler-error.ts';

export interface MemoryTask {
  id: string;
  name: string;
  /** Undefined: a reconcile job. */
  index: number | undefined;
  /** Values of `--stage`, `--submission`, and the element. */
  stage: string;
  submission: number;
  element: number;
}

interface MemoryJob {
  id: string;
  name: string;
  after: string[];
  tasks: MemoryTask[];
}

export class MemoryScheduler implements Scheduler {
  private jobs: MemoryJob[] = [];
  private next = 1;
  size = 1001;
  /** Every accepted script, by job name. */
  readonly scripts = new Map<string, string>();
  readonly submitted: { id: string; name: string; after: string[]; array: string | undefined }[] = [];
  readonly cancelled: string[] = [];
  /** Tasks, such as `1_2`, that Slurm could not start and holds. */
  readonly stranded = new Set<string>();
  /** Called before a call takes effect; may throw. */
  beforeCall: (call: 'submit' | 'queue' | 'cancel', name: string) => void = () => {};
  /** Called after a submission took effect; may throw: the answer is lost. */
  afterSubmit: (name: string) => void = () => {};

  async submit(path: string, name: string, after: readonly string[]): Promise<string> {
    this.beforeCall('submit', name);
    const script = readFileSync(path, 'utf8');
    const named = /^#SBATCH --job-name=(\S+)$/m.exec(script)?.[1];
    if (named !== name) throw new Error(`the script is named ${named}, not ${name}`);
    for (const id of after)
      if (!this.jobs.some((job) => job.id === id))
        throw new SchedulerError('refused', `sbatch: error: Job dependency problem (${id})`, 'none');
    const id = String(this.next++);
    const array = /^#SBATCH --array=([^%\s]+)/m.exec(script)?.[1];
    const task = { id, name, stage: '', submission: 0, element: 0, index: undefined };
    const words = /--stage (\S+) --submission (\d+) --element "\$\(\((\d+) \+ SLURM_ARRAY_TASK_ID\)\)"/.exec(
      script,
    );
    const tasks =
      array === undefined
        ? [task]
        : indexesOf(array).map((index) => ({
            ...task,
            index,
            stage: words![1]!,
            submission: Number(words![2]),
            element: Number(words![3]) + index,
          }));
    for (const { index } of tasks)
      if (index !== undefined && index >= this.size) throw new Error(`index ${index} is too large`);
    this.jobs.push({ id, name, after: [...after], tasks });
    this.scripts.set(name, script);
    this.submitted.push({ id, name, after: [...after], array });
    this.afterSubmit(name);
    return id;
  }

  async queue(names: readonly string[]): Promise<QueuedJob[]> {
    this.beforeCall('queue', names.join(','));
    return this.jobs
      .filter(({ name }) => names.includes(name))
      .flatMap(({ id, name, tasks }) =>
        tasks.map(({ index }) => {
          const task = index === undefined ? id : `${id}_${index}`;
          const reason = this.stranded.has(task) ? 'launch failed requeued held' : 'Priority';
          return { id, task, name, state: 'PENDING', reason };
        }),
      );
  }

  async cancel(ids: readonly string[]): Promise<void> {
    this.beforeCall('cancel', ids.join(','));
    this.cancelled.push(...ids);
    for (const job of this.jobs)
      job.tasks = job.tasks.filter(({ index }) => !ids.includes(`${job.id}_${index}`));
    this.jobs = this.jobs.filter(({ id, tasks }) => !ids.includes(id) && tasks.length > 0);
  }

  async maxArraySize(): Promise<{ size: number }> {
    return { size: this.size };
  }

  /** Names of jobs in the queue. */
  get names(): string[] {
    return this.jobs.map(({ name }) => name);
  }

  /** The controller forgets jobs. */
  lose(which: (job: { id: string; name: string }) => boolean): void {
    this.jobs = this.jobs.filter((job) => !which(job));
  }

  /**
   * Runs what may run, one task after the other, until nothing may any more or `limit` tasks have run. `run` does what the script would; a
   * task that throws has failed, which changes nothing here.
   */
  async pump(run: (task: MemoryTask) => Promise<void>, limit = Number.POSITIVE_INFINITY): Promise<number> {
    let ran = 0;
    while (ran < limit) {
      const ready = this.jobs.find(
        ({ after }) => !after.some((id) => this.jobs.some((job) => job.id === id)),
      );
      const task = ready?.tasks[0];
      if (ready === undefined || task === undefined) break;
      ran++;
      await run(task).catch(() => {});
      ready.tasks.shift();
      if (ready.tasks.length === 0) this.lose((job) => job === ready);
    }
    return ran;
  }
}

/** `0-3,7` as numbers. */
export function indexesOf(expression: string): number[] {
  return expression.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return Array.from({ length: to! - from! + 1 }, (_, i) => from! + i);
  });
}
