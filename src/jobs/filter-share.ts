/**
 * A share of a stage of a filter job, done by one process among many: passes over its own units, parts of the comparison, or a stage that
 * wants the folder for itself.
 *
 * Of the other units the markers are read and no file; what the share itself relies on is read and compared with its checksum. What is found
 * damaged loses its marker, so that the next survey gives the stage that makes it out again. Nothing is held in memory from one share to the next
 * but the plan and the models.
 */
import { InterruptedError, UserError } from '../core/errors.ts';
import { workerUrl } from '../io/worker-url.ts';
import { prioritySignal } from '../stages/copy-priority.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { LocalPool } from '../stages/local-pool.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { writeBenchmarkIndex } from '../stages/prepare-benchmarks.ts';
import type { SharedModels } from '../stages/shared-model.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import type { BatchShare } from './batch-job.ts';
import { checkInputs } from './check-inputs.ts';
import { concludeFilter, startFilterRun, unknownSpeed } from './conclude-filter.ts';
import { DedupBarrier, signalsOf } from './dedup-barrier.ts';
import { type BarrierResult, DedupMarkers, type EdgePart } from './dedup-markers.ts';
import { endRun } from './end-run.ts';
import { FilterProgress } from './filter-progress.ts';
import type { FilterStage } from './filter-stages.ts';
import { takeShareLock, waitForJobLock } from './job-locks.ts';
import { sweepJob } from './job-result.ts';
import { outputsIntact } from './markers.ts';
import { UnitPasses } from './unit-passes.ts';
import { type UnitState, UnitStates } from './unit-states.ts';

export interface FilterShareJob {
  folder: string;
  plan: FilterPlan;
  config: FilterConfig;
  /** Read at most once a process. */
  models(): Promise<SharedModels>;
}

type Counts = { done: number; left: number };

/** As `BatchJob.work`. */
export async function workFilterShare(job: FilterShareJob, share: BatchShare): Promise<Counts> {
  const { folder } = job;
  const work = works[share.stage as FilterStage] as Work | undefined;
  if (work === undefined) throw unknownItem(folder, `stage ${share.stage}`);
  const alone = share.stage === 'dedup' || share.stage === 'conclude';
  const nothing = { done: 0, left: share.items.length };
  try {
    const lock = await (alone
      ? waitForJobLock(folder, share.drain)
      : takeShareLock(folder, share, share.drain));
    try {
      return await work(new Share(job, share));
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof InterruptedError && share.drain.aborted) return nothing;
    throw error;
  }
}

type Work = (share: Share) => Promise<Counts>;

/** What the stages have in common. */
class Share {
  readonly folder: string;
  readonly plan: FilterPlan;
  readonly job: FilterShareJob;
  readonly share: BatchShare;
  readonly units: UnitStates;

  constructor(job: FilterShareJob, share: BatchShare) {
    this.folder = job.folder;
    this.plan = job.plan;
    this.job = job;
    this.share = share;
    this.units = new UnitStates(job.folder, job.plan, { keepLost: true });
  }

  /** The states of the share's own units. Throws a `UserError` for one that the plan does not have. */
  get own(): UnitState[] {
    const known = new Set(this.plan.units.map(({ name }) => name));
    return this.share.items.map((id) => {
      if (!known.has(id)) throw unknownItem(this.folder, `unit ${id}`);
      return this.units.of(id);
    });
  }

  /** Runs `work` with a pool that is closed afterwards. */
  async withPool<Result>(work: (pool: LocalPool) => Promise<Result>, models = false): Promise<Result> {
    const { limits } = this.job.config;
    const pool = new LocalPool({
      entry: workerUrl('unit-worker', import.meta.url),
      workers: this.share.workers,
      stallSeconds: limits.stallSeconds,
      memoryMegabytes: limits.workerMegabytes,
      signal: new AbortController().signal,
      drain: this.share.drain,
      ...(models ? { shared: await this.job.models() } : {}),
    });
    try {
      return await work(pool);
    } finally {
      await pool.close();
    }
  }

  /** The first passes of all units, as their markers tell them. */
  firstPasses(): MeasuredUnit[] {
    this.units.believe(this.units.all);
    const measured = this.units.allMeasured;
    if (measured !== undefined) return measured;
    const missing = this.units.all.filter((state) => state.measured === undefined);
    throw tooEarly(this, `${missing.length} units are not measured (${missing[0]!.unit.name})`);
  }

