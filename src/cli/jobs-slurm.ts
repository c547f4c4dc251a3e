/** `midtrain jobs work|reconcile|cancel|logs`: what array elements and reconcile jobs run, and what people do with a job on Slurm. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import type { BatchJob } from '../jobs/batch-job.ts';
import type { SlurmFolder } from '../slurm/slurm-folder.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { integerValue } from './parse.ts';

const folderArgument = {
  name: 'run',
  description: 'the run folder of a job on Slurm (--out)',
  required: true,
};
const nonNegative = integerValue({ min: 0 });

export const work: Command = {
  name: 'work',
  summary: 'do the share of one array element; what the scripts in slurm/ run',
  description:
    'Does the ranks of an array element, one after the other; items that are done are passed over. The first SIGTERM (time limit, requeue, ' +
    'scancel) lets it finish what it has in hand and begin nothing more; exit code 130 then says that something is left.',
  arguments: [folderArgument],
  options: [
    { flags: '--stage <name>', description: 'the stage, such as measure' },
    {
      flags: '--submission <n>',
      description: 'which submission of the stage',
      parse: integerValue({ min: 1 }),
    },
    { flags: '--element <n>', description: 'which element', parse: nonNegative },
    {
      flags: '--workers <n>',
      description: 'worker threads',
      default: 1,
      parse: integerValue({ min: 1, max: 1024 }),
    },
  ],
  examples: [
    {
      command: 'midtrain jobs work runs/filter-math-web --stage measure --submission 1 --element 3',
      what: 'what element 3 of the first submission runs',
    },
  ],
  async run(context, [run], options) {
    const stage = required(options.stage as string | undefined, '--stage', 'measure');
    const element = required(options.element as number | undefined, '--element', '0');
    const { workElement } = await import('../slurm/work-element.ts');
    const job = await open(resolve(context.cwd, run!));
    const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
    if (new SlurmFolder(job.folder).cancelled) {
      context.write(`${job.folder}: the job was cancelled; nothing is begun\n`);
      return exitCodes.interrupted;
    }
    const { signal, emit } = context;
    const result = await workElement(job, {
      stage,
      element,
      workers: options.workers as number,
      drain: signal,
      emit,
    });
    const { ranks, done, left, drained } = result;
    context.write(
      `stage ${stage}, element ${element} (rank${ranks.length === 1 ? '' : 's'} ${ranks.join(', ')}): ${done} item${done === 1 ? '' : 's'} done here, ${left} left${drained && left > 0 ? '; told to stop: what is left is submitted again' : ''}\n`,
    );
    if (left === 0) return exitCodes.done;
    return drained ? exitCodes.interrupted : exitCodes.userError;
  },
};

export const reconcile: Command = {
  name: 'reconcile',
  summary: 'move a job on Slurm on from its markers; what runs after each array',
  description:
    'Reads the markers of a job: submits again what is missing, or the next stage once everything before it is done and the ledger balances; ' +
    'after max_attempts submissions without progress it gives the job up with exit code 1. Runs by itself after every array; running it by hand does no harm.',
  arguments: [folderArgument],
  examples: [
    { command: 'midtrain jobs reconcile runs/filter-math-web', what: 'go on from what the markers say' },
  ],
  async run(context, [run]) {
    const folder = resolve(context.cwd, run!);
    const job = await open(folder);
    const [{ advance }, { SlurmScheduler, longPatience }] = await Promise.all([
      import('../slurm/advance.ts'),
      import('../slurm/slurm-scheduler.ts'),
    ]);
    const self = process.env.SLURM_JOB_ID;
    const outcome = await advance(job, new SlurmScheduler({ waits: longPatience }), {
      say: (text) => context.emit({ kind: 'message', level: 'info', text }),
      signal: context.signal,
      patienceSeconds: 600,
      ...(self === undefined ? {} : { self }),
    });
    if (outcome.kind === 'cancelled') {
      context.write(`${folder}: the job was cancelled; nothing is submitted\n`);
      return exitCodes.done;
    }
    const { conclude } = await import('./slurm-launch.ts');
    return conclude(context, job, outcome, async () => context.write(`${folder}: all stages are through\n`));
  },
};

export const cancel: Command = {
  name: 'cancel',
  summary: 'take the jobs of a run out of the queue of Slurm; what is done stays',
  description:
    'Cancels the arrays and reconcile jobs of a run. Elements at work finish what they have in hand if Slurm gives them the time. ' +
    'midtrain jobs retry, or the same midtrain command again, goes on from there.',
  arguments: [folderArgument],
  options: [jsonOption],
  examples: [{ command: 'midtrain jobs cancel runs/filter-math-web', what: 'stop a job on Slurm' }],
  async run(context, [run]) {
    const folder = await slurmFolder(resolve(context.cwd, run!), 'cancel');
    const { cancelJobs } = await import('../slurm/cancel.ts');
    const { SlurmScheduler } = await import('../slurm/slurm-scheduler.ts');
    const { plan } = folder.settings();
    if (await isThrough(folder)) {
      context.write(
        context.json
          ? `${JSON.stringify({ folder: folder.run, cancelled: [] }, null, 2)}\n`
          : `${folder.run}: the job is through; there is nothing to cancel\n`,
      );
      return exitCodes.done;
    }
    const ids = await cancelJobs(folder, plan, new SlurmScheduler(), context.signal);
    const { runWord } = await import('./slurm-text.ts');
    context.write(
      context.json
        ? `${JSON.stringify({ folder: folder.run, cancelled: ids }, null, 2)}\n`
        : `${ids.length === 0 ? 'nothing of it was in the queue; it does not go on by itself' : `cancelled: ${ids.join(', ')}`}\ngo on with: midtrain jobs retry ${runWord(folder.run, context.cwd)}\n`,
    );
    return exitCodes.done;
  },
};

/** Whether every stage is done. What cannot be told is not: then there may be something to cancel. */
async function isThrough(folder: SlurmFolder): Promise<boolean> {
  const { openBatchJob } = await import('../jobs/open-batch-job.ts');
  try {
    const job = await openBatchJob(folder.run);
    const given = new Map([...folder.stages(job.plan)].map(([name, { stage }]) => [name, stage]));
    return (await job.survey(given)).stage === undefined;
  } catch {
    return false;
  }
}

