/** What was mixed: requested against achieved tokens per source, the QA share against the paper's band, repeats, evidence. */
import type { Evidence } from '../core/evidence.ts';
import { evidenceBadge, evidenceLegend } from './evidence-badge.ts';
import { figure, swatchLegend, table } from './figure.ts';
import { notes } from './filter-section.ts';
import { clip, html, type Markup } from './html.ts';
import { type MixFacts, type MixSource, qaBand } from './mix-facts.ts';
import { compact, decimal, percent, whole } from './number-format.ts';
import { roleColour, roleOrder } from './palette.ts';

export function mixSection(mixes: readonly MixFacts[]): Markup | undefined {
  if (mixes.length === 0) return undefined;
  const tags = mixes.flatMap((m) =>
    m.sources.flatMap((s) => [s.evidence ?? [], s.templateEvidence ?? []].flat()),
  );
  const roles = [...new Set(mixes.flatMap((m) => m.sources.map((s) => s.role)))].sort(
    (a, b) => rank(a) - rank(b),
  );
  return html`<section id="mix"><h2>Mix</h2>${shares(mixes, roles)}${qaMeter(mixes)}${mixes.map(
    (m) => html`<h3>${mixes.length > 1 ? m.run.label : 'Sources'}</h3>${facts(m)}${sourceTable(m)}`,
  )}${evidenceLegend(tags as Evidence[])}</section>`;
}

function rank(role: string): number {
  const i = (roleOrder as readonly string[]).indexOf(role);
  return i < 0 ? roleOrder.length : i;
}

/** Two bars per mixture, requested over achieved, so that a difference shows as a step between them. */
function shares(mixes: readonly MixFacts[], roles: readonly string[]): Markup {
  return figure({
    title: 'Tokens by source',
    caption: 'Requested shares above, achieved shares below, grouped by role.',
    wide: true,
    legend: swatchLegend(roles.map((role) => ({ label: role, colour: roleColour(role) }))),
    picture: mixes.map((m) => {
      const requested = m.sources.reduce((sum, s) => sum + (s.requestedTokens ?? 0), 0);
      return html`<div class="stack">${mixes.length > 1 && html`<p class="stack-title">${m.run.label}</p>`}${
        requested > 0 && stackedBar('requested', m.sources, (s) => (s.requestedTokens ?? 0) / requested)
      }${stackedBar('achieved', m.sources, (s) => s.achievedShare)}</div>`;
    }),
  });
}

export function stackedBar(
  label: string,
  sources: readonly MixSource[],
  share: (s: MixSource) => number,
): Markup {
  const words = sources.map((s) => `${s.name} ${percent(share(s))}`).join(', ');
  return html`<div class="stack-row"><span class="stack-label">${label}</span><div class="stack-bar" role="img" aria-label="${`${label}: ${words}`}">${sources.map(
    (s) => {
      const value = Math.max(0, Math.min(1, share(s)));
      return html`<span class="stack-part" style="width:${(value * 100).toFixed(3)}%;background:${roleColour(s.role)}" title="${`${s.name} (${s.role}): ${percent(value)}`}">${
        value >= 0.09 && html`<span>${clip(s.name, 40).split(' … (')[0]} ${percent(value, 0)}</span>`
      }</span>`;
    },
  )}</div></div>`;
}

/** The share of question-and-answer data on a scale to 60 %, with the band in which the paper saw its gains. */
function qaMeter(mixes: readonly MixFacts[]): Markup | undefined {
  const known = mixes.filter((m) => m.qaShare !== undefined);
  if (known.length === 0) return undefined;
  const end = 0.6;
  const at = (share: number): string => `${(Math.min(1, share / end) * 100).toFixed(2)}%`;
  return figure({
    title: 'QA share',
    caption: `Tokens of the roles qa and long-cot as a share of all. Gains grew up to about ${percent(qaBand.low, 0)} to ${percent(
      qaBand.high,
      0,
    )} in the paper (shaded); more helped little.`,
    wide: true,
    picture: html`<div class="meters">${known.map((m) => {
      const share = m.qaShare!;
      const where =
        share < qaBand.low ? 'below the band' : share > qaBand.high ? 'above the band' : 'inside the band';
      return html`<div class="meter-row"><span class="stack-label">${known.length > 1 ? m.run.label : 'achieved'}</span><div class="meter" role="img" aria-label="${`QA share ${percent(share)}, ${where} of 30 to 40 %`}"><span class="meter-band" style="left:${at(
        qaBand.low,
      )};width:${at(qaBand.high - qaBand.low)}"></span><span class="meter-fill" style="width:${at(share)}"></span></div><span class="meter-value">${percent(share)} <small>${where}</small></span></div>`;
    })}<div class="meter-row axis"><span class="stack-label"></span><div class="meter-axis"><span style="left:0">0</span><span style="left:${at(qaBand.low)}">30 %</span><span style="left:${at(qaBand.high)}">40 %</span><span style="left:100%">60 %</span></div><span class="meter-value"></span></div></div>`,
  });
}

function facts(m: MixFacts): Markup {
  const parts = [
    `${whole(m.totalTokens)} tokens`,
    ...(m.sequences === undefined || m.sequenceLength === undefined
      ? []
      : [`${whole(m.sequences)} sequences of ${whole(m.sequenceLength)}`]),
    ...(m.seed === undefined ? [] : [`seed ${m.seed}`]),
  ];
  return html`<p class="lead">${parts.join(', ')}.</p>${notes([...m.warnings, ...m.notes])}`;
}

function sourceTable(m: MixFacts): Markup {
  const most = Math.max(1, ...m.sources.map((s) => s.repeats ?? 0));
  const templates = m.sources.some((s) => s.template != null);
  return table(
    [
      'Source',
      'Role',
      'Weight',
      'Evidence',
      ...(templates ? ['Template'] : []),
      'Requested',
      'Achieved',
      'Share',
      'Difference',
      'Documents',
      'Repeats',
    ],
    m.sources.map((s) => [
      html`${clip(s.name, 80)}${s.card != null && s.card !== s.name && html` <small>${clip(s.card, 80)}</small>`}${
        s.note != null && html`<br><small>${clip(s.note, 200)}</small>`
      }`,
      html`<span class="swatch" style="background:${roleColour(s.role)}"></span>${s.role}`,
      s.weight == null ? '–' : decimal(s.weight),
      evidenceBadge(s.evidence) ?? '–',
      ...(templates
        ? [html`<code>${clip(s.template ?? '–', 60)}</code> ${evidenceBadge(s.templateEvidence)}`]
        : []),
      compact(s.requestedTokens ?? undefined),
      compact(s.achievedTokens),
      percent(s.achievedShare),
      s.requestedTokens == null ? '–' : difference(s.achievedTokens - s.requestedTokens),
      whole(s.documents ?? undefined),
      s.repeats == null ? '–' : repeatsCell(s.repeats, most),
    ]),
    templates ? [1, 3, 4] : [1, 3],
  );
}

function difference(tokens: number): string {
  return tokens === 0 ? '0' : `${tokens > 0 ? '+' : '−'}${whole(Math.abs(tokens))}`;
}

/** A source read more than once is marked by a small bar: repetition is a cost that a share does not show. */
function repeatsCell(repeats: number, most: number): Markup {
  return html`${repeats.toFixed(2)}<span class="mini"><span style="width:${((repeats / most) * 100).toFixed(1)}%" class="${repeats > 1 ? 'over' : 'under'}"></span></span>`;
}
