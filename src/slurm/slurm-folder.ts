/**
 * The folder `slurm/` of a run: what was asked of the cluster. Every file is written whole or not at all and carries a checksum.
 *
 *   options.json                   settled options, the program, the folder to run in
 *   <stage>.json                   which rank does which items
 *   <stage>.<attempt>.json         a submission: elements, arrays, ids
 *   <stage>.<attempt>[.w<n>].sbatch, <stage>.<attempt>.reconcile<n>.sbatch   what was handed to sbatch
 *   logs/                          of elements and reconcile jobs
 *   failed.json                    why the job was given up
 *   cancelled                      somebody does not want it to go on
 *   advance.lock                   one process at a time moves the job on
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, stableJson } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { makeFolder, writeFileAtomicSync } from '../io/atomic.ts';
import { readIfThere } from '../io/read-if-there.ts';
import type { StageArrays } from './plan-arrays.ts';
import type { SlurmOptions } from './slurm-options.ts';
import type { Submission } from './submission.ts';

/** How the job's processes are started. */
export interface LaunchSettings {
  plan: string;
  kind: 'filter' | 'mix';
  options: SlurmOptions;
  /** Absolute paths. */
  node: string;
  main: string;
  cwd: string;
}

/** Why nothing more is submitted by itself. */
export interface Failure {
  plan: string;
  reason: string;
  stage: string | null;
  /** Elements that were tried too often, with the items that are left of each and the log of its last try. */
  elements: { element: number; ranks: number[]; tries: number; left: string[]; log: string | null }[];
}

export class SlurmFolder {
  /** Of the run. */
  readonly run: string;
  /** `<run>/slurm` */
  readonly path: string;

  constructor(run: string) {
    this.run = run;
    this.path = join(run, 'slurm');
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  /** Whether the job of this folder was given to Slurm. */
  get exists(): boolean {
    return existsSync(join(this.path, 'options.json'));
  }

  make(): void {
    makeFolder(this.logs);
  }

  /** Forgets all that was asked of the cluster; logs too. */
  clear(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  settings(): LaunchSettings {
    const settings = this.read<LaunchSettings>('options.json');
    if (settings !== undefined) return settings;
    throw new UserError(`${this.run} holds no job that was given to Slurm: there is no slurm/options.json`, {
      hint: 'give the folder of a job that was started with --executor slurm',
    });
  }

  writeSettings(settings: LaunchSettings): void {
    this.write('options.json', settings);
  }

  /** Of this plan; one of another plan is none. */
  stage(name: string, plan: string): StageArrays | undefined {
    const found = this.read<StageArrays & { plan: string }>(`${name}.json`);
    if (found?.plan !== plan) return undefined;
    const { plan: _plan, ...arrays } = found;
    return arrays;
  }

  writeStage(plan: string, arrays: StageArrays): void {
    this.write(`${arrays.stage.name}.json`, { plan, ...arrays });
  }

  /** Stages that were given out, by name. */
  stages(plan: string): Map<string, StageArrays> {
    const names = this.names(/^([\w-]+)\.json$/).filter((name) => name !== 'options' && name !== 'failed');
    return new Map(
      names.flatMap((name) => {
        const arrays = this.stage(name, plan);
        return arrays === undefined ? [] : [[name, arrays] as const];
      }),
    );
  }

  /** Of one stage or of all, each stage's in the order they were made. */
  submissions(plan: string, stage?: string): Submission[] {
    return this.names(/^([\w-]+\.\d+)\.json$/)
      .map((name) => ({ name, stage: name.split('.')[0]!, attempt: Number(name.split('.')[1]) }))
      .filter((file) => stage === undefined || file.stage === stage)
      .sort((a, b) => (a.stage === b.stage ? a.attempt - b.attempt : a.stage < b.stage ? -1 : 1))
      .flatMap(({ name }) => {
        const found = this.read<Submission>(`${name}.json`);
        return found?.plan === plan ? [found] : [];
      });
  }

  writeSubmission(submission: Submission): void {
    this.write(`${submission.stage}.${submission.attempt}.json`, submission);
  }

  failure(plan: string): Failure | undefined {
    const found = this.read<Failure>('failed.json');
    return found?.plan === plan ? found : undefined;
  }

  writeFailure(failure: Failure): void {
    this.write('failed.json', failure);
  }

  get cancelled(): boolean {
    return existsSync(this.file('cancelled'));
  }

  writeCancelled(): void {
    this.make();
    writeFileSync(
      this.file('cancelled'),
      'cancelled with midtrain jobs cancel; midtrain jobs retry goes on\n',
    );
  }

  /** A person wants the job to go on. */
  forgetEnd(): void {
    for (const name of ['failed.json', 'cancelled']) rmSync(this.file(name), { force: true });
  }

  private names(pattern: RegExp): string[] {
    if (!existsSync(this.path)) return [];
    return readdirSync(this.path)
      .sort()
      .flatMap((name) => pattern.exec(name)?.[1] ?? []);
  }

  private write(name: string, value: object): void {
    writeFileAtomicSync(this.file(name), `${stableJson({ ...value, check: fingerprint(value) })}\n`);
  }

  /** Undefined when it is absent. Throws a `UserError` for a damaged file: it cannot be known what is in the queue. */
  private read<T extends object>(name: string): T | undefined {
    const path = this.file(name);
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    try {
      const { check, ...value } = JSON.parse(text) as T & { check?: unknown };
      if (check === fingerprint(value)) return value as unknown as T;
    } catch {
      // told below
    }
    throw new UserError(`${path} is damaged: it is not what was written there`, {
      hint: `see with squeue --me that no job of this run is left, remove ${this.path}, and give the same midtrain command again; what is done stays done`,
    });
  }
}
