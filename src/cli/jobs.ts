/** `midtrain jobs`: where a job stands, and another try for what failed; jobs on Slurm in jobs-slurm.ts. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import type { JobStatus } from '../jobs/job-status.ts';
import type { StagedStatus } from '../jobs/staged-status.ts';
import { type Command, jsonOption } from './command.ts';
import { reportFilter } from './describe-filter.ts';
import { aligned, count, describeLedger } from './describe-ledger.ts';
import { cancel, logs, reconcile, retryOnSlurm, statusOnSlurm, work } from './jobs-slurm.ts';
import { integerValue } from './parse.ts';

const folderArgument = {
  name: 'run',
  description: 'the folder of a filter job, or of a mixture on Slurm (--out)',
  required: true,
};

const status: Command = {
  name: 'status',
  summary: 'units through each pass, what failed, who is at work',
  description:
    'Reads the folder of a filter job and says how far it is: units measured and finished, the dedup barrier, units to be tried again ' +
    'and why, the ledger so far, and which processes work in it; of a pipeline with steps, which of them are done. Of a job on Slurm: items of each stage, what was submitted, what is in the queue, ' +
    'what is left and how often it was tried. Changes nothing. Exit code 2: some input failed or an output is damaged.',
  arguments: [folderArgument],
  options: [
    { flags: '--verify', description: 'also read every finished output and compare its checksum' },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain jobs status runs/filter-math-web', what: 'how far the job is' },
    {
      command: 'midtrain jobs status runs/filter-math-web --verify --json',
      what: 'check every output, for a script',
    },
  ],
  async run(context, [run], options) {
    const folder = resolve(context.cwd, run!);
    if (isOnSlurm(folder) && options.verify !== true) return statusOnSlurm(context, folder);
    refuseMix(folder);
    refuseRecut(folder);
    const { stagedStatus } = await import('../jobs/staged-status.ts');
    const staged = stagedStatus(folder);
    if (staged !== undefined) {
      context.write(context.json ? `${JSON.stringify(staged, null, 2)}\n` : describeStaged(staged));
      return staged.state === 'partial' ? exitCodes.someInputsFailed : exitCodes.done;
    }
    const { jobStatus } = await import('../jobs/job-status.ts');
    const found = await jobStatus(folder, { verify: options.verify === true });
    context.write(context.json ? `${JSON.stringify(found, null, 2)}\n` : describeStatus(found));
    return found.state === 'partial' || found.damaged.length > 0
      ? exitCodes.someInputsFailed
      : exitCodes.done;
  },
};

const retry: Command = {
  name: 'retry',
  summary: 'try the units again that failed or are missing',
  description:
    'Goes on with the job of a folder under the config and inputs it was started with: units that are not done, that were given up, whose ' +
    'input was partly lost or whose output is damaged are done again, everything else stays. The result is what an undisturbed run gives. ' +
    'A job on Slurm is submitted again, also one that was cancelled or given up.',
  arguments: [folderArgument],
  options: [
    {
      flags: '--workers <n>',
      description: 'worker threads (default: one per core)',
      parse: integerValue({ min: 1, max: 1024 }),
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain jobs retry runs/filter-math-web',
      what: 'after the disk was full or a file was mended',
    },
  ],
  async run(context, [run], options) {
    const folder = resolve(context.cwd, run!);
    if (isOnSlurm(folder)) {
      if (options.workers === undefined) return retryOnSlurm(context, folder);
      throw new UserError('--workers: the threads of a job on Slurm are cpus in slurm.yaml', {
        hint: 'leave out --workers; other values: the same midtrain command again with another --slurm file',
      });
    }
    refuseRecut(folder);
    if (existsSync(join(folder, 'steps.json'))) {
      throw new UserError(`${folder} holds a pipeline with steps, which goes on by its own command`, {
        hint: 'run the same midtrain filter command again: what is done is kept, what failed is tried again',
      });
    }
    const { readJobConfig } = await import('../jobs/job-folder.ts');
    const { filterCorpus } = await import('../jobs/filter-corpus.ts');
    const { config, limit } = readJobConfig(folder);
    const workers = options.workers as number | undefined;
    const pipeline = `${folder}/pipeline.yaml`;
    const result = await filterCorpus(config, {
      out: folder,
      file: `${folder}/config.json`,
      // The copy of the pipeline file is for people; the job itself needs config.json alone.
      ...(existsSync(pipeline) ? { text: readFileSync(pipeline, 'utf8') } : {}),
      emit: context.emit,
      signal: context.signal,
      ...(limit === null ? {} : { limit }),
      ...(workers === undefined ? {} : { workers }),
    });
    reportFilter(context, result.folder, result.summary);
    return result.complete ? exitCodes.done : exitCodes.someInputsFailed;
  },
};

export const command: Command = {
  name: 'jobs',
  summary: 'where a job stands, its logs and end on Slurm, another try for what failed',
  description:
    'A job lives in its run folder: these commands look into it and go on with it. Of jobs on Slurm (--executor slurm) too: what is done the ' +
    'markers in the folder say, never the memory of the scheduler.',
  subcommands: [status, retry, cancel, logs, work, reconcile],
  examples: [{ command: 'midtrain jobs status runs/filter-math-web', what: 'how far the job is' }],
  run: async () => exitCodes.userError,
};

/** Outputs of a mixture are checked by the mixture. */
function refuseMix(folder: string): void {
  if (!isOnSlurm(folder) || existsSync(join(folder, 'plan.json'))) return;
  throw new UserError(`${folder}: --verify is for filter jobs`, {
    hint: 'leave out --verify; midtrain mix checks the files of a finished mixture when it is given the same command',
  });
}