  /** Of `states` those with a damaged file lose the marker of their first pass. Throws when there are any. */
  async requireFiles(
    states: readonly UnitState[],
    filesOf: (unit: MeasuredUnit) => OutputFile[],
  ): Promise<void> {
    const damaged: string[] = [];
    for (const state of states) {
      if (await outputsIntact(this.folder, filesOf(state.measured!))) continue;
      await this.units.forgetMeasured(state);
      damaged.push(state.unit.name);
    }
    if (damaged.length > 0) throw toDoAgain(this, `files of the unit ${damaged.join(', ')}`, 'measured');
  }
}

async function measure(share: Share): Promise<Counts> {
  const { units, folder, plan } = share;
  const { own } = share;
  await units.takeStock(own, 'contents');
  await remeasureOutdated(share, own);
  const todo = own.filter((state) => state.measured === undefined);
  if (todo.length === 0) return { done: 0, left: 0 };
  await checkInputs(
    plan,
    todo.map(({ unit }) => unit),
  );
  await writeBenchmarkIndex(folder, plan);
  await share.withPool(async (pool) => {
    const own = { units: todo.map(({ unit }) => unit) };
    const progress = new FilterProgress(own, pool, share.share.emit);
    try {
      await new UnitPasses(units, pool, progress).measure(todo);
      progress.end();
    } finally {
      progress.stop();
    }
  }, true);
  const left = todo.filter((state) => state.measured === undefined).length;
  return { done: todo.length - left, left };
}

/**
 * A unit whose output is in place but is not what the barrier now asks for, and whose file for the second pass is gone, is measured again.
 * Which units that are takes all first passes to know, so it is asked only where there are such units at all.
 */
async function remeasureOutdated({ folder, plan, units }: Share, own: readonly UnitState[]): Promise<void> {
  const bare: UnitState[] = [];
  for (const state of own) {
    const { measured } = state;
    if (measured === undefined) continue;
    if (!(await outputsIntact(folder, [...measured.candidates, ...measured.outputs], 'sizes')))
      bare.push(state);
  }
  if (bare.length === 0) return;
  units.believe(units.all.filter((state) => !own.includes(state)));
  const measured = units.allMeasured;
  const barrier = measured && (await new DedupMarkers(folder, plan).existing(measured, 'trust'));
  if (barrier === undefined) return;
  await units.recogniseFinished(bare, barrier, 'contents');
  for (const state of bare) if (state.finished === undefined) await units.forgetMeasured(state);
}

async function compare(share: Share): Promise<Counts> {
  const measured = share.firstPasses();
  return share.withPool(async (pool) => {
    const barrier = new DedupBarrier(share.folder, share.plan, pool);
    const { markers } = barrier;
    const todo: EdgePart[] = [];
    for (const id of share.share.items) {
      const part = markers.partOf(id);
      if (part === undefined) throw unknownItem(share.folder, `part ${id}`);
      if (await markers.isCompared(part, measured, 'contents')) continue;
      if ((await markers.clusters(part.step, measured, 'trust')) === undefined) todo.push(part);
    }
    try {
      const done = await barrier.compare(todo, measured);
      return { done, left: todo.length - done };
    } catch (error) {
      // Signatures have checksums of their own; which unit's are damaged is looked for only when one did not fit.
      const steps = new Set(todo.map(({ step }) => step.name));
      await share.requireFiles(share.units.all, ({ signatures }) =>
        signatures.filter(({ step }) => steps.has(step)).map(({ file }) => file),
      );
      throw error;
    }
  });
}

async function dedup(share: Share): Promise<Counts> {
  const { plan, units } = share;
  const measured = share.firstPasses();
  const steps = plan.filter.dedup;
  return share.withPool(async (pool) => {
    const barrier = new DedupBarrier(share.folder, plan, pool);
    const { markers } = barrier;
    if ((await markers.existing(measured, 'contents')) !== undefined) return { done: 0, left: 0 };
    // What the choice reads has no checksums of its own.
    const bySignal = steps.some(({ keep }) => prioritySignal(keep) !== null);
    await share.requireFiles(units.all, (unit) => [unit.survivors, ...(bySignal ? signalsOf(unit) : [])]);
    for (const step of steps) {
      if ((await markers.clusters(step, measured, 'contents')) !== undefined) continue;
      const parts = await markers.comparedParts(step, measured, 'sizes');
      if (parts === undefined) throw tooEarly(share, `the comparison of ${step.name} is not through`);
      let damaged = 0;
      for (const part of parts) {
        if (await markers.isCompared(part, measured, 'contents')) continue;
        await markers.forgetPart(part);
        damaged++;
      }
      if (damaged > 0) throw toDoAgain(share, `${damaged} parts of the step ${step.name}`, 'compared');
    }
    await barrier.conclude(measured);
    return { done: 1, left: 0 };
  });
}

