/** What `midtrain ablate` says of a plan and of a grid that has ended. */
import type { GridOutlook, KindOutlook, StepOutlook } from '../ablate/describe-grid.ts';
import type { RateSource } from '../ablate/step-rates.ts';
import { minutesText } from '../ablate/step-rates.ts';
import { formatAmount } from '../core/amount.ts';

const sourceTexts: Record<RateSource, string> = {
  'same shape': 'as finished steps of the same shape took',
  'same kind': 'as finished steps of the same kind took, which were of another shape',
  probe:
    'from a probe of a few seconds on this adapter; responses of an untrained model run to their full length',
  file: 'as the experiment says of its own machine',
};

export function outlookText(outlook: GridOutlook): string {
  const { name, title, question, size, seeds, arms, steps, kinds } = outlook;
  const open = steps.filter(({ status }) => status === 'to do');
  const lines = [
    `${name}: ${title}`,
    question,
    `${arms.length} ${arms.length === 1 ? 'arm' : 'arms'} x ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} (${seeds.join(', ')}), size ${size}`,
    '',
    'Arms and how they differ from the base:',
    ...arms.flatMap(({ name: arm, describe, differences, state }) => [
      `  ${arm}${describe === undefined ? '' : `: ${describe}`} (RL starts from a checkpoint that is ${stateText(state)})`,
      ...differences.map(({ path, base, value }) => `      ${path}: ${show(base)} -> ${show(value)}`),
    ]),
    '',
    `Steps: ${steps.length}, ${outlook.withoutSharing} if nothing were shared; done ${steps.filter(({ status }) => status === 'done').length}, to do ${open.length}`,
    ...table([
      ['', 'kind', 'steps', 'to do', 'work to do', 'time'],
      ...kinds.map((kind) => [
        '',
        kind.kind,
        String(kind.planned),
        String(kind.todo),
        workText(kind),
        timeText(kind),
      ]),
    ]),
    '',
    ...sharedLines(steps),
    `To do: ${formatAmount(outlook.tokens)} tokens of training, ${formatAmount(outlook.rollouts)} rollouts, ${open.length === 0 ? 'nothing' : outlook.seconds === undefined ? 'time unknown' : minutesText(outlook.seconds)}${outlook.adapter === undefined ? '' : ` on ${outlook.adapter}`}`,
    ...[...new Set(kinds.flatMap(({ sources }) => sources))].map(
      (source) => `  ${sourceMark[source]} ${sourceTexts[source]}`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const sourceMark: Record<RateSource, string> = { 'same shape': '=', 'same kind': '~', probe: '^', file: '*' };

function stateText(state: string): string {
  return state === 'constant rate' ? 'not decayed (constant rate)' : state;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function workText({ work }: KindOutlook): string {
  return work.count === 0 ? '' : `${formatAmount(work.count)} ${work.unit}`;
}

function timeText({ todo, seconds, sources }: KindOutlook): string {
  if (todo === 0) return '';
  if (seconds === undefined) return 'unknown';
  return `${minutesText(seconds)} ${sources.map((source) => sourceMark[source]).join('')}`;
}

/** The steps that several arms or seeds read. */
function sharedLines(steps: readonly StepOutlook[]): string[] {
  const shared = steps.filter(({ usedBy }) => usedBy.length > 1);
  if (shared.length === 0) return ['No step is shared.', ''];
  return [
    'Shared steps:',
    ...shared.map(({ id, status, usedBy }) => `  ${id} (${status}): ${usersText(usedBy)}`),
    '',
  ];
}

/** `qa-0, qa-30 of seed 1`; arms of the same seeds stand together. */
function usersText(usedBy: StepOutlook['usedBy']): string {
  const seedsOf = new Map<string, string[]>();
  for (const { arm, seed } of usedBy) seedsOf.set(arm, [...(seedsOf.get(arm) ?? []), seed]);
  const armsOf = new Map<string, string[]>();
  for (const [arm, seeds] of seedsOf) {
    const key = seeds.join(', ');
    armsOf.set(key, [...(armsOf.get(key) ?? []), arm]);
  }
  return [...armsOf]
    .map(([seeds, arms]) => `${arms.join(', ')} of seed${seeds.includes(',') ? 's' : ''} ${seeds}`)
    .join('; ');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
