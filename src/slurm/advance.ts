/**
 * Moves a job on Slurm on from its markers: looks where it stands (plan-advance.ts says what follows from that), and submits.
 *
 * Called by the launcher, by reconcile jobs and by `jobs retry`, one at a time under `slurm/advance.lock`; any of them may be killed
 * anywhere. A submission is written before sbatch is called, an id as soon as it is known.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError, UserError } from '../core/errors.ts';
import { writeFileAtomicSync } from '../io/atomic.ts';
import type { BatchJob, BatchStage, BatchSurvey } from '../jobs/batch-job.ts';
import { takeLock } from '../jobs/lock.ts';
import { elementLog } from './element-logs.ts';
import { adoptIds, hasEnded, isStranded, type NextStep, planAdvance } from './plan-advance.ts';
import { planStageArrays, type StageArrays } from './plan-arrays.ts';
import { arrayScript, reconcileScript, type ScriptPlace } from './sbatch-script.ts';
import type { Scheduler } from './scheduler.ts';
import { SchedulerError } from './scheduler-error.ts';
import { type Failure, type LaunchSettings, SlurmFolder } from './slurm-folder.ts';
import { describeSize, namePrefix, newSubmission, reconcileName, type Submission } from './submission.ts';

export interface AdvanceOptions {
  /** A person asked for it: `failed.json` and `cancelled` no longer count, nor do earlier tries. */
  fresh?: boolean;
  /** Id of the reconcile job that this runs in. */
  self?: string;
  /** What was done and is worth a line. */
  say?: (line: string) => void;
  signal?: AbortSignal;
  /** How long another process that moves the same job on is waited for. */
  patienceSeconds?: number;
}

export type Outcome =
  | { kind: 'done'; survey: BatchSurvey }
  | { kind: 'cancelled' }
  | { kind: 'failed'; failure: Failure }
  /** `submitted`: in this call. `alive`: names of arrays in the queue. */
  | { kind: 'waiting'; survey: BatchSurvey; submission: Submission; submitted: boolean };

/** Throws a `UserError` when the ledger does not balance (after writing `failed.json`), a `SchedulerError` when Slurm refuses. */
export async function advance(
  job: BatchJob,
  scheduler: Scheduler,
  options: AdvanceOptions = {},
): Promise<Outcome> {
  const folder = new SlurmFolder(job.folder);
  folder.make();
  const release = await lockAdvance(folder, options);
  try {
    return await new Advance(job, scheduler, folder, options).run();
  } finally {
    release();
  }
}