export const logs: Command = {
  name: 'logs',
  summary: 'the newest log of each array element that has something left',
  description:
    'Shows the end of the newest log of every element of the first unfinished stage that has items left; of a job that is through, nothing is left. ' +
    '--all shows those of elements that are done too.',
  arguments: [folderArgument],
  options: [
    { flags: '--stage <name>', description: 'of this stage instead' },
    { flags: '--rank <n>', description: 'of the element that does this rank', parse: nonNegative },
    { flags: '--all', description: 'of elements that are done too' },
    {
      flags: '--lines <n>',
      description: 'lines from the end of each',
      default: 20,
      parse: integerValue({ min: 1, max: 100_000 }),
    },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain jobs logs runs/filter-math-web', what: 'why something is left' },
    {
      command: 'midtrain jobs logs runs/filter-math-web --stage measure --rank 3 --lines 200',
      what: 'the log of one rank',
    },
  ],
  async run(context, [run], options) {
    const folder = await slurmFolder(resolve(context.cwd, run!), 'logs');
    const { newestLogs } = await import('../slurm/newest-logs.ts');
    const found = await newestLogs(await open(folder.run), {
      stage: options.stage as string | undefined,
      rank: options.rank as number | undefined,
      all: options.all === true,
      lines: options.lines as number,
    });
    if (context.json) context.write(`${JSON.stringify(found, null, 2)}\n`);
    else if (found.length === 0) context.write('nothing is left; --all shows the logs of what is done\n');
    for (const { stage, element, ranks, left, attempt, path, lines } of context.json ? [] : found) {
      const head = `stage ${stage}, element ${element} (rank${ranks.length === 1 ? '' : 's'} ${ranks.join(', ')}), ${left === 0 ? 'done' : `${left} left`}`;
      context.write(
        path === null
          ? `==> ${head}: no log yet\n`
          : `==> ${head}, submission ${attempt}: ${path}\n${lines.map((line) => `${line}\n`).join('')}`,
      );
    }
    return exitCodes.done;
  },
};

