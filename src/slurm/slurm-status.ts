/**
 * Where a job on Slurm stands: from its markers and submissions, and, where Slurm can be asked, from the queue. Changes nothing.
 *
 * The scheduler is only asked what it has in the queue; how far the job is the markers say, so all but that column is there without it.
 */
import type { Ledger } from '../core/ledger.ts';
import type { BatchJob, BatchSurvey } from '../jobs/batch-job.ts';
import { newestReconcileLog } from './element-logs.ts';
import { liveJobs } from './live-jobs.ts';
import { elementCount, leftByElement, ranksOf } from './plan-arrays.ts';
import type { QueuedJob, Scheduler } from './scheduler.ts';
import { type Failure, SlurmFolder } from './slurm-folder.ts';
import { triesOf } from './submission.ts';

export interface SlurmStatus {
  folder: string;
  kind: 'filter' | 'mix';
  name: string;
  plan: string;
  /**
   * `queued`: arrays, or the reconcile job that goes on from them, are in the queue; `idle`: work is left and nothing is in the queue; `unknown`: work is left and Slurm cannot be asked;
   * `partial`: done, with losses.
   */
  state: 'done' | 'partial' | 'queued' | 'idle' | 'unknown' | 'failed' | 'cancelled';
  stages: {
    name: string;
    items: number;
    done: number;
    /** 0 when the stage was not given to Slurm. */
    ranks: number;
    elements: number;
    /** Times that something of it was submitted, as far as Slurm was heard to answer. */
    submissions: number;
    /** Ids of arrays, oldest first. */
    ids: string[];
    /** Elements in the queue, by state. */
    queued: Record<string, number>;
  }[];
  /** Elements of the first stage with work left that have some of it, with how often they were tried in vain. */
  missing: { element: number; ranks: number[]; left: string[]; tries: number }[];
  queue: QueuedJob[];
  /** Why the queue could not be read. */
  queueUnknown: string | null;
  losses: BatchSurvey['losses'];
  ledger: Ledger | null;
  failure: Failure | null;
  /** Log of the newest reconcile job, if it wrote one: what it says if nothing goes on. */
  reconcileLog: string | null;
}

/** Throws a `UserError` when the ledger does not balance. */
export async function slurmStatus(job: BatchJob, scheduler: Scheduler): Promise<SlurmStatus> {
  const folder = new SlurmFolder(job.folder);
  const given = folder.stages(job.plan);
  const survey = await job.survey(new Map([...given].map(([name, { stage }]) => [name, stage])));
  const submissions = folder.submissions(job.plan);
  const { jobs, unknown } = await liveJobs(folder, job.plan, scheduler);
  const through = survey.passed.map(({ name, items }) => ({ name, items, done: items }));
  const { stage } = survey;
  const current =
    stage === undefined
      ? []
      : [
          {
            name: stage.name,
            items: stage.items.length,
            done: stage.items.length - survey.left.length,
          },
        ];
  const stages = [...through, ...current].map((one) => {
    const own = submissions.filter((submission) => submission.stage === one.name);
    const names = new Set(own.flatMap(({ arrays }) => arrays.map(({ name }) => name)));
    const arrays = given.get(one.name);
    const queued: Record<string, number> = {};
    for (const { name, task, state } of jobs)
      if (names.has(name)) queued[state] = (queued[state] ?? 0) + elementsIn(task);
    return {
      ...one,
      ranks: arrays?.ranks.length ?? 0,
      elements: arrays === undefined ? 0 : elementCount(arrays),
      submissions: own.filter((one) => one.arrays.some(({ id }) => id !== null)).length,
      ids: own.flatMap(({ arrays: sent }) => sent.flatMap(({ id }) => id ?? [])),
      queued,
    };
  });
  const arrays = stage === undefined ? undefined : given.get(stage.name);
  const own = submissions.filter((submission) => submission.stage === stage?.name);
  const missing =
    arrays === undefined
      ? []
      : [...leftByElement(arrays, survey.left)].map(([element, left]) => ({
          element,
          ranks: ranksOf(arrays, element),
          left,
          tries: triesOf(own, element, left.length),
        }));
  const failure = folder.failure(job.plan) ?? null;
  const state =
    stage === undefined
      ? survey.losses.length > 0
        ? 'partial'
        : 'done'
      : folder.cancelled
        ? 'cancelled'
        : failure !== null
          ? 'failed'
          : jobs.length > 0
            ? 'queued'
            : unknown === undefined
              ? 'idle'
              : 'unknown';
  return {
    folder: job.folder,
    kind: job.kind,
    name: job.name,
    plan: job.plan,
    state,
    stages,
    missing,
    queue: jobs,
    queueUnknown: unknown?.message ?? null,
    losses: survey.losses,
    ledger: survey.ledger ?? null,
    failure,
    reconcileLog: newestReconcileLog(folder, submissions),
  };
}

/** Elements that one line of squeue stands for: those of an array that wait are one line, `32_[9-23%2]` or `32_[0,4-7]`. */
export function elementsIn(task: string): number {
  const expression = /_\[([\d,-]+)(?:%\d+)?\]$/.exec(task)?.[1];
  if (expression === undefined) return 1;
  return expression.split(',').reduce((sum, part) => {
    const [from, to = from] = part.split('-').map(Number);
    return sum + to! - from! + 1;
  }, 0);
}
