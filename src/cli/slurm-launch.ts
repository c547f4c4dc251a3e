/**
 * `filter|mix --executor slurm`: prepares the run folder, submits the first stage (or goes on where the job is), and with `--wait` stays
 * until the end. The work itself is done by `midtrain jobs work` on the nodes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitCodes, InputError, InterruptedError, messageOf, UserError } from '../core/errors.ts';
import type { BatchJob, BatchSurvey } from '../jobs/batch-job.ts';
import type { Outcome } from '../slurm/advance.ts';
import type { Scheduler } from '../slurm/scheduler.ts';
import type { SlurmOptions } from '../slurm/slurm-options.ts';
import type { CommandContext, CommandOption } from './command.ts';
import { choiceValue } from './parse.ts';
import { runWord } from './slurm-text.ts';

export const slurmFlags: readonly CommandOption[] = [
  {
    flags: '--executor <where>',
    description:
      'local (this machine) or slurm (job arrays on a cluster whose machines all see the run folder and the inputs)',
    default: 'local',
    parse: choiceValue(['local', 'slurm']),
  },
  {
    flags: '--slurm <file>',
    description: 'with --executor slurm: partition, time, memory, ranks and so on (YAML)',
  },
  {
    flags: '--wait',
    description: 'with --executor slurm: stay until the job is done; Ctrl-C leaves it in the queue',
  },
];

export interface SlurmLaunch {
  /** The run folder. */
  out: string;
  fresh: boolean;
  /** Makes the folder ready and answers the job. */
  prepare(): Promise<BatchJob>;
  /** Has what was lost tried again; called only for a retry, when nothing of the job is in the queue. */
  reopen?(job: BatchJob): Promise<void>;
  /** Says what a job that is done came to. */
  report(survey: BatchSurvey): Promise<void>;
}

/** Whether `--executor slurm` was given. Throws for flags that need it and for those that do not go with it. */
export function wantsSlurm(
  options: Record<string, unknown>,
  without: Readonly<Record<string, string>>,
): boolean {
  if (options.executor !== 'slurm') {
    const alone = ['slurm', 'wait'].find((flag) => options[flag] !== undefined);
    if (alone === undefined) return false;
    throw new UserError(`--${alone} is for --executor slurm`, {
      hint: `add --executor slurm, or leave out --${alone}`,
    });
  }
  for (const [flag, why] of Object.entries(without)) {
    if (options[flag] !== undefined)
      throw new UserError(`--${flag} cannot be given with --executor slurm: ${why}`, {
        hint: `leave out --${flag}`,
      });
  }
  return true;
}

