/**
 * Reinforcement learning by arm: accuracy on every problem set, reward, length with what was allowed, and the signs of failure, as pictures of one size in
 * which an arm has one colour; crosses mark where a signature fired in a seed's run.
 */

import { type EvaluatedSet, inOrderOfSets, setsOf } from '../signatures/read-row.ts';
import type { SignatureName } from '../signatures/rule.ts';
import { signatureRules } from '../signatures/rules.ts';
import { type ArmCurves, armCurves } from './ablation-curves.ts';
import { type ArmChart, armFigure, armKey } from './ablation-figures.ts';
import { signatureTable } from './ablation-signatures.ts';
import type { AblationView } from './ablation-view.ts';
import { html, type Markup } from './html.ts';
import type { LineSeries } from './line-chart.ts';
import { decimal, exponent, percent, whole } from './number-format.ts';
import { metricPoints } from './report-run.ts';

type ChartText = Pick<ArmChart, 'title' | 'caption' | 'yLabel' | 'yFormat'> & Partial<ArmChart>;

const share = { yFormat: (v: number): string => percent(v, 0), yLabel: 'share' };

export function rlSection(view: AblationView): Markup | undefined {
  const drawn = view.arms.flatMap((arm) => arm.cells.flatMap((cell) => view.runOf(cell, 'grpo') ?? []));
  if (drawn.length === 0) return undefined;
  const many = view.arms.length > 4;
  const one = (metric: string, text: ChartText, fired: readonly SignatureName[] = []): Markup | undefined => {
    const curves = armCurves(view, 'grpo', metric);
    // What is zero throughout (KL without a KL term) has nothing to show.
    if (curves.every(({ seeds }) => seeds.every(({ points }) => points.every(({ y }) => y === 0))))
      return undefined;
    return armFigure({ xLabel: 'step', xFormat: whole, ...text, curves, events: eventsOn(curves, fired) });
  };
  const sets = accuracyFigures(view, many);
  const figures = [
    one('reward', {
      title: 'Reward',
      caption: 'Mean over the responses of a step.',
      yLabel: 'reward',
      yFormat: decimal,
    }),
    one(
      'entropy',
      {
        title: 'Entropy',
        caption: 'Mean per token, nats. A fall to zero means the model has stopped exploring.',
        yLabel: 'nats',
        yFormat: decimal,
      },
      ['entropy_collapse', 'entropy_explosion'],
    ),
    one(
      'completions/mean_length',
      {
        title: 'Response length',
        caption:
          'Tokens, mean of the responses drawn for training. Stepped grey line: the most that is allowed.',
        yLabel: 'tokens',
        yFormat: whole,
        extra: allowedLines(view),
      },
      ['length_slope'],
    ),
    one(
      'eval_completions/mean_correct_length',
      {
        title: 'Length of correct responses',
        caption:
          'Tokens, at each evaluation; a model that loops is not seen here, one that thinks longer is.',
        yLabel: 'tokens',
        yFormat: whole,
        dots: true,
        extra: allowedLines(view),
      },
      ['length_saturation'],
    ),
    one(
      'completions/clipped_ratio',
      {
        ...share,
        title: 'Truncated responses',
        caption: 'Share of responses cut off at the allowed length.',
      },
      ['length_explosion'],
    ),
    one(
      'completions/repetition_ratio',
      {
        ...share,
        title: 'Repetition',
        caption: 'Share of responses that run into a loop.',
      },
      ['repetition_loop'],
    ),
    one(
      'completions/answer_first_ratio',
      {
        ...share,
        title: 'Answer first',
        caption: 'Share of responses that begin with the boxed answer, before any reasoning.',
      },
      ['premature_answer'],
    ),
    one(
      'frac_reward_zero_std',
      {
        ...share,
        title: 'Groups without a signal',
        caption: 'Share of prompts whose responses all got the same reward; they teach nothing.',
      },
      ['zero_variance_groups'],
    ),
  ];
  const mechanics = [
    one('grad_norm', {
      title: 'Gradient norm',
      caption: 'Before clipping.',
      yLabel: 'norm',
      yFormat: decimal,
    }),
    one('kl', {
      title: 'KL to the reference',
      caption: 'Mean per token, nats.',
      yLabel: 'KL',
      yFormat: decimal,
    }),
    one('clip_ratio/region_mean', {
      ...share,
      yFormat: (v) => percent(v),
      title: 'Clipped updates',
      caption: 'Share of tokens whose probability ratio left the trust region.',
    }),
    one('sampling/sampling_logp_difference/max', {
      title: 'Sampler against trainer',
      caption: 'Largest difference of log-probabilities; it should stay near zero.',
      yLabel: 'nats',
      yFormat: exponent,
    }),
  ].filter((figure) => figure !== undefined);
  return html`<section id="rl"><h2>Reinforcement learning</h2><p class="hint">Lines: the mean over seeds; pale: each seed as measured, where that can be read (else arm by arm). Lines of single steps are moving means of five and more steps; evaluations are drawn as measured. Crosses: a signature of failure fired in a seed’s run.</p>${armKey(
    view.arms,
  )}<div class="grid">${sets}${figures}</div>${
    mechanics.length > 0 &&
    html`<details class="more"><summary>How the updates went</summary><div class="grid">${mechanics}</div></details>`
  }${signatureTable(view)}</section>`;
}