async function open(folder: string): Promise<BatchJob> {
  const { openBatchJob } = await import('../jobs/open-batch-job.ts');
  return openBatchJob(folder);
}

async function slurmFolder(run: string, command: string): Promise<SlurmFolder> {
  const { SlurmFolder } = await import('../slurm/slurm-folder.ts');
  const folder = new SlurmFolder(run);
  if (folder.exists) return folder;
  if (!existsSync(run))
    throw new UserError(`${run}: there is no such folder`, {
      hint: 'give the run folder of a job (--out); paths are relative to the folder you run in',
    });
  throw new UserError(`${run}: jobs ${command} is for jobs on Slurm, and there is no slurm/options.json`, {
    hint:
      command === 'cancel'
        ? 'a job on this machine is stopped with Ctrl-C where it runs; the same command goes on later'
        : 'a job on this machine tells on its terminal; midtrain jobs status says how far it is',
  });
}

function required<T>(value: T | undefined, flag: string, example: string): T {
  if (value !== undefined) return value;
  throw new UserError(`${flag} is missing`, { hint: `for example ${flag} ${example}` });
}

/** Status of a job that was given to Slurm. */
export async function statusOnSlurm(context: CommandContext, folder: string): Promise<number> {
  const [{ slurmStatus }, { SlurmScheduler }, { describeSlurmStatus }] = await Promise.all([
    import('../slurm/slurm-status.ts'),
    import('../slurm/slurm-scheduler.ts'),
    import('./slurm-text.ts'),
  ]);
  const found = await slurmStatus(await open(folder), new SlurmScheduler({ waits: [] }));
  context.write(
    context.json ? `${JSON.stringify(found, null, 2)}\n` : describeSlurmStatus(found, context.cwd),
  );
  if (found.state === 'failed') return exitCodes.userError;
  return found.losses.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}

/**
 * Another try for a job on Slurm, with its tries counted anew: what was cancelled or given up goes on, units that were lost are read again,
 * and a mended input is planned anew, as a local retry does.
 */
export async function retryOnSlurm(context: CommandContext, folder: string): Promise<number> {
  const { launchOnSlurm } = await import('./slurm-launch.ts');
  const { emit, signal } = context;
  const launch = {
    out: folder,
    fresh: false,
    prepare: async () => {
      const job = await open(folder);
      if (job.kind === 'mix') return job;
      const { readJobConfig } = await import('../jobs/job-folder.ts');
      const { prepareFilterBatch } = await import('../jobs/batch-filter.ts');
      const pipeline = join(folder, 'pipeline.yaml');
      const text = existsSync(pipeline) ? { text: readFileSync(pipeline, 'utf8') } : {};
      const { config } = readJobConfig(folder);
      return prepareFilterBatch(config, {
        out: folder,
        file: `${folder}/config.json`,
        ...text,
        emit,
        signal,
      });
    },
    reopen: async ({ kind }: BatchJob) => {
      if (kind === 'mix') return;
      const { reopenFilter } = await import('../jobs/retry-filter.ts');
      const again = await reopenFilter(folder);
      if (again.length > 0)
        emit({
          kind: 'message',
          level: 'info',
          text: `to be done again: ${again.slice(0, 5).join(', ')}${again.length > 5 ? ` and ${again.length - 5} more` : ''}`,
        });
    },
    report: async () => context.write(`${folder}: all stages are through\n`),
  };
  return launchOnSlurm(context, launch, undefined, false);
}
