/** What the terminal says about a job on Slurm: where it stands, why it was given up, what to do next. */
import { shellWord } from '../report/shell-word.ts';
import type { Outcome } from '../slurm/advance.ts';
import { lastLines } from '../slurm/element-logs.ts';
import type { Failure } from '../slurm/slurm-folder.ts';
import type { SlurmStatus } from '../slurm/slurm-status.ts';
import { aligned, count, describeLedger } from './describe-ledger.ts';

/** The run folder as it can be typed in `cwd`. */
export function runWord(folder: string, cwd: string): string {
  return shellWord(folder.startsWith(`${cwd}/`) ? folder.slice(cwd.length + 1) : folder);
}

/** After a submission: how to look, to read the logs, to stop. */
export function commandsFor(folder: string, cwd: string): string[] {
  const run = runWord(folder, cwd);
  return [
    `  how far it is:  midtrain jobs status ${run}`,
    `  its logs:       midtrain jobs logs ${run}`,
    `  stop it:        midtrain jobs cancel ${run}`,
  ];
}

export function describeWaiting(
  outcome: Extract<Outcome, { kind: 'waiting' }>,
  folder: string,
  cwd: string,
): string[] {
  const { survey, submission, submitted } = outcome;
  const { stage, left } = survey;
  const ids = submission.arrays.flatMap(({ id }) => id ?? []);
  const jobs = `job${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`;
  const standing =
    stage === undefined
      ? ''
      : `stage ${stage.name}, ${count(stage.items.length - left.length)} of ${count(stage.items.length)} items done`;
  return [
    submitted
      ? `submitted as ${jobs}: ${standing}`
      : `${submission.stage === stage?.name ? 'in the queue already' : 'still ending'} (${jobs}): ${standing}`,
    'each stage submits the next; nothing has to stay logged in',
    ...commandsFor(folder, cwd),
  ];
}

/** The message and the cure of a job that was given up. */
export function describeFailed(
  failure: Failure,
  folder: string,
  cwd: string,
): { text: string; cure: string } {
  const shown = failure.elements.slice(0, 5);
  const lines = shown.flatMap(({ element, ranks, left, log }) => {
    const items =
      left.slice(0, 5).join(', ') + (left.length > 5 ? `, and ${count(left.length - 5)} more` : '');
    const said = log === null ? [] : lastLines(log, 10);
    return [
      `  element ${element} (rank${ranks.length === 1 ? '' : 's'} ${ranks.join(', ')}): ${count(left.length)} item${left.length === 1 ? '' : 's'} left: ${items}`,
      ...(log === null
        ? ['    it wrote no log: the jobs never began, or were lost']
        : [`    the end of ${log}:`, ...said.map((line) => `      ${line}`)]),
    ];
  });
  const more = failure.elements.length - shown.length;
  return {
    text: [failure.reason, ...lines, ...(more > 0 ? [`  and ${count(more)} more elements`] : [])].join('\n'),
    cure: `mend what the logs say, or give more time or memory in slurm.yaml and the same midtrain command again; what is done stays done: midtrain jobs retry ${runWord(folder, cwd)}`,
  };
}

function many(n: number, word: string): string {
  return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}

export function describeSlurmStatus(status: SlurmStatus, cwd: string): string {
  const { folder, name, plan, state, stages, missing, queueUnknown, losses, ledger } = status;
  const rows = stages.map(({ name: stage, items, done, ranks, elements, submissions, ids, queued }) => [
    stage,
    `${count(done)} of ${count(items)} items`,
    ranks === 0 ? '' : `${many(ranks, 'rank')} in ${many(elements, 'element')}`,
    submissions === 0 ? '' : `submitted ${submissions === 1 ? 'once' : `${submissions} times`}`,
    ids.length === 0 ? '' : `job ${ids.length > 4 ? `${ids.slice(0, 4).join(', ')}, ...` : ids.join(', ')}`,
    queueUnknown !== null
      ? done < items
        ? 'squeue not available'
        : ''
      : Object.entries(queued)
          .map(([at, n]) => `${n} ${at.toLowerCase()}`)
          .join(', '),
  ]);
  const waiting = status.queue.filter(({ state: at }) => at === 'PENDING').slice(0, 3);
  return [
    `${name} in ${folder} (plan ${plan}): ${state}`,
    ...aligned(rows, [0, 1, 2, 3, 4, 5]).map((line) => `  ${line}`),
    ...waiting.map(({ task, reason }) => `  ${task} waits: ${reason}`),
    ...missing
      .slice(0, 10)
      .map(
        ({ element, ranks, left, tries }) =>
          `  left: element ${element} (rank${ranks.length === 1 ? '' : 's'} ${ranks.join(', ')}): ${count(left.length)} item${left.length === 1 ? '' : 's'}${tries > 1 ? `, ${tries} submissions without one of them done` : ''}`,
      ),
    ...(missing.length > 10 ? [`  and ${count(missing.length - 10)} more elements`] : []),
    ...(queueUnknown === null ? [] : [`squeue not available: ${queueUnknown}`]),
    ...losses.slice(0, 20).map(({ item, file, problem }) => `lost: ${item}: ${file}: ${problem}`),
    ...(losses.length > 20 ? [`  and ${count(losses.length - 20)} more losses`] : []),
    ...(ledger === null ? [] : describeLedger(ledger)),
    ...next(status, cwd),
    '',
  ].join('\n');
}

function next({ state, folder, failure, reconcileLog }: SlurmStatus, cwd: string): string[] {
  const run = runWord(folder, cwd);
  switch (state) {
    case 'done':
      return [];
    case 'partial':
      return [`some input was lost: mend it and try it again: midtrain jobs retry ${run}`];
    case 'queued':
      return [`stop it: midtrain jobs cancel ${run}`];
    case 'idle':
      return [
        ...(reconcileLog === null
          ? []
          : [
              `the last reconcile job wrote ${reconcileLog}:`,
              ...lastLines(reconcileLog, 5).map((line) => `  ${line}`),
            ]),
        `nothing of it is in the queue: go on with midtrain jobs retry ${run}`,
      ];
    case 'unknown':
      return ['whether anything is in the queue cannot be told without Slurm'];
    case 'cancelled':
      return [`it was cancelled: go on with midtrain jobs retry ${run}`];
    case 'failed': {
      const { text, cure } = describeFailed(failure!, folder, cwd);
      return [text, cure];
    }
  }
}
