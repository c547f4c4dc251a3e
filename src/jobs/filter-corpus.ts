/**
 * `midtrain filter` as a function: plan, take the folder's lock, run the job, leave `run.json`, `ledger.json`, `kept/`, `signals/` and
 * `dropped/` behind. `planCorpus` (plan-corpus.ts) only plans, and writes nothing; `filterRank` does one rank's share.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { InterruptedError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { makeFolder } from '../io/atomic.ts';
import { type Run, readRecord } from '../io/run-record.ts';
import { workerUrl } from '../io/worker-url.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { LocalPool } from '../stages/local-pool.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { writeBenchmarkIndex } from '../stages/prepare-benchmarks.ts';
import type { SharedModels } from '../stages/shared-model.ts';
import { readSharedModels } from '../stages/shared-models.ts';
import {
  concludeFilter,
  type FilterResult,
  type JobSpeed,
  startFilterRun,
  unknownSpeed,
} from './conclude-filter.ts';
import { endRun } from './end-run.ts';
import { FilterJob } from './filter-job.ts';
import type { FilterOptions } from './filter-options.ts';
import { FilterProgress } from './filter-progress.ts';
import { checkFolder, prepareFolder } from './job-folder.ts';
import { takeJobLock, takeRankLock } from './job-locks.ts';
import { planAloud } from './plan-corpus.ts';
import type { Rank } from './rank.ts';

export type { FilterResult } from './conclude-filter.ts';

/** Runs (or goes on with) a filter job. Throws `InterruptedError` when `signal` aborts; a rerun then goes on. */
export async function filterCorpus(config: FilterConfig, options: FilterOptions): Promise<FilterResult> {
  const begun = await begin(config, options);
  const { folder, plan, emit, signal } = begun;
  const lock = takeJobLock(folder);
  const workers = options.workers ?? availableParallelism();
  const pool = openPool(config, begun, workers);
  let run: Run | undefined;
  let progress: FilterProgress | undefined;
  try {
    const earlier = earlierSpeed(folder);
    await prepareFolder(folder, plan, config, options);
    if (signal.aborted) throw new InterruptedError();
    run = startFilterRun(folder, plan, config);
    await writeBenchmarkIndex(folder, plan);
    progress = new FilterProgress(plan, pool, emit, run.metrics);
    const job = await new FilterJob(folder, plan, pool, progress).run();
    const speed = progress.speed();
    progress.end();
    return await concludeFilter(run, plan, job, { ...(speed ?? earlier ?? unknownSpeed), workers });
  } catch (error) {
    endRun(run, error);
    throw error;
  } finally {
    progress?.stop();
    await pool.close();
    lock.release();
  }
}

export interface RankResult {
  folder: string;
  plan: FilterPlan;
  rank: Rank;
  /** Units of the job, how many of them are this rank's, and how many are through each pass, whoever did them. */
  units: number;
  own: number;
  measured: number;
  finished: number;
}

/**
 * Does one rank's share of a job in a folder that all ranks see: measures its units and, once a run without a rank has done the dedup
 * barrier, finishes them. Ranks may run at the same time on any machines; when all are through, `filterCorpus` does the rest.
 */
export async function filterRank(
  config: FilterConfig,
  options: Omit<FilterOptions, 'fresh' | 'limit'>,
  rank: Rank,
): Promise<RankResult> {
  const begun = await begin(config, options);
  const { folder, plan, emit, signal } = begun;
  const lock = await takeRankLock(folder, rank, signal, () =>
    prepareFolder(folder, plan, config, options, true),
  );
  const pool = openPool(config, begun, options.workers ?? availableParallelism());
  let progress: FilterProgress | undefined;
  try {
    await writeBenchmarkIndex(folder, plan);
    progress = new FilterProgress(plan, pool, emit);
    const counts = await new FilterJob(folder, plan, pool, progress).runRank(rank);
    progress.end();
    return { folder, plan, rank, ...counts };
  } finally {
    progress?.stop();
    await pool.close();
    lock.release();
  }
}

/** What is settled before the folder is locked. */
interface Begun {
  folder: string;
  plan: FilterPlan;
  emit: Emit;
  signal: AbortSignal;
  shared: SharedModels;
}

async function begin(config: FilterConfig, options: FilterOptions): Promise<Begun> {
  const folder = resolve(options.out);
  const emit = options.emit ?? silent;
  checkFolder(folder);
  const plan = await planAloud(config, options);
  const shared = await readSharedModels(plan.filter);
  makeFolder(folder);
  return { folder, plan, emit, signal: options.signal ?? new AbortController().signal, shared };
}

function openPool(config: FilterConfig, { plan, signal, shared }: Begun, workers: number): LocalPool {
  return new LocalPool({
    entry: workerUrl('unit-worker', import.meta.url),
    workers: plan.limit === null ? workers : 1,
    stallSeconds: config.limits.stallSeconds,
    memoryMegabytes: config.limits.workerMegabytes,
    signal,
    shared,
  });
}

/** The speed an earlier run measured, for a rerun that finds everything done. */
function earlierSpeed(folder: string): JobSpeed | undefined {
  if (!existsSync(join(folder, 'run.json'))) return undefined;
  try {
    const { documentsPerSecond, megabytesPerSecond } = readRecord(folder).summary;
    if (typeof documentsPerSecond !== 'number' || typeof megabytesPerSecond !== 'number') return undefined;
    return { documentsPerSecond, megabytesPerSecond };
  } catch {
    return undefined; // a damaged run.json is about to be replaced
  }
}
