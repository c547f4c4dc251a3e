/** One job on a fresh Slurm, disturbed by a test, whose result must be what this machine alone gave. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ledger } from '../../../src/core/ledger.ts';
import { type ClusterOptions, RealCluster } from '../real-cluster.ts';
import { dataHashes, type Run, runMidtrain, SlurmRun } from '../slurm-run.ts';
import type { Prepared } from './prepare.ts';
import { filterWords, mixWords } from './real-jobs.ts';

export interface TrialOptions extends ClusterOptions {
  /** `filter` if not said. */
  job?: 'filter' | 'mix';
  /** Keys of slurm.yaml; three ranks of one worker each if not said. */
  slurm?: Record<string, unknown>;
}

export class Trial extends SlurmRun {
  private readonly prepared: Prepared;
  /** Why a launcher of this trial failed, so that nothing waits for what it should have brought about. */
  private trouble: string | undefined;
  private readonly kind: 'filter' | 'mix';

  private constructor(prepared: Prepared, cluster: RealCluster, kind: 'filter' | 'mix') {
    super(cluster, join(cluster.folder, 'run'));
    this.prepared = prepared;
    this.kind = kind;
  }

  static async start(prepared: Prepared, options: TrialOptions = {}): Promise<Trial> {
    // Two processors a node, so that the elements of a stage lie on both nodes.
    const cluster = await RealCluster.start(prepared.slurm, { cpus: 2, ...options });
    const settings = { ranks: 3, poll: 0.5, grace: 20, settle: 1, ...options.slurm };
    writeFileSync(join(cluster.folder, 'slurm.yaml'), JSON.stringify(settings));
    return new Trial(prepared, cluster, options.job ?? 'filter');
  }

  get words(): string[] {
    const { folder } = this.prepared;
    const words = (this.kind === 'filter' ? filterWords : mixWords)(folder, 'unused');
    const at = words.indexOf('--out');
    return words.toSpliced(
      at,
      2,
      '--out',
      this.out,
      '--executor',
      'slurm',
      '--slurm',
      join(this.cluster.folder, 'slurm.yaml'),
    );
  }

  /** The launcher; it waits for the job's end unless told otherwise. */
  launch(...more: string[]): Run {
    const run = runMidtrain([...this.words, ...(more.length > 0 ? more : ['--wait'])], this.cluster.env);
    void run.ended.then(({ code, stderr }) => {
      if (code !== 0 && code !== null) this.trouble = `the launcher ended with ${code}: ${stderr}`;
    });
    return run;
  }

  override until<T>(look: () => T | undefined | false): Promise<T> {
    return super.until(() => {
      if (this.trouble !== undefined) throw new Error(`${this.trouble}\n${this.story()}`);
      return look();
    });
  }

  /** What the jobs and the daemons said, for a test that failed. */
  story(): string {
    const logs = join(this.out, 'slurm', 'logs');
    const texts = existsSync(logs)
      ? readdirSync(logs).map((name) => `== ${name}\n${readFileSync(join(logs, name), 'utf8').slice(-1500)}`)
      : [];
    return [...texts, `== slurmctld\n${this.cluster.logOf('slurmctld').slice(-3000)}`].join('\n');
  }

  /** Waits for the launcher. */
  async ends(run: Run): Promise<void> {
    const { code, signal, stdout, stderr } = await run.ended;
    if (code !== 0)
      throw new Error(`the launcher ended with ${code ?? signal}:\n${stdout}${stderr}\n${this.story()}`);
  }

  /** Until the job is whole or was given up, whoever moves it on. */
  async isThrough(): Promise<void> {
    await this.until(() => {
      const queue = this.cluster.attempt('squeue', '--noheader');
      return queue.status === 0 && queue.stdout.trim() === '';
    });
  }

  /** Every byte of data, a balanced ledger, nothing left behind, and `jobs status` says so. */
  async isLikeLocal(): Promise<void> {
    await this.isThrough();
    const local = dataHashes(join(this.prepared.folder, `local-${this.kind}`));
    const status = JSON.parse(await this.jobs('status', '--json')) as {
      state: string;
      ledger: Ledger | null;
    };
    expect(status.state, this.story()).toBe('done');
    expect(this.hashes()).toEqual(local);
    expect(Object.keys(local).length).toBeGreaterThan(5);
    if (this.kind === 'filter') {
      const ledger = JSON.parse(readFileSync(join(this.out, 'ledger.json'), 'utf8')) as Ledger;
      expect(ledger.in).toBe(ledger.kept + sum(ledger.dropped) + sum(ledger.failed));
      expect(ledger.in).toBeGreaterThan(200);
      expect(ledger.dropped).toHaveProperty('duplicate_exact');
    }
    const left = readdirSync(this.out, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.tmp-'),
    );
    expect(left).toEqual([]);
    expect(this.cluster.jobProcesses()).toEqual([]);
  }

  /** How Slurm's jobs ended, by its own record: `Key=value` words, one line for each element or job. */
  ended(): Record<string, string>[] {
    const lines = readFileSync(join(this.cluster.folder, 'ended.log'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) =>
      Object.fromEntries(line.split(' ').map((word) => word.split('=', 2) as [string, string])),
    );
  }

  /** Ids under which Slurm had jobs or arrays of this name. */
  idsOf(name: string): string[] {
    const own = this.ended().filter(({ Name }) => Name === name);
    return [...new Set(own.map(({ ArrayJobId, JobId }) => ArrayJobId ?? JobId!))];
  }

  /** What an element wrote, over all its starts. */
  log(stage: string, attempt: number, element: string): string {
    return readFileSync(join(this.out, 'slurm', 'logs', `${stage}.${attempt}.${element}.log`), 'utf8');
  }

  /** Programs that stand before Slurm's on the launcher's and the jobs' path. */
  wrap(name: string, script: string): void {
    const folder = join(this.cluster.folder, 'wrapped');
    if (!existsSync(folder)) {
      mkdirSync(folder);
      this.cluster.env.PATH = `${folder}:${this.cluster.env.PATH}`;
    }
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
