/**
 * `midtrain filter` as a function: plan, take the folder's lock, run the job, leave `run.json`, `ledger.json`, `kept/` and
 * `dropped/` behind. `planCorpus` only plans, and writes nothing.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { InterruptedError, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { packageVersions } from '../io/package-root.ts';
import { planRead } from '../io/read-plan.ts';
import { type Run, readRecord, startRun } from '../io/run-record.ts';
import { type FilterConfig, resolveFilter } from '../stages/filter-config.ts';
import { readerInput } from '../stages/input-spec.ts';
import { type FilterPlan, planFilter } from '../stages/plan-filter.ts';
import { splitPages } from '../stages/split-pages.ts';
import type { OutputFile, UnitReport } from '../stages/unit-report.ts';
import { FilterJob } from './filter-job.ts';
import { FilterProgress } from './filter-progress.ts';
import { checkFolder, prepareFolder } from './job-folder.ts';
import { LocalPool } from './local-pool.ts';
import { takeLock } from './lock.ts';
import { type FilterSummary, summarise } from './summary.ts';

export interface FilterOptions {
  /** The run folder. */
  out: string;
  /** Worker threads; by default one per core. The output does not depend on it. */
  workers?: number;
  /** Read at most this many documents, in unit order. */
  limit?: number;
  /** Delete what an earlier run of another plan left in `out`. */
  fresh?: boolean;
  emit?: Emit;
  signal?: AbortSignal;
  /** The pipeline's file name, for errors, and its text, kept beside the output. */
  file?: string;
  text?: string;
}

export interface FilterResult {
  folder: string;
  plan: FilterPlan;
  summary: FilterSummary;
  outputs: OutputFile[];
  /** True when every input could be read, false when some failed (exit code 2). */
  complete: boolean;
}

/** What `filterCorpus` would do: inputs, units, rules. Reads footers and sizes, writes nothing. */
export async function planCorpus(
  config: FilterConfig,
  options: Pick<FilterOptions, 'limit' | 'file' | 'emit'> = {},
): Promise<FilterPlan> {
  const file = options.file ?? config.name;
  if (config.inputs.length === 0) {
    throw new UserError(`${file}: no inputs`, {
      hint: 'add inputs to the pipeline file or give --input <path>',
    });
  }
  const emit = options.emit ?? silent;
  const began = performance.now();
  const read = await planRead(config.inputs.map(readerInput), {
    unitBytes: config.limits.unitBytes,
    requireText: true,
    emit,
  });
  const seconds = (performance.now() - began) / 1000;
  emit({ kind: 'end', task: 'plan', done: config.inputs.length, unit: 'inputs', seconds });
  if (read.units.length === 0 && read.failures.length === 0) {
    throw new UserError(`${file}: the inputs hold no documents`, {
      hint: `looked in ${config.inputs.map((input) => input.path).join(', ')}`,
    });
  }
  return planFilter({
    name: config.name,
    filter: resolveFilter(config, file),
    limit: options.limit,
    inputs: read.inputs,
    unreadable: read.failures.map(({ file, place, problem }) => ({
      file,
      ...(place === undefined ? {} : { place }),
      problem,
    })),
    warnings: read.warnings,
    units: read.units.flatMap((unit) => splitPages(unit, config.limits.pageUnitBytes)),
    code: codeVersions(),
  });
}

/** Runs (or goes on with) a filter job. Throws `InterruptedError` when `signal` aborts; a rerun then goes on. */
export async function filterCorpus(config: FilterConfig, options: FilterOptions): Promise<FilterResult> {
  const folder = resolve(options.out);
  const emit = options.emit ?? silent;
  const signal = options.signal ?? new AbortController().signal;
  checkFolder(folder);
  const plan = await planCorpus(config, options);
  for (const { file, problem } of plan.unreadable)
    emit({ kind: 'message', level: 'warn', text: `${file}: ${problem}` });
  for (const text of plan.warnings) emit({ kind: 'message', level: 'warn', text });
  mkdirSync(folder, { recursive: true });
  const lock = takeLock(folder);
  const workers = options.workers ?? availableParallelism();
  const pool = new LocalPool({
    entry: new URL(
      import.meta.url.endsWith('.ts') ? './unit-worker.ts' : './unit-worker.js',
      import.meta.url,
    ),
    workers: plan.limit === null ? workers : 1,
    stallSeconds: config.limits.stallSeconds,
    memoryMegabytes: config.limits.workerMegabytes,
    signal,
  });
  let run: Run | undefined;
  let progress: FilterProgress | undefined;
  try {
    const earlier = earlierSpeed(folder);
    await prepareFolder(
      folder,
      plan,
      options.text ?? JSON.stringify(config, null, 2),
      options.fresh ?? false,
    );
    if (signal.aborted) throw new InterruptedError();
    run = startRun(folder, {
      command: 'filter',
      name: plan.name,
      config,
      fingerprint: plan.hash,
      inputs: plan.inputs.map(({ path, bytes, fingerprint }) => ({ path, bytes, fingerprint })),
    });
    progress = new FilterProgress(plan, pool, emit, run.metrics);
    const { reports, outputs } = await new FilterJob(folder, plan, pool, progress).run();
    const speed = progress.speed();
    progress.end();
    const result = await conclude(folder, plan, reports, outputs, workers, speed ?? earlier ?? idle);
    run.update({
      warnings: [
        ...plan.warnings,
        ...result.summary.failures.slice(0, 20).map(({ file, problem }) => `${file}: ${problem}`),
      ],
    });
    run.finish('done', { ...result.summary });
    return result;
  } catch (error) {
    run?.finish(error instanceof InterruptedError ? 'interrupted' : 'failed');
    throw error;
  } finally {
    progress?.stop();
    await pool.close();
    lock.release();
  }
}

const idle = { documentsPerSecond: 0, megabytesPerSecond: 0 };

async function conclude(
  folder: string,
  plan: FilterPlan,
  reports: readonly UnitReport[],
  outputs: OutputFile[],
  workers: number,
  speed: typeof idle,
): Promise<FilterResult> {
  const bytesOut = outputs.filter((o) => o.path.startsWith('kept')).reduce((sum, o) => sum + o.bytes, 0);
  const summary: FilterSummary = { ...summarise(plan, reports, bytesOut), ...speed, workers };
  await writeFileAtomic(
    join(folder, 'ledger.json'),
    `${JSON.stringify({ ...summary.ledger, bySource: summary.bySource }, null, 2)}\n`,
  );
  const failed = Object.values(summary.ledger.failed).reduce((a, b) => a + b, 0);
  return { folder, plan, summary, outputs, complete: failed === 0 && summary.unfinishedUnits === 0 };
}

/** The speed an earlier run measured, for a rerun that finds everything done. */
function earlierSpeed(folder: string): typeof idle | undefined {
  if (!existsSync(join(folder, 'run.json'))) return undefined;
  try {
    const { documentsPerSecond, megabytesPerSecond } = readRecord(folder).summary;
    if (typeof documentsPerSecond !== 'number' || typeof megabytesPerSecond !== 'number') return undefined;
    return { documentsPerSecond, megabytesPerSecond };
  } catch {
    return undefined; // a damaged run.json is about to be replaced
  }
}

/** Versions of what decides the output's bytes. */
function codeVersions(): Record<string, string> {
  const { node: _node, ...versions } = packageVersions([
    'apache-arrow',
    'hyparquet',
    'hyparquet-writer',
    'linkedom',
    '@mozilla/readability',
  ]);
  return versions;
}