async function finish(share: Share): Promise<Counts> {
  const { units, plan, folder, own } = share;
  const measured = share.firstPasses();
  const markers = new DedupMarkers(folder, plan);
  const barrier = await markers.existing(measured, 'trust');
  if (barrier === undefined) throw tooEarly(share, 'the copies that stay are not chosen');
  await units.recogniseFinished(own, barrier, 'contents');
  const todo = own.filter((state) => state.finished === undefined);
  for (const state of todo) {
    await units.forgetFinished(state);
    await units.requireCandidates(state, 'contents');
    if (state.measured === undefined) await units.forgetMeasured(state);
  }
  await requireCopies(share, markers, barrier, todo);
  const ready = todo.filter((state) => state.measured !== undefined);
  await share.withPool((pool) => new UnitPasses(units, pool, quiet).finish(ready, barrier));
  const left = todo.filter((state) => state.finished === undefined).length;
  return { done: todo.length - left, left };
}

/** What the barrier made for these units loses its marker where it is damaged, and then this throws. */
async function requireCopies(
  share: Share,
  markers: DedupMarkers,
  { drops, clusters }: BarrierResult,
  states: readonly UnitState[],
): Promise<void> {
  const damaged = new Set<string>();
  for (const { unit } of states) {
    for (const [i, step] of share.plan.filter.dedup.entries()) {
      if (await outputsIntact(share.folder, [clusters[unit.name]![i]!])) continue;
      await markers.forgetClusters(step);
      damaged.add(`clusters of the step ${step.name}`);
    }
    const list = drops[unit.name];
    if (list === undefined || (await outputsIntact(share.folder, [list]))) continue;
    await markers.forgetChoice();
    damaged.add('drop lists');
  }
  if (damaged.size > 0) throw toDoAgain(share, [...damaged].join(', '), 'made');
}

const quiet = { measured: () => {}, failed: () => {} };

async function conclude(share: Share): Promise<Counts> {
  const { units, plan, folder } = share;
  await units.takeStock(units.all, 'sizes');
  const measured = units.allMeasured;
  if (measured === undefined) throw tooEarly(share, 'not all units are measured');
  const result = await share.withPool(async (pool): Promise<BarrierResult | undefined> => {
    const barrier = new DedupBarrier(folder, plan, pool);
    if (plan.filter.dedup.length === 0) return barrier.conclude(measured);
    return barrier.markers.existing(measured, 'sizes');
  });
  if (result === undefined) throw tooEarly(share, 'the copies that stay are not chosen');
  await units.recogniseFinished(units.all, result, 'sizes');
  const unfinished = units.all.filter((state) => state.finished === undefined);
  if (unfinished.length > 0)
    throw tooEarly(share, `${unfinished.length} units are not finished (${unfinished[0]!.unit.name})`);
  const run = startFilterRun(folder, plan, share.job.config);
  try {
    const job = await sweepJob(units, result);
    await concludeFilter(run, plan, job, { ...unknownSpeed, workers: share.share.workers });
  } catch (error) {
    endRun(run, error);
    throw error;
  }
  return { done: 1, left: 0 };
}

const works: Record<FilterStage, Work> = { measure, compare, dedup, finish, conclude };

function tooEarly({ folder, share }: Share, what: string): UserError {
  return new UserError(`${folder}: the stage ${share.stage} cannot be done yet: ${what}`, {
    hint: `go on with midtrain jobs retry ${folder}, which does the stages in order`,
  });
}

function toDoAgain({ folder }: Share, what: string, done: string): UserError {
  return new UserError(`${folder}: ${what}: damaged, to be ${done} again`, {
    hint: `go on with midtrain jobs retry ${folder}; should it be damaged once more, the disk may be failing`,
  });
}

function unknownItem(folder: string, what: string): UserError {
  return new UserError(`${folder}: its plan has no ${what}`, {
    hint: 'the job was planned anew since this share was given out; run midtrain jobs retry',
  });
}
