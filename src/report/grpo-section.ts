/** Reinforcement learning: does it climb, does it hold, and what do the responses look like. */
import { evidenceFigures } from './evidence-badge.ts';
import { collapseChecked, signatureNote } from './failure-signatures.ts';
import { lineFigure, table } from './figure.ts';
import { notes } from './filter-section.ts';
import type { GrpoFacts } from './grpo-facts.ts';
import { html, type Markup } from './html.ts';
import type { BandPoint, LineChart, LineSeries } from './line-chart.ts';
import { decimal, exponent, percent, points, pointsRange, whole } from './number-format.ts';
import { seriesColour, seriesDash } from './palette.ts';
import { metric, metricPoints } from './report-run.ts';
import { rolloutCards } from './rollout-cards.ts';
import { smoothedSeries } from './smoothed-series.ts';

/** `elsewhere`: the accuracy of each problem set is in a section of its own. */
export function grpoSection(grpos: readonly GrpoFacts[], elsewhere = false): Markup | undefined {
  if (grpos.length === 0) return undefined;
  const one = (name: string, text: ChartText): Markup | undefined =>
    chart(grpos, text, (g) => metricPoints(g.run.rows, name));
  const share = { yFormat: (v: number): string => percent(v, 0), yLabel: 'share' };
  const first = [
    elsewhere ? undefined : accuracyFigure(grpos),
    rewardFigure(grpos),
    lengthFigure(grpos),
    one('completions/clipped_ratio', {
      ...share,
      title: 'Truncated responses',
      caption: 'Share of responses cut off at the allowed length.',
    }),
    one('entropy', {
      title: 'Entropy',
      caption: 'Mean per token, nats. A fall to zero means the model has stopped exploring.',
      yLabel: 'entropy',
      yFormat: decimal,
    }),
    one('frac_reward_zero_std', {
      ...share,
      title: 'Groups without a signal',
      caption: 'Share of prompts whose responses all got the same reward; they teach nothing.',
    }),
  ];
  const mechanics = [
    one('clip_ratio/region_mean', {
      yLabel: 'share',
      yFormat: (v) => percent(v, 1),
      title: 'Clipped updates',
      caption: 'Share of tokens whose probability ratio left the trust region.',
    }),
    one('kl', {
      title: 'KL to the reference',
      caption: 'Mean per token, nats.',
      yLabel: 'KL',
      yFormat: decimal,
    }),
    one('grad_norm', {
      title: 'Gradient norm',
      caption: 'Global norm before clipping.',
      yLabel: 'norm',
      yFormat: decimal,
    }),
    one('learning_rate', {
      title: 'Learning rate',
      caption: 'Of the policy update.',
      yLabel: 'learning rate',
      yFormat: exponent,
    }),
    one('sampling/sampling_logp_difference/max', {
      title: 'Sampler against trainer',
      caption:
        'Largest difference between the log-probabilities of the sampler and of the trainer; it should stay near zero.',
      yLabel: 'nats',
      yFormat: exponent,
    }),
    timeFigure(grpos),
  ].filter((f) => f !== undefined);
  return html`<section id="grpo"><h2>Reinforcement learning</h2>${verdicts(grpos)}${grpos.length > 1 && outcomeTable(grpos, !elsewhere || first.some((f) => f !== undefined))}${evidenceFigures(
    grpos.map((g) => g.run),
  )}${first.some((f) => f !== undefined) && html`<div class="grid">${first}</div>`}${
    mechanics.length > 0 &&
    html`<details class="more"><summary>How the updates went: clipping, norms, speed (${mechanics.length} charts)</summary><div class="grid">${mechanics}</div></details>`
  }${rolloutCards(grpos)}</section>`;
}

type ChartText = Pick<LineChart, 'title' | 'yLabel' | 'yFormat'> & {
  caption?: string;
  zero?: boolean;
  top?: number;
};

function chart(
  grpos: readonly GrpoFacts[],
  text: ChartText,
  pointsOf: (g: GrpoFacts) => readonly BandPoint[],
  extra: Partial<LineSeries> = {},
): Markup | undefined {
  const series = seriesOf(grpos, pointsOf, extra);
  // A metric that is zero throughout (KL with no KL term) has nothing to show.
  if (series.every((s) => s.points.every((p) => p.y === 0))) return undefined;
  const smoothed = extra.dots ? series : series.flatMap(smoothedSeries);
  return lineFigure({ ...text, xLabel: 'step', xFormat: whole, series: smoothed });
}