/** Waits for its turn. */
export async function lockAdvance(
  folder: SlurmFolder,
  { signal, patienceSeconds = 120 }: Pick<AdvanceOptions, 'signal' | 'patienceSeconds'>,
): Promise<() => void> {
  const began = performance.now();
  for (;;) {
    if (signal?.aborted === true) throw new InterruptedError();
    try {
      const lock = takeLock(folder.path, 'advance.lock');
      return () => lock.release();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (performance.now() - began > patienceSeconds * 1000) {
        throw new UserError(`${error.message}: it moves this job on`, {
          hint: error.hint ?? 'run the same command again',
          cause: error,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

class Advance {
  private readonly job: BatchJob;
  private readonly scheduler: Scheduler;
  private readonly folder: SlurmFolder;
  private readonly options: AdvanceOptions;
  private readonly settings: LaunchSettings;
  private readonly prefix: string;
  private readonly place: ScriptPlace;

  constructor(job: BatchJob, scheduler: Scheduler, folder: SlurmFolder, options: AdvanceOptions) {
    this.job = job;
    this.scheduler = scheduler;
    this.folder = folder;
    this.options = options;
    this.settings = folder.settings();
    this.prefix = namePrefix(job.plan, job.folder);
    this.place = { run: job.folder, logs: folder.logs, settings: this.settings };
  }

  async run(): Promise<Outcome> {
    const { job, folder, options } = this;
    if (options.fresh === true) folder.forgetEnd();
    if (folder.cancelled) return { kind: 'cancelled' };
    const failure = folder.failure(job.plan);
    if (failure !== undefined) return { kind: 'failed', failure };
    let plan = await this.plan();
    const { settle } = this.settings.options;
    if (plan.step.kind === 'give up' && settle > 0) {
      // It cannot be taken back by the reconcile job; markers that another node has just written may not show here yet.
      this.say(`nothing got done; it is looked at once more in ${settle} s, before the job is given up`);
      await sleep(settle * 1000, undefined, options.signal === undefined ? {} : { signal: options.signal });
      plan = await this.plan();
    }
    return this.carryOut(plan.step, plan.survey, plan.arrays, plan.queued);
  }

  /** What the markers, the submissions and the queue ask for. A job that is through needs no scheduler. */
  private async plan(): Promise<{
    step: NextStep;
    survey: BatchSurvey;
    arrays: StageArrays | undefined;
    queued: ReadonlySet<string>;
  }> {
    const survey = await this.survey();
    if (survey.stage === undefined)
      return { step: { kind: 'done' }, survey, arrays: undefined, queued: new Set() };
    const arrays = this.arraysOf(survey.stage);
    const { submissions, queued } = await this.look();
    const step = planAdvance({
      survey,
      arrays,
      submissions,
      queued,
      self: this.options.self,
      maxAttempts: this.settings.options.max_attempts,
      fresh: this.options.fresh === true,
    });
    return { step, survey, arrays, queued };
  }

  /** A ledger that does not balance ends the job, loudly. */
  private async survey(): Promise<BatchSurvey> {
    const stages = this.folder.stages(this.job.plan);
    try {
      return await this.job.survey(new Map([...stages].map(([name, { stage }]) => [name, stage])));
    } catch (error) {
      if (error instanceof UserError) {
        const reason = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
        this.folder.writeFailure({ plan: this.job.plan, reason, stage: null, elements: [] });
      }
      throw error;
    }
  }

  /** The ranks of a stage are decided when it is first seen. */
  private arraysOf(stage: BatchStage): StageArrays {
    const known = this.folder.stage(stage.name, this.job.plan);
    if (known !== undefined) return known;
    const { ranks, tasks_per_job } = this.settings.options;
    const arrays = planStageArrays(stage, ranks, tasks_per_job);
    this.folder.writeStage(this.job.plan, arrays);
    return arrays;
  }

  /** What the queue knows of the submissions that may be in it; ids and ends that are news are written down. */
  private async look(): Promise<{ submissions: Submission[]; queued: Set<string> }> {
    const before = this.folder.submissions(this.job.plan);
    const names = before.filter(({ ended }) => !ended).flatMap(namesOf);
    const found = names.length === 0 ? [] : await this.scheduler.queue(names);
    const ids = new Map(found.map(({ name, id }) => [name, id]));
    const stranded = found.filter(isStranded).map(({ task }) => task);
    if (stranded.length > 0) {
      this.say(`Slurm could not start ${stranded.join(', ')} and holds it; it is taken out of the queue`);
      await this.scheduler.cancel(stranded);
    }
    const queued = new Set(found.filter((job) => !isStranded(job)).map(({ name }) => name));
    const submissions = before.map((submission) => {
      if (submission.ended) return submission;
      const adopted = adoptIds(submission, ids);
      const ended = hasEnded(adopted, queued, this.options.self);
      if (adopted === submission && !ended) return submission;
      const after = { ...adopted, ended };
      this.folder.writeSubmission(after);
      return after;
    });
    return { submissions, queued };
  }

  private async carryOut(
    step: NextStep,
    survey: BatchSurvey,
    arrays: StageArrays | undefined,
    queued: ReadonlySet<string>,
  ): Promise<Outcome> {
    switch (step.kind) {
      case 'done':
        return { kind: 'done', survey };
      case 'wait':
        return { kind: 'waiting', survey, submission: step.submission, submitted: false };
      case 'reconcile': {
        const submission = await this.submitReconcile(step.submission, step.after);
        return { kind: 'waiting', survey, submission, submitted: false };
      }
      case 'complete': {
        const submission = await this.submitArrays(step.submission, step.unsent, arrays!, queued);
        return { kind: 'waiting', survey, submission, submitted: true };
      }
      case 'submit': {
        const { attempt, fresh, left } = step;
        const delay = step.again ? this.settings.options.settle : 0;
        const { size, assumed } = await this.scheduler.maxArraySize();
        if (assumed !== undefined) this.say(`arrays of at most ${size} elements are assumed: ${assumed}`);
        const about = { plan: this.job.plan, attempt, fresh, delay, maxArraySize: size };
        const intent = newSubmission(this.prefix, arrays!, about, left);
        this.folder.writeSubmission(intent);
        const all = intent.arrays.map((_, i) => i);
        const submission = await this.submitArrays(intent, all, arrays!, queued);
        return { kind: 'waiting', survey, submission, submitted: true };
      }
      case 'give up':
        return { kind: 'failed', failure: this.giveUp(step, survey.stage!) };
    }
  }

  private async submitArrays(
    submission: Submission,
    which: readonly number[],
    arrays: StageArrays,
    queued: ReadonlySet<string>,
  ): Promise<Submission> {
    let now = submission;
    // A job that has ended is not waited for: Slurm may have forgotten it and refuse.
    const running = new Set(queued);
    let stopped: SchedulerError | undefined;
    const { kind } = arrays.stage;
    const limited = this.settings.options.concurrency !== undefined;
    for (const i of which) {
      const { name } = now.arrays[i]!;
      const base = `${now.stage}.${now.attempt}${now.arrays.length === 1 ? '' : `.w${i + 1}`}`;
      const script = arrayScript(this.place, kind, now, i);
      // %n counts within one array: of several only one at a time may run then.
      const last = now.arrays[i - 1];
      const before = limited && last !== undefined && running.has(last.name) ? last.id : null;
      try {
        const id = await this.submit(`${base}.sbatch`, script, name, before === null ? [] : [before]);
        now = { ...now, arrays: now.arrays.map((array, at) => (at === i ? { ...array, id } : array)) };
        running.add(name);
        this.folder.writeSubmission(now);
      } catch (error) {
        // The queue is full: what is in it will make room, and the reconcile job submits the rest.
        const full = error instanceof SchedulerError && error.trouble === 'limit';
        if (!full || now.arrays.every(({ id }) => id === null)) throw error;
        stopped = error;
        break;
      }
    }
    const ids = now.arrays.flatMap(({ name, id }) => (id !== null && running.has(name) ? [id] : []));
    this.say(
      `submitted stage ${now.stage}${now.attempt === 1 ? '' : `, submission ${now.attempt}`}: ${describeSize(arrays, now)}, job ${ids.join(', ')}`,
    );
    if (stopped !== undefined)
      this.say(`${stopped.message}; the other arrays are submitted when these are through`);
    return this.submitReconcile(now, ids);
  }

  private async submitReconcile(submission: Submission, after: readonly string[]): Promise<Submission> {
    const name = reconcileName(this.prefix, submission);
    const number = submission.reconciles.length + 1;
    const write = (id: string | null): Submission => {
      const now = { ...submission, reconciles: [...submission.reconciles, { name, id }] };
      this.folder.writeSubmission(now);
      return now;
    };
    write(null);
    const script = reconcileScript(this.place, submission, name);
    const file = `${submission.stage}.${submission.attempt}.reconcile${number}.sbatch`;
    const now = write(await this.submit(file, script, name, after));
    this.say(`job ${now.reconciles.at(-1)!.id} goes on from there`);
    return now;
  }

  private async submit(
    file: string,
    script: string,
    name: string,
    after: readonly string[],
  ): Promise<string> {
    const path = join(this.folder.path, file);
    writeFileAtomicSync(path, script);
    return this.scheduler.submit(path, name, after);
  }

  private giveUp({ elements }: Extract<NextStep, { kind: 'give up' }>, stage: BatchStage): Failure {
    const submissions = this.folder.submissions(this.job.plan, stage.name);
    const { max_attempts } = this.settings.options;
    const failure: Failure = {
      plan: this.job.plan,
      stage: stage.name,
      reason: `stage ${stage.name} did not get through: ${elements.length === 1 ? 'an element was' : `${elements.length} elements were`} submitted ${max_attempts === 1 ? 'once' : `${max_attempts} times`} in which none of its items got done`,
      elements: elements.map((one) => ({
        ...one,
        log: elementLog(this.folder, submissions, one.element)?.path ?? null,
      })),
    };
    this.folder.writeFailure(failure);
    return failure;
  }

  private say(line: string): void {
    this.options.say?.(line);
  }
}

/** Of all jobs of a submission. */
export function namesOf({ arrays, reconciles }: Submission): string[] {
  return [...arrays, ...reconciles].map(({ name }) => name);
}