/** Whether the job was given to Slurm. */
function isOnSlurm(folder: string): boolean {
  return existsSync(join(folder, 'slurm', 'options.json'));
}

/** A written recut has the plan of a job and none of its units: it was written whole, or is not there. */
function refuseRecut(folder: string): void {
  if (existsSync(join(folder, 'config.json'))) return;
  let source: unknown;
  try {
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as {
      config?: { recut?: unknown };
    };
    source = record.config?.recut;
  } catch {
    return; // no run of ours: the reader of plans says so
  }
  if (typeof source !== 'string') return;
  throw new UserError(
    `${folder} is a written recut of ${source}: it is whole, and there is nothing to go on with`,
    {
      hint: `look at it with midtrain inspect ${folder}, or at its job with midtrain jobs status ${source}`,
    },
  );
}

function describeStaged({ folder, name, state, steps, paid, holders }: StagedStatus): string {
  const rows = steps.map((step) => [
    step.name,
    step.step,
    step.state,
    step.ledger === null ? '' : `${count(step.ledger.in)} in, ${count(step.ledger.kept)} out`,
  ]);
  const lines = [
    `${name} in ${folder}: ${state}`,
    ...aligned(rows, [0, 1, 2, 3]).map((line) => `  ${line.trimEnd()}`),
    ...holdersText(holders),
  ];
  if (paid.requests > 0)
    lines.push(
      `paid: ${count(paid.requests)} requests, ${count(paid.promptTokens)} tokens sent, ${count(paid.completionTokens)} received`,
    );
  const job = steps.find(({ step, state: at }) => step === 'filter' && at !== 'open');
  if (job !== undefined) lines.push(`one step's units: midtrain jobs status ${join(folder, job.name)}`);
  if (state !== 'done' && state !== 'running')
    lines.push('go on with: the same midtrain filter command again');
  return `${lines.join('\n')}\n`;
}

function holdersText(holders: JobStatus['holders']): string[] {
  return holders.map(
    ({ lock, host, pid, alive }) =>
      `  ${lock}: process ${pid} on ${host}${alive === false ? ', which is gone' : alive === true ? ', at work' : ''}`,
  );
}

function describeStatus(found: JobStatus): string {
  const { dedup } = found;
  const lines = [
    `${found.name} in ${found.folder} (plan ${found.plan}): ${found.state}`,
    `  measured  ${count(found.measured)} of ${count(found.units)} units`,
    ...(dedup.steps === 0
      ? []
      : [`  dedup     ${dedup.done} of ${dedup.steps} steps${dedup.chosen ? ', copies chosen' : ''}`]),
    `  finished  ${count(found.finished)} of ${count(found.units)} units`,
    ...holdersText(found.holders),
    ...describeLedger(found.ledger),
  ];
  for (const { unit, failures } of found.failing.slice(0, 20)) {
    const [first] = failures;
    lines.push(`to be tried again: ${unit}${first === undefined ? '' : `: ${first.file}: ${first.problem}`}`);
  }
  if (found.failing.length > 20) lines.push(`  and ${found.failing.length - 20} more units`);
  for (const unit of found.damaged) lines.push(`output damaged or missing: ${unit}`);
  if (found.state !== 'done' && found.state !== 'running')
    lines.push(`go on with: midtrain jobs retry ${found.folder}`);
  return `${lines.join('\n')}\n`;
}
