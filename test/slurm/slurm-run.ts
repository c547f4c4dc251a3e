/** Runs midtrain for tests on a real Slurm, and tells from a run folder where a job stands, so that a kill is chosen by what is seen there. */
import '../jobs/compile-cache.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { outputHashes } from '../jobs/corpus.ts';
import { repository } from '../run-cli.ts';
import type { ClusterProcess } from './cluster-processes.ts';
import type { RealCluster } from './real-cluster.ts';

/** `MIDTRAIN_TEST_MAIN=src/main.ts`: without a build. */
const main = resolve(repository, process.env.MIDTRAIN_TEST_MAIN ?? 'src/bin/midtrain.js');

export interface Run {
  child: ChildProcess;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** Starts `midtrain <words>`. */
export function runMidtrain(words: readonly string[], env: NodeJS.ProcessEnv = process.env): Run {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: repository,
    env: { ...env, MIDTRAIN_SKIP_BUILD: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Awaited<Run['ended']>>((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** The same to its end; throws with what it said when the exit code is another one. */
export async function midtrain(
  words: readonly string[],
  env?: NodeJS.ProcessEnv,
  expected: number | null = 0,
): Promise<{ stdout: string; stderr: string }> {
  const { code, signal, stdout, stderr } = await runMidtrain(words, env).ended;
  if (code === expected) return { stdout, stderr };
  throw new Error(`midtrain ${words.join(' ')} ended with ${code ?? signal}:\n${stdout}${stderr}`);
}

/** What the executor keeps of a submission, as far as tests look at it. */
export interface SeenSubmission {
  attempt: number;
  arrays: { name: string; indexes: number[]; id: string | null }[];
  reconciles: { name: string; id: string | null }[];
}

/** A job's run folder, and the cluster it runs on. */
export class SlurmRun {
  readonly cluster: RealCluster;
  readonly out: string;

  constructor(cluster: RealCluster, out: string) {
    this.cluster = cluster;
    this.out = out;
  }

  until<T>(look: () => T | undefined | false): Promise<T> {
    return this.cluster.until(look);
  }

  /** `midtrain jobs <verb> <run>`. */
  async jobs(verb: string, ...more: string[]): Promise<string> {
    return (await midtrain(['jobs', verb, this.out, ...more], this.cluster.env)).stdout;
  }

  submission(stage: string, attempt = 1): SeenSubmission | undefined {
    const file = join(this.out, 'slurm', `${stage}.${attempt}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SeenSubmission) : undefined;
  }

  /** A submission whose jobs were all accepted. */
  submitted(stage: string, attempt = 1): SeenSubmission | undefined {
    const found = this.submission(stage, attempt);
    const ids = found === undefined ? [null] : [...found.arrays, ...found.reconciles].map(({ id }) => id);
    return found !== undefined && found.reconciles.length > 0 && !ids.includes(null) ? found : undefined;
  }

  /** How often a stage was submitted. */
  attempts(stage: string): number {
    let attempts = 0;
    while (this.submission(stage, attempts + 1) !== undefined) attempts++;
    return attempts;
  }

  /** Processes that do a share of a stage of this job. */
  workers(stage: string): ClusterProcess[] {
    return this.cluster.jobProcesses().filter(({ words }) => {
      const at = words.indexOf('work');
      return at > 0 && words[at + 1] === this.out && words[words.indexOf('--stage') + 1] === stage;
    });
  }

  /** Units of an element of a stage: how many there are, and how many are through. */
  private share(stage: 'measure' | 'finish', element: number): { units: number; through: number } {
    const file = readFileSync(join(this.out, 'slurm', `${stage}.json`), 'utf8');
    const { ranks, tasksPerJob } = JSON.parse(file) as { ranks: string[][]; tasksPerJob: number };
    const units = ranks.slice(element * tasksPerJob, (element + 1) * tasksPerJob).flat();
    const kind = stage === 'measure' ? 'measured' : 'done';
    const through = units.filter((unit) => existsSync(join(this.out, 'units', `${unit}.${kind}.json`)));
    return { units: units.length, through: through.length };
  }

  /**
   * Stops (SIGSTOP) the workers of a stage at a moment when at least `atLeast` of them run and one has some of its units done and some to do,
   * so that what happens next happens within the stage. That one comes first. `release` lets those go on that still live.
   */
  async holdWithin(
    stage: 'measure' | 'finish',
    atLeast = 1,
  ): Promise<{ workers: ClusterProcess[]; release: () => void }> {
    for (;;) {
      const workers = await this.until(() => {
        const found = this.workers(stage);
        return found.length >= atLeast && found.some((worker) => this.isWithin(stage, worker)) && found;
      });
      for (const { pid } of workers) signal(pid, 'SIGSTOP');
      const release = (): void => {
        for (const { pid } of workers) signal(pid, 'SIGCONT');
      };
      // Looked at again now that nothing moves.
      const first = workers.find((worker) => this.isWithin(stage, worker));
      if (first !== undefined)
        return { workers: [first, ...workers.filter((one) => one !== first)], release };
      release();
    }
  }

  /** A unit is done, and more are to do than the one in hand. */
  private isWithin(stage: 'measure' | 'finish', { words }: ClusterProcess): boolean {
    const { units, through } = this.share(stage, Number(words[words.indexOf('--element') + 1]));
    return through > 0 && units - through > 2;
  }

  /** sha256 of every file but those that tell of the run: clocks, locks, what was asked of the cluster. */
  hashes(): Record<string, string> {
    return dataHashes(this.out);
  }
}

/** Left out besides: what the executor keeps (slurm/, a shared mix's plan and its end), and tokens that a mix keeps to be used again. */
export function dataHashes(folder: string): Record<string, string> {
  const all = Object.entries(outputHashes(folder));
  return Object.fromEntries(
    all.filter(([path]) => !/^(slurm|cache)\/|^mix-(plan|shards|written)\.json$/.test(path)),
  );
}

/** It may have ended by itself. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
