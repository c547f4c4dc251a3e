/**
 * How the grid was worked: steps by kind with what arms shared, what failed and why, intervals within a seed (labelled so), what is missing, and how to run it
 * again.
 */
import type { AblationInput, AblationStep } from './ablation-data.ts';
import type { AblationView } from './ablation-view.ts';
import { table } from './figure.ts';
import { clip, html, type Markup } from './html.ts';
import { duration, percent, points, pointsRange, whole } from './number-format.ts';

const shownFailures = 40;

/** One row a kind. */
export function stepRows({ steps }: AblationInput): { header: string[]; rows: string[][] } {
  const kinds = Map.groupBy(steps, ({ kind }) => kind);
  return {
    header: [
      'Kind',
      'Steps',
      'Uses',
      'Shared by arms',
      'Shared by seeds',
      'Imported',
      'Failed',
      'Not run',
      'Time',
    ],
    rows: [...kinds].map(([kind, of]) => {
      const count = (test: (step: AblationStep) => boolean): string => whole(of.filter(test).length);
      const distinct = (pick: 'arm' | 'seed') => (step: AblationStep) =>
        new Set(step.usedBy.map((use) => use[pick])).size > 1;
      const seconds = of.reduce((sum, step) => sum + (step.seconds ?? 0), 0);
      return [
        kind,
        whole(of.length),
        whole(of.reduce((sum, { usedBy }) => sum + usedBy.length, 0)),
        count(distinct('arm')),
        count(distinct('seed')),
        count(({ imported }) => imported === true),
        count(({ status }) => status === 'failed'),
        count(({ status }) => status === 'not run'),
        seconds === 0 ? '–' : duration(seconds),
      ];
    }),
  };
}

export function stepsSection(view: AblationView): Markup {
  const { input } = view;
  const { header, rows } = stepRows(input);
  const failed = input.steps.filter(({ status }) => status === 'failed');
  return html`<section id="steps"><h2>Steps: what was shared, what failed</h2><p class="hint">A step is done once for all arms and seeds that need the very same; uses are how often it would have been done otherwise.</p>${table(header, rows)}${
    failed.length > 0 &&
    html`<h3>Failed</h3>${table(
      ['Step', 'Kind', 'Needed by', 'Error'],
      failed.slice(0, shownFailures).map(({ id, kind, usedBy, error }) => [
        html`<code>${clip(id, 80)}</code>`,
        kind,
        usedBy
          .slice(0, 6)
          .map(({ arm, seed }) => `${arm} seed ${seed}`)
          .join(', '),
        clip(error ?? 'no reason was recorded', 400),
      ]),
      [1, 2, 3],
    )}`
  }${withinSeedPart(view)}</section>`;
}

/** The change over RL of each run, with the interval that the run recorded: over problems, within its seed. */
export function withinSeedRows({ arms, runOf }: AblationView): string[][] {
  return arms.flatMap((arm) =>
    arm.cells.flatMap((cell) => {
      const summary = runOf(cell, 'grpo')?.record.summary;
      const interval = summary?.interval;
      const number = (key: string): number | undefined => {
        const value = summary?.[key];
        return typeof value === 'number' ? value : undefined;
      };
      const [low, high] = Array.isArray(interval) ? (interval as unknown[]) : [];
      const change = number('change');
      if (change === undefined || typeof low !== 'number' || typeof high !== 'number') return [];
      return [
        [
          arm.label,
          cell.seed,
          percent(number('startAccuracy')),
          percent(number('endAccuracy')),
          points(change),
          pointsRange(low, high),
          whole(number('evalProblems')),
        ],
      ];
    }),
  );
}

export const withinSeedHeader = [
  'Arm',
  'Seed',
  'Start',
  'Last evaluation',
  'Change',
  '95 % interval within the seed',
  'Problems',
];

export const withinSeedNote =
  'Bootstrap over the problems of one run: how much the choice of problems matters within that seed. Other seeds are not in it, so it says nothing about the difference between arms.';

function withinSeedPart(view: AblationView): Markup | undefined {
  const rows = withinSeedRows(view);
  if (rows.length === 0) return undefined;
  return html`<details class="more"><summary>Change over RL within each seed (${rows.length} runs)</summary><p class="hint">${withinSeedNote}</p>${table(withinSeedHeader, rows, [1])}</details>`;
}

/** What a reader might look for and does not find, in full sentences. */
export function missingWords(view: AblationView): string[] {
  const { input } = view;
  const undone = new Map<string, string[]>();
  for (const { arm, seed, status, reason } of input.cells) {
    if (status === 'done') continue;
    const key = `${status === 'failed' ? 'Failed' : 'Not run'}${reason === undefined ? '' : ` (${reason})`}`;
    undone.set(key, [...(undone.get(key) ?? []), `${arm} seed ${seed}`]);
  }
  const out = [...undone].map(([key, cells]) => `${key}: ${cells.join(', ')}.`);
  const absent = new Map<string, string[]>();
  for (const cell of input.cells)
    if (cell.status === 'done')
      for (const measure of input.measures) {
        const reason = cell.absent[measure.name];
        if (reason === undefined) continue;
        const key = `${measure.label}: ${reason}`;
        absent.set(key, [...(absent.get(key) ?? []), `${cell.arm} seed ${cell.seed}`]);
      }
  for (const [text, cells] of absent)
    out.push(
      `${text} (${cells.length === input.cells.length ? 'all cells' : `${cells.slice(0, 6).join(', ')}${cells.length > 6 ? ` and ${cells.length - 6} more` : ''}`}).`,
    );
  const bare = input.steps.filter(
    ({ id, status, kind }) =>
      status === 'done' && /^(?:filter|mix|train|grpo)/.test(kind) && !view.runs.has(id),
  );
  if (bare.length > 0)
    out.push(
      `${whole(bare.length)} of ${whole(input.steps.length)} steps are done and left no run record, so they have no curves here.`,
    );
  return out;
}

export function missingSection(view: AblationView): Markup | undefined {
  const missing = missingWords(view);
  return missing.length === 0
    ? undefined
    : html`<section id="missing"><h2>What is missing</h2><ul class="missing">${missing.map((m) => html`<li>${m}</li>`)}</ul></section>`;
}

/** Name and value of what a run depends on besides its settings. */
export function originRows({
  name,
  size,
  seeds,
  versions,
  device,
  commit,
}: AblationInput): [string, string][] {
  return [
    ['Experiment', name],
    ['Size', size],
    ['Seeds', seeds.join(', ')],
    [
      'Versions',
      Object.entries(versions)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([what, version]) => `${what} ${version}`)
        .join(', '),
    ],
    ...(commit === undefined ? [] : [['Commit', commit] as [string, string]]),
    ...(device === undefined ? [] : [['Device', device] as [string, string]]),
  ];
}

export function rerunSection({ input }: AblationView): Markup {
  return html`<section id="rerun"><h2>How to run it again</h2>${
    input.rerun.length > 0 && html`<pre>${input.rerun.join('\n')}</pre>`
  }<dl class="facts">${originRows(input).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}