/** The file of `--slurm`; undefined when none is given. */
export async function readSlurmOptions(
  options: Record<string, unknown>,
  cwd: string,
): Promise<SlurmOptions | undefined> {
  const { parseSlurmOptions } = await import('../slurm/slurm-options.ts');
  const file = options.slurm as string | undefined;
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new InputError(file, `cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'check the path given to --slurm; it is relative to the folder you run in',
    });
  }
  return parseSlurmOptions(text, file);
}

/**
 * Returns the exit code; what is on standard output is one JSON document with `--json`. `asked`: undefined when no file was given, and the
 * values of an earlier launch of the same job hold.
 */
export async function launchOnSlurm(
  context: CommandContext,
  launch: SlurmLaunch,
  asked: SlurmOptions | undefined,
  wait: boolean,
): Promise<number> {
  const { advance } = await import('../slurm/advance.ts');
  const { liveJobs } = await import('../slurm/live-jobs.ts');
  const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
  const { SlurmScheduler } = await import('../slurm/slurm-scheduler.ts');
  const { SchedulerError } = await import('../slurm/scheduler-error.ts');
  const { ownProgram } = await import('../slurm/own-program.ts');
  const { defaultSlurmOptions } = await import('../slurm/slurm-options.ts');
  const scheduler = new SlurmScheduler();
  const folder = new SlurmFolder(launch.out);
  const say = (text: string): void => context.emit({ kind: 'message', level: 'info', text });
  const before = folder.exists ? folder.settings() : undefined;
  if (before !== undefined && launch.fresh) {
    await refuseUnknown(launch.out, before.plan, scheduler, 'a fresh start');
    folder.clear();
  }
  const job = await launch.prepare();
  if (before !== undefined && !launch.fresh && before.plan !== job.plan) {
    await refuseUnknown(launch.out, before.plan, scheduler, 'a job with another plan');
    folder.clear();
  }
  folder.make();
  const settled = asked ?? before?.options ?? defaultSlurmOptions();
  const program = ownProgram();
  folder.writeSettings({
    plan: job.plan,
    kind: job.kind,
    options: settled,
    node: settled.node ?? program.node,
    main: program.main,
    cwd: context.cwd,
  });
  const retry = launch.reopen !== undefined;
  if (retry) {
    const { jobs, unknown } = await liveJobs(folder, job.plan, scheduler);
    // Where Slurm cannot be asked, elements may be at work on what would be taken from them.
    if (unknown === undefined && jobs.length === 0) await launch.reopen!(job);
  }
  const ended = folder.cancelled
    ? 'was cancelled'
    : folder.failure(job.plan) === undefined
      ? ''
      : 'was given up';
  if (ended !== '') say(`this job ${ended}: it goes on where it was`);
  let outcome: Outcome;
  try {
    outcome = await advance(job, scheduler, { fresh: retry || ended !== '', say, signal: context.signal });
  } catch (error) {
    // Where there is no Slurm nothing was asked of it, and the folder is free for a local run.
    const nowhere = error instanceof SchedulerError && error.trouble === 'absent' && before === undefined;
    if (nowhere && folder.submissions(job.plan).every(({ arrays }) => arrays.every(({ id }) => id === null)))
      folder.clear();
    throw error;
  }
  if (wait && outcome.kind === 'waiting') {
    const { waitForEnd } = await import('../slurm/wait-for-end.ts');
    const watch = watcher(context);
    watch.seen(outcome);
    try {
      // It looks again by itself, so a controller that is away is told at once.
      const impatient = new SlurmScheduler({ waits: [] });
      outcome = await waitForEnd(job, impatient, {
        poll: settled.poll,
        signal: context.signal,
        say,
        ...watch,
      });
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      const { commandsFor } = await import('./slurm-text.ts');
      for (const line of [
        'the jobs stay in the queue and go on by themselves',
        ...commandsFor(job.folder, context.cwd),
      ])
        say(line);
      throw error;
    }
  }
  return conclude(context, job, outcome, launch.report);
}

/** What an outcome means for whoever waits for it. */
export async function conclude(
  context: CommandContext,
  job: BatchJob,
  outcome: Outcome,
  report: (survey: BatchSurvey) => Promise<void>,
): Promise<number> {
  const { describeFailed, describeWaiting } = await import('./slurm-text.ts');
  switch (outcome.kind) {
    case 'done':
      await report(outcome.survey);
      return outcome.survey.losses.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
    case 'failed': {
      const { text, cure } = describeFailed(outcome.failure, job.folder, context.cwd);
      throw new UserError(text, { hint: cure });
    }
    case 'cancelled':
      throw new UserError(`${job.folder}: the job was cancelled`, {
        hint: `go on with midtrain jobs retry ${runWord(job.folder, context.cwd)}`,
      });
    case 'waiting':
      context.write(
        context.json
          ? `${JSON.stringify({ folder: job.folder, state: 'queued', ...summaryOf(outcome) }, null, 2)}\n`
          : `${describeWaiting(outcome, job.folder, context.cwd).join('\n')}\n`,
      );
      return exitCodes.done;
  }
}

/**
 * A local run in a folder whose jobs are in the queue would do the same work; ranks at work hold locks, queued ones hold none. `fresh`: what
 * was asked of the cluster goes with the rest of the folder.
 */
export async function refuseWhileQueued(context: CommandContext, out: string, fresh: boolean): Promise<void> {
  if (!existsSync(join(out, 'slurm', 'options.json'))) return;
  const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
  const { SlurmScheduler } = await import('../slurm/slurm-scheduler.ts');
  const folder = new SlurmFolder(out);
  const unknown = await refuseLive(
    out,
    folder.settings().plan,
    new SlurmScheduler({ waits: [] }),
    'a local run',
  );
  if (unknown === undefined) {
    if (fresh) folder.clear();
    return;
  }
  const text = `jobs of this folder may still be in the queue of Slurm, which cannot be asked (${unknown}); each piece of work is locked while it is done`;
  context.emit({ kind: 'message', level: 'warn', text });
}

/** Throws when jobs of the folder are in the queue. Answers why that cannot be told, if so. */
async function refuseLive(
  out: string,
  plan: string,
  scheduler: Scheduler,
  what: string,
): Promise<string | undefined> {
  const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
  const { idsOf, liveJobs } = await import('../slurm/live-jobs.ts');
  const { jobs, unknown } = await liveJobs(new SlurmFolder(out), plan, scheduler);
  if (jobs.length > 0) {
    throw new UserError(
      `${out}: ${what} is not possible while its jobs are in the queue (${idsOf(jobs).join(', ')})`,
      {
        hint: `wait until they are through (midtrain jobs status), or take them out: midtrain jobs cancel ${out}`,
      },
    );
  }
  return unknown?.message;
}

/** As `refuseLive`, and where it cannot be told: what the folder knows of the queue is about to be forgotten. */
async function refuseUnknown(out: string, plan: string, scheduler: Scheduler, what: string): Promise<void> {
  const unknown = await refuseLive(out, plan, scheduler, what);
  if (unknown === undefined) return;
  throw new UserError(
    `${out}: ${what} is not possible while its jobs may be in the queue, and Slurm cannot be asked: ${unknown}`,
    { hint: 'run the same command again when squeue works, or choose another --out' },
  );
}

/** Lines for one who waits: a stage's progress when it changes, trouble when it is another than before. */
function watcher(context: CommandContext) {
  let task: { name: string; items: number; began: number } | undefined;
  let said = '';
  return {
    seen(outcome: Outcome): void {
      said = '';
      const stage = outcome.kind === 'waiting' ? outcome.survey.stage : undefined;
      if (task !== undefined && stage?.name !== task.name) {
        const seconds = (performance.now() - task.began) / 1000;
        context.emit({ kind: 'end', task: task.name, done: task.items, unit: 'items', seconds });
        task = undefined;
      }
      if (stage === undefined || outcome.kind !== 'waiting') return;
      if (task === undefined) {
        task = { name: stage.name, items: stage.items.length, began: performance.now() };
        context.emit({ kind: 'start', task: stage.name, total: stage.items.length, unit: 'items' });
      }
      context.emit({
        kind: 'progress',
        task: stage.name,
        done: stage.items.length - outcome.survey.left.length,
        total: stage.items.length,
        unit: 'items',
      });
    },
    trouble(error: Error): void {
      if (error.message === said) return;
      said = error.message;
      context.emit({ kind: 'message', level: 'warn', text: `${error.message}; asked again` });
    },
  };
}

function summaryOf({ survey, submission, submitted }: Extract<Outcome, { kind: 'waiting' }>) {
  const { stage, left } = survey;
  return {
    submitted,
    stage: stage?.name ?? null,
    items: stage?.items.length ?? 0,
    left: left.length,
    submission: submission.attempt,
    jobs: submission.arrays.map(({ name, id }) => ({ name, id })),
    reconcile: submission.reconciles.at(-1) ?? null,
  };
}