function seriesOf(
  grpos: readonly GrpoFacts[],
  pointsOf: (g: GrpoFacts) => readonly BandPoint[],
  extra: Partial<LineSeries>,
): LineSeries[] {
  return grpos.map((g, i) => ({
    label: g.run.label,
    colour: seriesColour(i),
    dash: seriesDash(i, grpos.length),
    points: pointsOf(g),
    ...extra,
  }));
}

function verdicts(grpos: readonly GrpoFacts[]): Markup {
  const unchanged = grpos.map((g) => {
    const tone = g.collapsed ? 'bad' : !g.warned && collapseChecked(g.signatures) ? 'good' : 'plain';
    return html`<article class="verdict ${tone}"><h4>${g.run.label}</h4><p class="verdict-words">${g.verdict}</p>${outcome(g)}<details><summary>What was looked at</summary><ul>${g.signatures.map(
      (s) => html`<li class="${s.state}">${s.words}</li>`,
    )}</ul><p class="hint">Length here is the ${g.lengthMeasure}.</p></details>${notes(g.notes)}</article>`;
  });
  return html`<div class="verdicts">${unchanged}</div><p class="hint">${signatureNote} In the charts, pale lines are the measured values and full lines their moving mean.${namedSets(grpos)}</p>`;
}

/** Which set accuracy is of, where several were logged and one had to be chosen. */
function namedSets(grpos: readonly GrpoFacts[]): string {
  const names = [...new Set(grpos.flatMap(({ set }) => set ?? []))];
  return names.length === 0 ? '' : ` Accuracy here is that on ${names.join(' or ')}.`;
}

function outcome(g: GrpoFacts): Markup | undefined {
  if (g.start === undefined || g.end === undefined) {
    if (g.firstReward === undefined) return undefined;
    return html`<p>Mean reward ${decimal(g.firstReward)} → ${decimal(g.lastReward)}; nothing was evaluated.</p>`;
  }
  const of = (e: NonNullable<GrpoFacts['start']>): string =>
    `${percent(e.accuracy)}${e.low === undefined || e.high === undefined ? '' : ` (${percent(e.low)} to ${percent(e.high)})`}`;
  const change = points(g.end.accuracy - g.start.accuracy);
  const interval =
    g.changeInterval === undefined
      ? ''
      : `, 95 % interval ${pointsRange(g.changeInterval.low, g.changeInterval.high)}`;
  return html`<p>Accuracy ${of(g.start)} at step ${whole(g.start.step)} → ${of(g.end)} at step ${whole(g.end.step)}: <strong>${change}</strong>${interval}.</p>`;
}

/** Columns that no run has anything for are left out: other tools' logs hold only some. Colours only where charts below use them. */
function outcomeTable(grpos: readonly GrpoFacts[], coloured: boolean): Markup {
  const last = ({ run }: GrpoFacts, name: string): number | undefined =>
    metricPoints(run.rows, name).at(-1)?.y;
  const columns: [string, (g: GrpoFacts) => string][] = [
    ['Start', (g) => percent(g.start?.accuracy)],
    ['End', (g) => percent(g.end?.accuracy)],
    [
      'Change',
      (g) => (g.start === undefined || g.end === undefined ? '–' : points(g.end.accuracy - g.start.accuracy)),
    ],
    [
      'Best (step)',
      (g) => (g.best === undefined ? '–' : `${percent(g.best.accuracy)} (${whole(g.best.step)})`),
    ],
    ['Reward, first', (g) => decimal(g.firstReward)],
    ['Reward, last', (g) => decimal(g.lastReward)],
    ['Length, last', (g) => whole(last(g, 'completions/mean_length'))],
    ['Truncated, last', (g) => percent(last(g, 'completions/clipped_ratio'))],
    ['Verdict', (g) => g.verdict],
  ];
  const shown = columns.filter(([, of]) => grpos.some((g) => of(g) !== '–'));
  return table(
    ['Run', ...shown.map(([title]) => title)],
    grpos.map((g, i) => [
      html`${coloured && html`<span class="swatch" style="background:${seriesColour(i)}"></span>`}${g.run.label}`,
      ...shown.map(([, of]) => of(g)),
    ]),
    [shown.length],
  );
}

