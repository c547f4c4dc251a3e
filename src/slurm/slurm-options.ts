/**
 * slurm.yaml: what each array element asks of the cluster, how the work is cut, and how often a share is tried.
 *
 * All keys may be left out; what a cluster has a default for (partition, account, time, memory) is then not asked for. `stages` holds other
 * values for stages of a kind, `reconcile` for the small jobs that read markers between the stages. Keys are in snake_case, as in the
 * other files that users write.
 */
import { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { parseYaml } from '../core/parse-yaml.ts';

/** Kinds of stages of a filter job, then of a mix job. */
const stageKinds = [
  'measure',
  'compare',
  'dedup',
  'finish',
  'conclude',
  'tokenise',
  'arrange',
  'shards',
  'write',
] as const;

const time = z
  .string({
    error: (issue) =>
      issue.input === undefined ? undefined : 'expected HH:MM:SS or D-HH:MM:SS, in quotes or not',
  })
  .regex(/^(\d+-)?\d{1,3}:[0-5]\d:[0-5]\d$/, 'expected HH:MM:SS or D-HH:MM:SS, such as 04:00:00')
  // What has no seconds was told above.
  .refine((text) => !(secondsOf(text) <= 0), 'a time of nothing: no work could be done');
const memory = z
  .string({
    error: (issue) =>
      issue.input === undefined ? undefined : 'expected a number with its unit, such as 4G or 800M',
  })
  .regex(/^[1-9]\d*[KMGT]$/, 'expected a number with its unit, such as 4G or 800M');
const cpus = z.int().min(1).max(1024);
const word = z.string().regex(/^[\w.,@+:-]+$/, 'expected a name of letters, digits and _ . , @ + : -');
const line = z.string().regex(/^[^\n\r]*$/, 'one line each');

/** How much earlier than asked the signal before the time limit may come. (sbatch's manual, --signal) */
const earlySeconds = 60;

/** sbatch options that this program gives itself, and why nobody else may. */
const own: Readonly<Record<string, string>> = {
  array: 'the arrays follow from ranks, tasks_per_job and concurrency',
  'job-name': 'jobs are found again by their names',
  output: 'logs go to slurm/logs in the run folder, where midtrain jobs logs finds them',
  error: 'logs go to slurm/logs in the run folder, where midtrain jobs logs finds them',
  dependency: 'a stage begins when the one before is through',
  signal: 'write grace: <seconds>',
  chdir: 'jobs run where the command was given',
  wrap: 'the script is written by midtrain',
  parsable: 'it is always given',
  requeue: 'it is always given',
  'no-requeue': 'an element that is started again goes on where it was, so it may be requeued',
  time: 'write time: HH:MM:SS',
  mem: 'write memory: 4G',
  'mem-per-cpu': 'write memory: 4G, which is of an element with all its threads',
  'cpus-per-task': 'write cpus: <n>',
  partition: 'write partition: <name>',
  account: 'write account: <name>',
  ntasks: 'an element is one process; write cpus: <n> for its threads',
  nodes: 'an element is one process on one node',
};
const short: Readonly<Record<string, string>> = {
  a: 'array',
  J: 'job-name',
  o: 'output',
  e: 'error',
  d: 'dependency',
  D: 'chdir',
  t: 'time',
  c: 'cpus-per-task',
  p: 'partition',
  A: 'account',
  n: 'ntasks',
  N: 'nodes',
};

function beginsOf(names: object, given: string): string | undefined {
  const found = Object.keys(names).filter((name) => name.startsWith(given));
  return found.includes(given) ? given : found[0];
}

/** A line for sbatch: `--qos=high`, with or without `#SBATCH` before it. */
const extraLine = line
  .transform((text) => text.trim().replace(/^#SBATCH\s+/, ''))
  .superRefine((text, context) => {
    const match = /^(?:--([a-z][\w-]*)|-([A-Za-z]))(?=[\s=]|$|\S)/.exec(text);
    if (match === null) {
      context.addIssue('expected an option of sbatch, such as --qos=high or --exclude=node7');
      return;
    }
    // sbatch takes the beginning of a long name for it.
    const name = match[1] === undefined ? short[match[2]!] : beginsOf(own, match[1]);
    const why = name === undefined ? undefined : own[name];
    if (why !== undefined) context.addIssue(`${match[0]} cannot be given here: ${why}`);
  });

/** What a stage of a kind, or the reconcile jobs, ask for instead; `extra` is added to the common lines. */
const overrides = z.strictObject({
  partition: word.optional(),
  time: time.optional(),
  memory: memory.optional(),
  cpus: cpus.optional(),
  extra: z.array(extraLine).default([]),
});

const slurmOptionsSchema = z
  .strictObject({
    partition: word.optional(),
    account: word.optional(),
    /** Of one array element. */
    time: time.optional(),
    /** Of one array element. */
    memory: memory.optional(),
    /** Worker threads of one array element. */
    cpus: cpus.default(1),
    /** Shares of a stage, at most. */
    ranks: z.int().min(1).max(1_000_000).default(64),
    /** Ranks that one array element does, one after the other. */
    tasks_per_job: z.int().min(1).max(100_000).default(1),
    /** Elements of a stage that may run at the same time. */
    concurrency: z.int().min(1).max(1_000_000).optional(),
    /** Submissions of an element in which none of its items got done, before the job is given up. */
    max_attempts: z.int().min(1).max(1000).default(3),
    /** Seconds before the time limit at which an element is told to finish what it has in hand. */
    grace: z.int().min(0).max(65_535).default(120),
    /**
     * Seconds before an element that got nothing done is tried again, and before a job is given up: what one node wrote may show on another
     * only after the time that a network file system keeps folders in its cache (NFS: up to 60 s).
     */
    settle: z.int().min(0).max(86_400).default(60),
    /** Seconds between two looks of `--wait`. */
    poll: z.number().min(0.05).max(3600).default(15),
    /** The program that runs midtrain on the nodes; by default the Node that runs now. */
    node: line.optional(),
    /** Shell lines before the work, such as `module load`. */
    setup: z.array(line).default([]),
    extra: z.array(extraLine).default([]),
    stages: z
      .strictObject(
        Object.fromEntries(stageKinds.map((kind) => [kind, overrides.optional()])) as Record<
          (typeof stageKinds)[number],
          z.ZodOptional<typeof overrides>
        >,
      )
      .default({}),
    reconcile: overrides.default({ extra: [] }),
  })
  .superRefine((options, context) => {
    const check = (text: string | undefined, path: string[]): void => {
      if (text === undefined || !(secondsOf(text) <= options.grace + earlySeconds)) return;
      context.addIssue({
        code: 'custom',
        path,
        message: `not longer than grace (${options.grace} s) and the ${earlySeconds} s that Slurm may warn earlier: an element would be stopped as it begins; give more time or a smaller grace`,
      });
    };
    check(options.time, ['time']);
    for (const kind of stageKinds) check(options.stages[kind]?.time, ['stages', kind, 'time']);
  });

export type SlurmOptions = z.output<typeof slurmOptionsSchema>;

/** What the jobs of a stage, or a reconcile job, ask for. */
export interface Resources {
  partition: string | undefined;
  account: string | undefined;
  time: string | undefined;
  memory: string | undefined;
  cpus: number;
  extra: string[];
}

/** Throws an `InputError` or `UserError` that names file, key and cure. */
export function parseSlurmOptions(text: string, file: string): SlurmOptions {
  return text.trim() === ''
    ? parseConfig(slurmOptionsSchema, {}, file)
    : parseYaml(slurmOptionsSchema, text, file);
}

export function defaultSlurmOptions(): SlurmOptions {
  return parseConfig(slurmOptionsSchema, {}, 'slurm.yaml');
}

/** Of the stages of a kind; one that slurm.yaml does not know has the common values. */
export function resourcesOf(options: SlurmOptions, kind: string): Resources {
  const other = options.stages[kind as (typeof stageKinds)[number]];
  return {
    partition: other?.partition ?? options.partition,
    account: options.account,
    time: other?.time ?? options.time,
    memory: other?.memory ?? options.memory,
    cpus: other?.cpus ?? options.cpus,
    extra: [...options.extra, ...(other?.extra ?? [])],
  };
}

/** A reconcile job reads markers and calls sbatch: one thread, and no more than half an hour unless it says otherwise. */
export function reconcileResources(options: SlurmOptions): Resources {
  const { reconcile } = options;
  const usual = '00:30:00';
  const shorter =
    options.time !== undefined && secondsOf(options.time) < secondsOf(usual) ? options.time : usual;
  return {
    partition: reconcile.partition ?? options.partition,
    account: options.account,
    time: reconcile.time ?? shorter,
    memory: reconcile.memory,
    cpus: reconcile.cpus ?? 1,
    extra: [...options.extra, ...reconcile.extra],
  };
}

/** Seconds of `HH:MM:SS` or `D-HH:MM:SS`. */
export function secondsOf(text: string): number {
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text];
  const [hours, minutes, seconds] = clock!.split(':').map(Number);
  return ((Number(days) * 24 + hours!) * 60 + minutes!) * 60 + seconds!;
}
