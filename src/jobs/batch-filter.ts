/**
 * A filter job as many machines share it: prepared once, then surveyed and worked on by any process that sees its folder (batch-job.ts).
 *
 * The plan is made once and read from plan.json afterwards, whose hash is checked: a thousand ranks must not read the footers of ten thousand
 * files. The bytes are those of a local run; who does what decides nothing.
 */
import { resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { makeFolder } from '../io/atomic.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { writeBenchmarkIndex } from '../stages/prepare-benchmarks.ts';
import type { SharedModels } from '../stages/shared-model.ts';
import { readSharedModels } from '../stages/shared-models.ts';
import type { BatchJob } from './batch-job.ts';
import type { FilterOptions } from './filter-options.ts';
import { workFilterShare } from './filter-share.ts';
import { checkFolder, prepareFolder, readJobConfig, readPlan } from './job-folder.ts';
import { rankAtWork } from './job-locks.ts';
import { takeLock } from './lock.ts';
import { planAloud } from './plan-corpus.ts';
import { surveyFilter } from './survey-filter.ts';

/** The job that lies in `folder`. Throws a `UserError` when there is none, or it has a limit, which cannot be shared. */
export async function openFilterBatch(folder: string): Promise<BatchJob> {
  const plan = readPlan(folder);
  if (plan === undefined) {
    throw new UserError(`${folder} holds no filter job: there is no plan.json`, {
      hint: 'give the folder that midtrain filter wrote to (--out)',
    });
  }
  return batchOf(resolve(folder), plan, readJobConfig(folder).config);
}

/**
 * Plans the job and makes its folder ready, or finds it ready. Where ranks are at work in it already nothing is touched: the same job goes
 * on, another is refused. Throws a `UserError` for `limit`, and for `fresh` while ranks are at work.
 */
export async function prepareFilterBatch(config: FilterConfig, options: FilterOptions): Promise<BatchJob> {
  if (options.limit !== undefined) throw noLimit(options.file ?? config.name);
  const folder = resolve(options.out);
  checkFolder(folder);
  const plan = await planAloud(config, options);
  makeFolder(folder);
  const lock = takeLock(folder);
  try {
    const rank = rankAtWork(folder);
    if (rank === undefined) {
      await prepareFolder(folder, plan, config, options);
      await writeBenchmarkIndex(folder, plan);
    } else {
      if (options.fresh === true) throw atWork(folder, rank, '--fresh would delete what they write');
      if (readPlan(folder)?.hash !== plan.hash) throw atWork(folder, rank, 'it has another plan');
    }
  } finally {
    lock.release();
  }
  return batchOf(folder, plan, config);
}

function batchOf(folder: string, plan: FilterPlan, config: FilterConfig): BatchJob {
  if (plan.limit !== null) throw noLimit(folder);
  let models: Promise<SharedModels> | undefined;
  const job = {
    folder,
    plan,
    config,
    models: () => (models ??= readSharedModels(plan.filter)),
  };
  return {
    kind: 'filter',
    name: plan.name,
    folder,
    plan: plan.hash,
    survey: (stages) => surveyFilter(folder, plan, stages),
    work: (share) => workFilterShare(job, share),
  };
}

function noLimit(what: string): UserError {
  return new UserError(`${what}: a job with --limit cannot be shared: the limit counts documents in order`, {
    hint: 'run it on one machine, without --executor, or leave out --limit',
  });
}

function atWork(folder: string, rank: string, what: string): UserError {
  return new UserError(`${folder}: ranks of a job are at work in it (${rank}), and ${what}`, {
    hint: `wait until they are through, stop them with midtrain jobs cancel ${folder}, or choose another --out`,
  });
}