function accuracyFigure(grpos: readonly GrpoFacts[]): Markup | undefined {
  const withBand = grpos.length <= 3;
  const of = (g: GrpoFacts): BandPoint[] =>
    g.evaluations.map((e) => ({
      x: e.step,
      y: e.accuracy,
      ...(withBand && e.low !== undefined && e.high !== undefined ? { low: e.low, high: e.high } : {}),
    }));
  return chart(
    grpos,
    {
      title: 'Accuracy on held-out problems',
      caption: `At each evaluation${withBand ? ', with its 95 % interval where recorded' : ''}.`,
      yLabel: 'accuracy',
      yFormat: (v) => percent(v, 0),
    },
    of,
    { dots: true },
  );
}

function rewardFigure(grpos: readonly GrpoFacts[]): Markup | undefined {
  const withBand = grpos.length <= 2;
  const of = (g: GrpoFacts): BandPoint[] =>
    g.run.rows.flatMap((row) => {
      const y = metric(row, 'reward');
      const spread = metric(row, 'reward_std');
      if (y === undefined) return [];
      return [
        {
          x: row.step,
          y,
          ...(withBand && spread !== undefined ? { low: y - spread, high: y + spread } : {}),
        },
      ];
    });
  return chart(
    grpos,
    {
      title: 'Reward',
      caption: `Mean over the sampled responses of a step${withBand ? '; the band is one standard deviation to each side' : ''}.`,
      yLabel: 'reward',
      yFormat: decimal,
    },
    of,
  );
}

function lengthFigure(grpos: readonly GrpoFacts[]): Markup | undefined {
  const means = seriesOf(grpos, (g) => metricPoints(g.run.rows, 'completions/mean_length'), {});
  if (means.every((s) => s.points.length === 0)) return undefined;
  const longest = grpos.length === 1 ? metricPoints(grpos[0]!.run.rows, 'completions/max_length') : [];
  return lineFigure({
    title: 'Response length',
    caption: 'Tokens. Stepped line: the most the length schedule allows.',
    xLabel: 'step',
    yLabel: 'tokens',
    xFormat: whole,
    yFormat: whole,
    series: [
      ...(grpos.length === 1 ? [{ ...means[0]!, label: 'mean' }] : means),
      { label: 'longest', colour: seriesColour(3), dash: '2 3', points: longest },
      ...allowedLines(grpos),
    ],
  });
}

/** One stepped line per distinct schedule: arms often share it. */
function allowedLines(grpos: readonly GrpoFacts[]): LineSeries[] {
  const seen = new Set<string>();
  return grpos.flatMap((g) => {
    const allowed = metricPoints(g.run.rows, 'completions/max_allowed_length');
    const key = allowed
      .filter((p, i) => i === 0 || p.y !== allowed[i - 1]!.y)
      .map((p) => `${p.x}:${p.y}`)
      .join();
    if (allowed.length === 0 || seen.has(key)) return [];
    seen.add(key);
    const corners = allowed.filter(
      (p, i) => i === 0 || i === allowed.length - 1 || p.y !== allowed[i - 1]!.y,
    );
    const label = seen.size === 1 ? 'allowed' : `allowed, ${g.run.label}`;
    return [{ label, colour: 'var(--ink-soft)', dash: '6 3', points: corners, step: true }];
  });
}

function timeFigure(grpos: readonly GrpoFacts[]): Markup | undefined {
  const parts = [
    ['timing_s/gen', 'sampling'],
    ['timing_s/update_actor', 'update'],
  ] as const;
  const series = grpos.flatMap((g, i) =>
    parts.map(([name, label], j) => ({
      label: grpos.length > 1 ? `${g.run.label}, ${label}` : label,
      colour: seriesColour(grpos.length > 1 ? i : j),
      dash: grpos.length > 1 && j === 1 ? '2 3' : '',
      points: metricPoints(g.run.rows, name),
    })),
  );
  return lineFigure({
    title: 'Time per step',
    caption: 'Seconds.',
    xLabel: 'step',
    yLabel: 'seconds',
    xFormat: whole,
    yFormat: decimal,
    series,
  });
}
