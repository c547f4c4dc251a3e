/**
 * The scripts that are handed to sbatch. Pure: text from settings.
 *
 * `exec` puts Node in the place of the batch shell, so that `--signal=B:TERM@grace` (which goes to the shell alone) and the SIGTERM of
 * scancel and requeue reach the program itself. An element appends to its log, so a requeued one keeps what it said before.
 */
import { UserError } from '../core/errors.ts';
import { shellWord } from '../report/shell-word.ts';
import { arrayExpression } from './plan-arrays.ts';
import type { LaunchSettings } from './slurm-folder.ts';
import { type Resources, reconcileResources, resourcesOf } from './slurm-options.ts';
import { logName, reconcileLogName, type Submission } from './submission.ts';

export interface ScriptPlace {
  /** The run folder. */
  run: string;
  /** `<run>/slurm/logs` */
  logs: string;
  settings: LaunchSettings;
}

/** One job array of a submission; `array`: which. */
export function arrayScript(place: ScriptPlace, kind: string, submission: Submission, array: number): string {
  const { run, logs, settings } = place;
  const { stage, attempt } = submission;
  const { name, offset, indexes } = submission.arrays[array]!;
  const { options } = settings;
  const resources = resourcesOf(options, kind);
  return script(
    `midtrain ${settings.kind}: stage ${stage}, submission ${attempt}, ${indexes.length} elements from ${offset + indexes[0]!} on`,
    [
      `--job-name=${name}`,
      `--array=${arrayExpression(indexes, options.concurrency)}`,
      // Open to symbols of sbatch: its % is the index.
      `--output=${inPattern(logs)}/${logName(submission, array)}`,
      ...common(settings, resources),
      `--signal=B:TERM@${options.grace}`,
      ...(submission.delay === 0 ? [] : [`--begin=now+${submission.delay}`]),
    ],
    resources.extra,
    options.setup,
    [
      settings.node,
      settings.main,
      'jobs',
      'work',
      run,
      '--stage',
      stage,
      '--submission',
      `${attempt}`,
      '--element',
    ],
    `"$((${offset} + SLURM_ARRAY_TASK_ID))" --workers "\${SLURM_CPUS_PER_TASK:-${resources.cpus}}"`,
  );
}

/** The job that moves on from the markers once the arrays have ended. */
export function reconcileScript(
  place: ScriptPlace,
  submission: Pick<Submission, 'stage' | 'attempt'>,
  name: string,
): string {
  const { run, logs, settings } = place;
  const { stage, attempt } = submission;
  const resources = reconcileResources(settings.options);
  return script(
    `midtrain ${settings.kind}: what comes after submission ${attempt} of stage ${stage}`,
    [
      `--job-name=${name}`,
      `--output=${inPattern(logs)}/${reconcileLogName(submission)}`,
      ...common(settings, resources),
    ],
    resources.extra,
    settings.options.setup,
    [settings.node, settings.main, 'jobs', 'reconcile', run],
    '',
  );
}

function common({ cwd }: LaunchSettings, { partition, account, time, memory, cpus }: Resources): string[] {
  return [
    '--open-mode=append',
    `--chdir=${cwd}`,
    '--nodes=1',
    '--ntasks=1',
    `--cpus-per-task=${cpus}`,
    ...(time === undefined ? [] : [`--time=${time}`]),
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    '--requeue',
  ];
}

function script(
  what: string,
  options: readonly string[],
  extra: readonly string[],
  setup: readonly string[],
  words: readonly string[],
  rest: string,
): string {
  return [
    '#!/bin/bash',
    `# ${what}`,
    ...options.map((option) => `#SBATCH ${batchWord(option)}`),
    ...extra.map((option) => `#SBATCH ${option}`),
    '',
    ...setup,
    'export NODE_ENV=production',
    `exec ${[...words.map(shellWord), rest].join(' ').trimEnd()}`,
    '',
  ].join('\n');
}

/** `--name=value` for an #SBATCH line: quoted where sbatch would else split or cut it. */
function batchWord(option: string): string {
  if (/[\n\r]/.test(option)) {
    throw new UserError(`${JSON.stringify(option)}: a line break cannot be written in a batch script`, {
      hint: 'rename that folder',
    });
  }
  if (/^[\w@%+=:,./-]+$/.test(option)) return option;
  const [name, ...value] = option.split('=');
  return `${name}="${value.join('=').replace(/["\\]/g, '\\$&')}"`;
}

/** A path in a file name pattern of sbatch, where % and \ mean something. */
function inPattern(path: string): string {
  if (path.includes('\\')) {
    throw new UserError(`${path}: sbatch takes a backslash in the place of a log for something else`, {
      hint: 'choose a run folder without backslashes',
    });
  }
  return path.replaceAll('%', '%%');
}
