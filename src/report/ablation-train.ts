/**
 * Training by arm: loss and held-out loss by source over tokens, both phases on one axis. What several arms share (a stable run that decays branch from) is
 * drawn once, in grey; an arm's own part has its colour.
 */

import { type ArmCurves, meanCurve, phasePoints } from './ablation-curves.ts';
import type { StepRole } from './ablation-data.ts';
import { armFigure, armKey } from './ablation-figures.ts';
import type { AblationView, ArmView } from './ablation-view.ts';
import { table } from './figure.ts';
import { html, type Markup } from './html.ts';
import type { LineSeries } from './line-chart.ts';
import { compact, decimal, whole } from './number-format.ts';
import { metricNames, metricPoints, type PreparedRun } from './report-run.ts';
import { smooth, smoothingWindow } from './smooth.ts';
import { thin } from './thin.ts';

const phases = ['stable', 'decay'] as const;
const heldOutPrefix = 'eval_loss/';

export function trainingSection(view: AblationView): Markup | undefined {
  const runs = phases.flatMap((role) =>
    view.arms.flatMap((arm) => arm.cells.flatMap((c) => view.runOf(c, role) ?? [])),
  );
  if (runs.length === 0) return undefined;
  const tokens = runs.every(({ rows }) => rows.some((row) => typeof row.num_tokens === 'number'));
  const sources = [...new Set(runs.flatMap(({ rows }) => metricNames(rows, heldOutPrefix)))].sort();
  const shared = phases.flatMap((role) => sharedGroups(view, role));
  const figures = [
    lossFigure(
      view,
      shared,
      tokens,
      'loss',
      'Loss',
      'Nats per token of what is trained on: arms that mix different data differ in it for that alone.',
      false,
    ),
    ...(sources.length === 1
      ? []
      : [
          lossFigure(
            view,
            shared,
            tokens,
            'eval_loss',
            'Held-out loss',
            'Nats per token on documents kept out of training, all sources together.',
            true,
          ),
        ]),
    ...sources.map((name) =>
      lossFigure(
        view,
        shared,
        tokens,
        name,
        `Held-out loss: ${name.slice(heldOutPrefix.length)}`,
        'Nats per token on documents kept out of training.',
        true,
      ),
    ),
  ];
  return html`<section id="train"><h2>Training</h2>${sharedWords(shared)}<p class="hint">Lines: the mean over seeds; pale: seeds; both as moving means where steps are many. Grey: a run that several arms share.</p>${armKey(view.arms)}<div class="grid">${figures}</div>${trainTable(view)}</section>`;
}

interface SharedGroup {
  role: (typeof phases)[number];
  arms: ArmView[];
}

/** Arms whose runs of a phase are the same runs, seed by seed; groups of one are no group. */
function sharedGroups(view: AblationView, role: (typeof phases)[number]): SharedGroup[] {
  const groups = Map.groupBy(
    view.arms.filter((arm) => arm.cells.some((cell) => view.runOf(cell, role) !== undefined)),
    (arm) => arm.cells.map((cell) => cell.steps[role] ?? '').join('\n'),
  );
  return [...groups.values()].filter((arms) => arms.length > 1).map((arms) => ({ role, arms }));
}

function sharedWords(shared: readonly SharedGroup[]): Markup | undefined {
  if (shared.length === 0) return undefined;
  return html`<p class="lead">${shared
    .map(
      ({ role, arms }) =>
        `The ${role} phase is one run a seed for ${arms.map(({ label }) => label).join(', ')}.`,
    )
    .join(' ')}</p>`;
}

