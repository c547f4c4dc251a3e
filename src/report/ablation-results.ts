/** What the arms came to: the primary measures with every seed, what may be claimed of them, and all measures in one table. */
import type { Claim } from '../core/claim.ts';
import type { AblationClaim, AblationClaims } from './ablation-claims.ts';
import type { AblationMeasure } from './ablation-data.ts';
import { armName } from './ablation-figures.ts';
import { stripFigure } from './ablation-strip.ts';
import { type AblationView, type ArmView, acrossClass, meanOf, valuesOf } from './ablation-view.ts';
import { table } from './figure.ts';
import { type Content, html, type Markup } from './html.ts';
import { differenceAxis, showDifference, showValue } from './measure-format.ts';
import { compact } from './number-format.ts';
import { seedPicture } from './seed-figure.ts';

export function resultsSection(view: AblationView, { claims, signal }: AblationClaims): Markup {
  const primary = view.input.measures.filter((m) => m.primary);
  const lost = signal !== undefined && !signal.holds;
  return html`<section id="results"><h2>Results over seeds</h2>${primary.map(
    (measure) => html`${stripFigure(view, measure)}${!lost && comparisonFigure(measure, claims)}`,
  )}${claims.length > 0 && claimList(claims)}<h3>All measures by arm</h3><p class="hint">Mean over seeds, and below it every seed in the order ${view.input.seeds.join(', ')}. Only ${
    primary.length === 0
      ? 'primary measures are'
      : `${primary.map(({ label }) => label).join(' and ')} ${primary.length === 1 ? 'is' : 'are'}`
  } compared with a test; the others are described, so that no chance difference among many is taken for a finding.</p>${measureTable(view)}${measureWords(view)}</section>`;
}

function comparisonFigure(measure: AblationMeasure, claims: readonly AblationClaim[]): Markup | undefined {
  const own = claims.filter((c) => c.measure.name === measure.name).map(({ comparison }) => comparison);
  if (own.every(({ pairs }) => pairs.length === 0)) return undefined;
  return seedPicture(own, {
    what: `difference in ${measure.label}`,
    show: (difference) => showDifference(measure.unit, difference),
    axis: differenceAxis(measure.label, measure.unit),
  });
}

const verdictWords = {
  higher: 'higher',
  lower: 'lower',
  same: 'the same',
  unclear: 'cannot be told',
  'cannot-say': 'cannot say',
  'no-signal': 'no signal',
} as const;

/** The claims to be written out; without a signal all say the same of their pair, and the first stands for them. */
export function spokenClaims(claims: readonly AblationClaim[]): Claim[] {
  const lost = claims.every(({ claim }) => claim.verdict === 'no-signal');
  const first = claims[0]?.claim;
  if (!lost || first === undefined || claims.length === 1) return claims.map(({ claim }) => claim);
  return [
    {
      ...first,
      text: first.text.replace(/, so .* is not compared with .*$/s, ', so no arm is compared with another.'),
      warnings: first.warnings.slice(0, 1),
    },
  ];
}

/** Each comparison's sentence, and what is to be borne in mind with it. */
function claimList(claims: readonly AblationClaim[]): Markup {
  const distinct = spokenClaims(claims);
  return html`<h3>What may be said of the differences</h3><ul class="claims">${distinct.map(
    ({ verdict, text, warnings }) =>
      html`<li><span class="badge ${verdict === 'higher' || verdict === 'lower' || verdict === 'same' ? 'ok' : ''}">${verdictWords[verdict]}</span> ${text}${
        warnings.length > 0 &&
        html`<ul class="missing">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`
      }</li>`,
  )}</ul>`;
}

/** Measures that no arm has a value of are named below the table and take no row. */
export function tellingMeasures({ input, arms }: AblationView): AblationMeasure[] {
  return input.measures.filter((measure) => arms.some((arm) => valuesOf(arm, measure).length > 0));
}

function measureTable(view: AblationView): Markup {
  return html`<div class="${acrossClass(view)}">${table(
    ['', ...view.arms.map(armName)],
    tellingMeasures(view).map((measure) => [
      html`${measure.primary ? html`<strong>${measure.label}</strong>` : measure.label}`,
      ...view.arms.map((arm) => measureCell(view, arm, measure)),
    ]),
  )}</div>`;
}

function measureCell(view: AblationView, arm: ArmView, measure: AblationMeasure): Content {
  const values = valuesOf(arm, measure);
  if (values.length === 0) return '–';
  const shown = (value: number | undefined): string =>
    measure.unit === 'tokens' && value !== undefined && value >= 10_000
      ? `${compact(value)} tokens`
      : showValue(measure.unit, value);
  const bare = (value: number | undefined): string => shown(value).replace(/ [a-z%]+$/, '');
  const seeds = view.input.seeds.map((seed) => bare(values.find((v) => v.seed === seed)?.value));
  const alike = values.length > 1 && new Set(values.map(({ value }) => value)).size === 1;
  return html`<span class="strong">${shown(meanOf(values))}</span>${
    values.length < view.input.seeds.length &&
    html` <small>of ${values.length} ${values.length === 1 ? 'seed' : 'seeds'}</small>`
  }${
    view.input.seeds.length > 1 && html`<br><small>${alike ? 'every seed' : seeds.join('\u00a0· ')}</small>`
  }`;
}

function measureWords(view: AblationView): Markup {
  const known = new Set(tellingMeasures(view));
  const none = view.input.measures.filter((measure) => !known.has(measure));
  return html`<details class="more"><summary>What each measure is</summary><dl class="facts">${view.input.measures.map(
    ({ label, about, name }) => html`<dt>${label} <code>${name}</code></dt><dd>${about}</dd>`,
  )}</dl></details>${none.length > 0 && html`<p class="hint">No arm has a value of: ${none.map(({ label }) => label).join(', ')}.</p>`}`;
}