/** One picture for each problem set; the first, which arms are judged by, is wide. */
function accuracyFigures(view: AblationView, many: boolean): (Markup | undefined)[] {
  const names = new Set<string>();
  const cache = new Map<object, Map<string, EvaluatedSet>>();
  const setsIn = (row: Record<string, unknown>): Map<string, EvaluatedSet> => {
    const known = cache.get(row) ?? setsOf(row);
    cache.set(row, known);
    return known;
  };
  for (const run of view.runs.values())
    if (run.kind === 'grpo')
      for (const row of run.rows)
        for (const [name, { accuracy }] of setsIn(row)) if (accuracy !== undefined) names.add(name);
  return inOrderOfSets([...names]).map((name, i) => {
    const curves = armCurves(view, 'grpo', (run) =>
      run.rows.flatMap((row) => {
        const y = setsIn(row).get(name)?.accuracy;
        return y === undefined ? [] : [{ x: row.step, y }];
      }),
    );
    return armFigure({
      curves,
      title: name === '' ? 'Accuracy on held-out problems' : `Accuracy on ${name}`,
      caption: 'At each evaluation; step 0 is the checkpoint before RL.',
      xLabel: 'step',
      xFormat: whole,
      yLabel: 'accuracy',
      yFormat: (v) => percent(v, 0),
      dots: true,
      wide: i === 0,
      open: i === 0 && many,
      events: i === 0 ? eventsOn(curves, ['accuracy_collapse', 'length_saturation', 'repetition_loop']) : [],
    });
  });
}

/** A cross on the seed's own curve, at the nearest step that it has. */
function eventsOn(
  curves: readonly ArmCurves[],
  fired: readonly SignatureName[],
): NonNullable<ArmChart['events']> {
  const names = new Set<string>(fired);
  return curves.flatMap(({ arm, seeds }) =>
    arm.cells.flatMap(({ seed, signatures }) => {
      const points = seeds.find((curve) => curve.seed === seed)?.points ?? [];
      return signatures.flatMap(({ name, step, text }) => {
        if (!names.has(name) || points.length === 0) return [];
        const near = points.reduce((best, p) => (Math.abs(p.x - step) < Math.abs(best.x - step) ? p : best));
        const title = signatureRules.get(name as SignatureName)?.title ?? name;
        return [
          {
            x: near.x,
            y: near.y,
            colour: arm.colour,
            arm,
            title: `${arm.label}, seed ${seed}, step ${whole(step)}\n${title}: ${text}`,
          },
        ];
      });
    }),
  );
}

/** One stepped line for each distinct schedule: most arms share it. */
function allowedLines(view: AblationView): LineSeries[] {
  const schedules = new Map<string, { arms: Set<string>; points: { x: number; y: number }[] }>();
  for (const arm of view.arms)
    for (const cell of arm.cells) {
      const run = view.runOf(cell, 'grpo');
      const all = run === undefined ? [] : metricPoints(run.rows, 'completions/max_allowed_length');
      const points = all.filter((p, i) => i === 0 || i === all.length - 1 || p.y !== all[i - 1]!.y);
      if (points.length === 0) continue;
      const key = points.map(({ x, y }) => `${x}:${y}`).join();
      const known = schedules.get(key) ?? { arms: new Set(), points };
      known.arms.add(arm.label);
      schedules.set(key, known);
    }
  return [...schedules.values()].map(({ arms, points }) => ({
    label: schedules.size === 1 ? 'allowed' : `allowed, ${[...arms].join(', ')}`,
    colour: 'var(--ink-soft)',
    dash: '6 3',
    points,
    step: true,
  }));
}