function lossFigure(
  view: AblationView,
  shared: readonly SharedGroup[],
  tokens: boolean,
  name: string,
  title: string,
  caption: string,
  dots: boolean,
): Markup | undefined {
  const own = view.arms.map((arm): ArmCurves => {
    const seeds = arm.cells.flatMap((cell) => {
      const points = phases.flatMap((role) =>
        shared.some((group) => group.role === role && group.arms.includes(arm))
          ? []
          : phasePoints(view.runOf(cell, role), before(view, arm, cell.seed, role), name, tokens),
      );
      return points.length === 0 ? [] : [{ seed: cell.seed, points }];
    });
    return { arm, seeds, mean: meanCurve(seeds.map(({ points }) => points)) };
  });
  // Before the branch there is one run: what the arms differ in is drawn larger without it.
  const branch =
    dots && shared.some(({ role, arms }) => role === 'stable' && arms.length === view.arms.length);
  const common = (branch ? [] : shared).map(({ role, arms }): LineSeries => {
    const [arm] = arms;
    const mean = meanCurve(
      arm!.cells.flatMap((cell) => {
        const points = phasePoints(view.runOf(cell, role), before(view, arm!, cell.seed, role), name, tokens);
        return points.length === 0 ? [] : [points];
      }),
    );
    return {
      label: `${role}, shared by ${arms.length} arms`,
      colour: 'var(--ink-soft)',
      points:
        dots || mean.length < 30 ? mean : thin(smooth(mean, Math.max(5, smoothingWindow(mean.length))), 400),
      dots,
    };
  });
  const log = spread([...own.flatMap(({ seeds }) => seeds), ...common]) > 2.5;
  return armFigure({
    title,
    caption: `${caption}${branch ? ' From where the arms part: before it they are one run.' : ''}${log ? ' Logarithmic axis.' : ''}`,
    xLabel: tokens ? 'tokens' : 'step',
    xFormat: tokens ? compact : whole,
    yLabel: 'nats',
    yFormat: decimal,
    zero: false,
    log,
    dots,
    curves: own,
    extra: common,
  });
}

/** Highest over lowest value; 0 where a ratio means nothing. */
function spread(curves: readonly { points: readonly { y: number }[] }[]): number {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const { points } of curves)
    for (const { y } of points) {
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
  return low > 0 && high > 0 ? high / low : 0;
}

/** The run of the phase before, for logs that count steps and not tokens. */
function before(
  view: AblationView,
  arm: ArmView,
  seed: string,
  role: (typeof phases)[number],
): PreparedRun | undefined {
  const cell = arm.cells.find((c) => c.seed === seed);
  return role === 'stable' || cell === undefined ? undefined : view.runOf(cell, 'stable');
}

/** Where each arm's training ended, mean over seeds. */
function trainTable(view: AblationView): Markup {
  const last = (arm: ArmView, role: StepRole, name: string): number[] =>
    arm.cells.flatMap((cell) => metricPoints(view.runOf(cell, role)?.rows ?? [], name).at(-1)?.y ?? []);
  const mean = (values: readonly number[]): string =>
    values.length === 0 ? '–' : decimal(values.reduce((a, b) => a + b, 0) / values.length);
  const summary = (arm: ArmView, role: StepRole, key: string): string => {
    const values = new Set(
      arm.cells.flatMap((cell) => {
        const value = view.runOf(cell, role)?.record.summary[key];
        return typeof value === 'number' ? [value] : [];
      }),
    );
    return values.size === 0 ? '–' : [...values].map((value) => compact(value)).join(', ');
  };
  const rows = view.arms.flatMap((arm) =>
    phases.flatMap((role) =>
      last(arm, role, 'loss').length === 0 && last(arm, role, 'eval_loss').length === 0
        ? []
        : [
            [
              arm.label,
              role,
              summary(arm, role, 'steps'),
              summary(arm, role, 'tokens'),
              mean(last(arm, role, 'loss')),
              mean(last(arm, role, 'eval_loss')),
              summary(arm, role, 'parameters'),
            ],
          ],
    ),
  );
  return html`<details class="more"><summary>Where training ended, by arm and phase</summary>${table(
    ['Arm', 'Phase', 'Steps', 'Tokens', 'Loss, last', 'Held out, last', 'Parameters'],
    rows,
    [1],
  )}</details>`;
}
