/**
 * A cluster without Slurm: `sbatch`, `squeue`, `scancel` and `scontrol` on a PATH of its own (fake-slurm.js keeps their queue), and `pump`, which
 * runs the scripts as they were handed over, in the order of their dependencies, one element after the other.
 */
import '../jobs/compile-cache.ts';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repository } from '../run-cli.ts';

export interface FakeTask {
  id: string;
  name: string;
  index: number | null;
}

interface FakeJobRecord {
  id: string;
  name: string;
  script: string;
  options: Record<string, string>;
  after: string[];
  tasks: (number | null)[];
  env: Record<string, string>;
}

interface FakeQueue {
  next: number;
  jobs: FakeJobRecord[];
}

export class FakeCluster {
  readonly folder: string;
  /** For processes that should find the fake commands. */
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string, { maxArraySize = 1001 } = {}) {
    this.folder = folder;
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    const script = fileURLToPath(new URL('./fake-slurm.js', import.meta.url));
    for (const program of ['sbatch', 'squeue', 'scancel', 'scontrol']) {
      const path = join(bin, program);
      writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${script}" ${program} "$@"\n`);
      chmodSync(path, 0o755);
    }
    this.write('config.json', { maxArraySize });
    this.env = { ...process.env, FAKE_SLURM: folder, PATH: `${bin}${delimiter}${process.env.PATH}` };
  }

  /** The next `times` calls of a program end like this; `late`: after they took effect. */
  trouble(program: string, stderr: string, { times = 1, code = 1, late = false } = {}): void {
    const before = this.read<object[]>('trouble.json', []);
    this.write('trouble.json', [...before, { program, stderr, code, times, late }]);
  }

  get queue(): FakeQueue {
    return this.read<FakeQueue>('queue.json', { next: 1, jobs: [] });
  }

  get names(): string[] {
    return this.queue.jobs.map(({ name }) => name);
  }

  /** Calls of a program so far, with their arguments. */
  calls(program: string): string[][] {
    const path = join(this.folder, 'calls.log');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as string[])
      .filter(([name]) => name === program)
      .map(([, ...args]) => args);
  }

  /** The controller forgets jobs. */
  lose(which: (name: string) => boolean): void {
    const { next, jobs } = this.queue;
    this.write('queue.json', { next, jobs: jobs.filter(({ name }) => !which(name)) });
  }

  /**
   * Runs what may run until nothing may any more or `limit` tasks have run; answers their exit codes. `during` sees each process as it starts.
   */
  async pump(
    during: (task: FakeTask, child: ChildProcess) => void = () => {},
    limit = Number.POSITIVE_INFINITY,
  ): Promise<{ name: string; index: number | null; code: number | null }[]> {
    return this.each(limit, (job, index) => this.runTask(job, index, during));
  }

  private async each(
    limit: number,
    run: (job: FakeJobRecord, index: number | null) => Promise<number | null>,
  ): Promise<{ name: string; index: number | null; code: number | null }[]> {
    const ran: { name: string; index: number | null; code: number | null }[] = [];
    while (ran.length < limit) {
      const { jobs } = this.queue;
      const job = jobs.find(({ after }) => !after.some((id) => jobs.some((other) => other.id === id)));
      if (job === undefined) break;
      const index = job.tasks[0]!;
      const code = await run(job, index);
      ran.push({ name: job.name, index, code });
      const now = this.queue;
      for (const one of now.jobs)
        if (one.id === job.id) one.tasks = one.tasks.filter((task) => task !== index);
      this.write('queue.json', { ...now, jobs: now.jobs.filter(({ tasks }) => tasks.length > 0) });
    }
    return ran;
  }

  /** The same in this process: `run` gets the words after `node main` of each script. */
  async pumpWith(
    run: (words: string[], task: FakeTask) => Promise<number>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<{ name: string; index: number | null; code: number | null }[]> {
    return this.each(limit, async (job, index) => {
      const env = this.enter(job, index);
      const before = { ...process.env };
      Object.assign(process.env, env);
      try {
        return await run(this.wordsOf(job, env).slice(2), { id: job.id, name: job.name, index });
      } finally {
        for (const name of Object.keys(env)) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
    });
  }

  /** What a script hands to `exec`, as a shell reads it. */
  private wordsOf(job: FakeJobRecord, env: Record<string, string>): string[] {
    const script = join(this.folder, `run-${job.id}.sh`);
    writeFileSync(script, job.script);
    const told = execFileSync('bash', ['-c', `exec() { printf '%s\\0' "$@"; }; . "$1"`, 'bash', script], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    return told.split('\0').slice(0, -1);
  }

  private enter(job: FakeJobRecord, index: number | null): Record<string, string> {
    return {
      SLURM_JOB_ID: job.id,
      SLURM_CPUS_PER_TASK: job.options['cpus-per-task']!,
      ...(index === null ? {} : { SLURM_ARRAY_TASK_ID: String(index) }),
    };
  }

  private runTask(
    job: FakeJobRecord,
    index: number | null,
    during: (task: FakeTask, child: ChildProcess) => void,
  ): Promise<number | null> {
    const script = join(this.folder, `run-${job.id}.sh`);
    writeFileSync(script, job.script);
    const log = job.options
      .output!.replaceAll('%%', '\0')
      .replace('%a', String(index))
      .replace('%j', job.id)
      .replaceAll('\0', '%');
    const child = spawn('bash', [script], {
      cwd: job.options.chdir ?? repository,
      env: { ...job.env, ...this.enter(job, index) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (bytes: Buffer) => appendFileSync(log, bytes));
    child.stderr.on('data', (bytes: Buffer) => appendFileSync(log, bytes));
    during({ id: job.id, name: job.name, index }, child);
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code) => resolve(code));
    });
  }

  private read<T>(name: string, otherwise: T): T {
    const path = join(this.folder, name);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : otherwise;
  }

  private write(name: string, value: unknown): void {
    writeFileSync(join(this.folder, name), JSON.stringify(value));
  }
}
