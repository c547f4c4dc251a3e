/** The top of an ablation's page: the answer in its sentences with what the paper found beside it, what to be warned of, and the arms with what tells them apart. */
import type { AblationInput } from './ablation-data.ts';
import { armName } from './ablation-figures.ts';
import { type AblationView, type ArmView, settingInWords } from './ablation-view.ts';
import { table } from './figure.ts';
import type { Headline } from './headline.ts';
import { breakable, type Content, html, type Markup } from './html.ts';
import { showValue } from './measure-format.ts';
import { whole } from './number-format.ts';

export function ablationHeadline(view: AblationView): Headline {
  const { input } = view;
  const done = input.cells.filter(({ status }) => status === 'done').length;
  const failed = input.cells.filter(({ status }) => status === 'failed').length;
  const fired = input.cells.filter(({ signatures }) => signatures.length > 0);
  const { calibration } = input;
  return {
    sentence: input.question,
    numbers: [
      {
        label: 'Arms by seeds',
        value: `${whole(input.arms.length)} × ${whole(input.seeds.length)}`,
        detail: `${whole(done)} of ${whole(input.cells.length)} cells done${failed > 0 ? `, ${whole(failed)} failed` : ''}`,
        ...(failed > 0 ? { tone: 'bad' as const } : {}),
      },
      ...(calibration === undefined
        ? []
        : [
            {
              label: 'Calibration',
              value: calibration.outcome,
              detail: `${calibration.arm}: does RL climb at all here`,
              ...(calibration.outcome === 'signal' ? { tone: 'good' as const } : { tone: 'bad' as const }),
            },
          ]),
      {
        label: 'RL runs with a sign of failure',
        value: `${whole(fired.length)} of ${whole(done)}`,
        detail:
          fired.length === 0
            ? 'no signature fired'
            : [...new Set(fired.map(({ arm }) => arm))].slice(0, 4).join(', '),
        ...(fired.length > 0 ? { tone: 'bad' as const } : {}),
      },
      {
        label: 'Size',
        value: input.size,
        detail: [input.device, ...tokensOf(input)].filter((part) => part !== undefined).join('; '),
      },
    ],
  };
}

/** Tokens that all training steps of the grid saw, once each. */
function tokensOf({ steps }: AblationInput): string[] {
  const tokens = steps.reduce((sum, { kind, summary }) => {
    const own = summary?.tokens;
    return kind.startsWith('train') && typeof own === 'number' ? sum + own : sum;
  }, 0);
  return tokens === 0 ? [] : [`${whole(tokens)} tokens trained`];
}

export function answerSection(view: AblationView, answer: readonly string[]): Markup {
  const { input } = view;
  const warnings = headWarnings(input);
  return html`<section id="answer"><h2>Answer</h2><div class="answer-grid"><div class="answer">${answer.map(
    (sentence) => html`<p>${sentence}</p>`,
  )}</div>${
    input.paper !== undefined &&
    html`<aside class="paper"><h3>What the paper found</h3><p>${input.paper}</p><p class="hint">As the experiment's file states it, at the paper's scale; shown beside this answer and not compared with it by the program.</p></aside>`
  }</div>${
    warnings.length > 0 &&
    html`<ul class="notes">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`
  }${armTable(view)}${calibrationPart(view)}</section>`;
}

/** What limits everything on the page, in full sentences. */
export function headWarnings(input: AblationInput): string[] {
  const out: string[] = [];
  const { calibration, seeds, cells } = input;
  if (calibration?.outcome === 'not run')
    out.push(
      `The calibration (${calibration.arm}) was not run, so it is not known whether RL climbs in this world at all.`,
    );
  if (calibration?.outcome === 'no signal')
    out.push(
      'No signal: what is measured did not climb for certain where it should. Differences between arms on this page mean nothing.',
    );
  if (seeds.length < 3)
    out.push(
      `${seeds.length === 1 ? 'One seed' : `${seeds.length} seeds`}: too few to say anything about differences between arms.`,
    );
  else if (seeds.length < 5)
    out.push(
      `${seeds.length} seeds: with so few, an interval is wide (paired t with ${seeds.length - 1} degrees of freedom), and a difference that is there may well not be told from none.`,
    );
  for (const [status, words] of [
    ['failed', 'failed'],
    ['not run', 'not run'],
  ] as const) {
    const of = cells.filter((cell) => cell.status === status);
    if (of.length > 0)
      out.push(
        `${whole(of.length)} of ${whole(cells.length)} cells ${words}: ${of
          .slice(0, 8)
          .map(({ arm, seed }) => `${arm} seed ${seed}`)
          .join(
            ', ',
          )}${of.length > 8 ? ` and ${of.length - 8} more` : ''}. Their seeds are left out where they would be compared.`,
      );
  }
  return out;
}

function armTable(view: AblationView): Markup {
  return html`<h3>The arms</h3><div class="arms">${table(
    ['Arm', 'What it is', 'Setting', 'Base', 'Here', 'RL starts from', 'Seeds'],
    view.arms.map((arm) => {
      const { differences, describe, state } = arm.arm;
      const list = (of: (d: (typeof differences)[number]) => Content): Content =>
        differences.map((d, i) => html`${i > 0 && html`<br>`}${of(d)}`);
      return [
        html`${armName(arm)}${arm.baseline && html`<br><small>others are compared with it</small>`}`,
        describe ?? '',
        differences.length === 0
          ? html`<em>the base as it is</em>`
          : list((d) => html`<code>${breakable(d.path)}</code>`),
        list((d) => html`<code>${settingInWords(d.base)}</code>`),
        list((d) => html`<code>${settingInWords(d.value)}</code>`),
        state === 'not trained' ? 'not trained' : `a ${state} checkpoint`,
        seedStates(arm),
      ];
    }),
    [1, 2, 3, 4, 5, 6],
  )}</div>`;
}

function seedStates({ cells }: ArmView): Content {
  return cells.map(
    ({ seed, status }, i) =>
      html`${i > 0 && ' '}<span class="badge ${status === 'done' ? 'ok' : status === 'failed' ? 'failed' : ''}" title="${`seed ${seed}: ${status}`}">${seed}${status !== 'done' && ` ${status}`}</span>`,
  );
}

function calibrationPart({ input }: AblationView): Markup | undefined {
  const { calibration } = input;
  if (calibration === undefined) return undefined;
  const unit = input.measures.find(({ name }) => name === calibration.measure)?.unit ?? 'share';
  return html`<h3>Calibration: is there anything to be seen here</h3><p class="lead">${calibration.text}</p>${
    calibration.pairs.length > 0 &&
    html`<p class="hint">From the start of RL to its end: ${calibration.pairs
      .map(({ seed, start, end }) => `seed ${seed} ${showValue(unit, start)} → ${showValue(unit, end)}`)
      .join(', ')}.</p>`
  }`;
}
