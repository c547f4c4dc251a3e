/**
 * The picture at the top: pages flow in, each reason takes its share away, what is kept becomes part of the mixture, and the
 * mixture becomes a loss curve and a reward curve. Heights are proportional: documents in the left half (a band is as thick as its
 * share of the pages), tokens in the mixture's bar. The band that joins the two changes its unit and so its thickness.
 */
import type { Ledger } from '../core/ledger.ts';
import { clip, html, type Markup } from './html.ts';
import { compact, percent, whole } from './number-format.ts';
import { roleColour } from './palette.ts';
import { type Point, thin } from './thin.ts';

interface FlowCurve {
  points: readonly Point[];
  colour: string;
}

export interface FlowPanel {
  title: string;
  /** Under the curve: "3.82 → 1.94". */
  detail: string;
  curves: readonly FlowCurve[];
}

interface FlowSegment {
  label: string;
  role: string;
  tokens: number;
}

export interface Flow {
  ledger: Ledger | undefined;
  mix: { title: string; segments: readonly FlowSegment[] } | undefined;
  panels: readonly FlowPanel[];
  /** Whether the mixture is recorded as made from these pages; else no band joins the two. */
  linked: boolean;
  /** In words, for screen readers. */
  description: string;
}

interface Outflow {
  name: string;
  count: number;
  colour: string;
}

const barWidth = 12;
const barHeight = 190;
const top = 46;

/** One wide picture: documents, mixture and curves side by side. */
export function drawFlow(flow: Flow): Markup {
  const width = 1080;
  const pieces: Markup[] = [];
  let x = 0;
  let height = top + barHeight + 30;
  let keptBar: { x: number; y: number; height: number } | undefined;
  if (flow.ledger !== undefined) {
    const drawn = documents(flow.ledger, x);
    pieces.push(drawn.markup);
    keptBar = drawn.kept;
    height = Math.max(height, drawn.bottom + 12);
    x = 425;
  }
  if (flow.mix !== undefined) {
    const drawn = mixture(flow.mix, x, keptBar, flow.linked);
    pieces.push(drawn.markup);
    height = Math.max(height, drawn.bottom + 12);
    x += 210;
  }
  const room = (width - x - 20) / Math.max(1, flow.panels.length);
  const panelWidth = Math.min(330, room - 30);
  flow.panels.forEach((panel, i) => {
    const at = x + i * room + (x === 0 ? 0 : 22);
    if (at > 30) pieces.push(arrow(at - 18));
    pieces.push(curvePanel(panel, at, panelWidth));
  });
  return picture(width, height, flow.description, pieces);
}

/** The same pieces one under the other, for a phone. */
export function drawNarrowFlow(flow: Flow): Markup[] {
  const pieces: Markup[] = [];
  if (flow.ledger !== undefined) {
    const drawn = documents(flow.ledger, 0);
    pieces.push(
      picture(420, Math.max(drawn.bottom + 8, top + barHeight + 8), flow.description, [drawn.markup]),
    );
  }
  if (flow.mix !== undefined) {
    const drawn = mixture(flow.mix, 0, undefined, false);
    const words = flow.mix.segments.map((s) => `${s.label} ${compact(s.tokens)} tokens`).join(', ');
    pieces.push(
      picture(420, Math.max(drawn.bottom + 8, top + barHeight + 8), `${flow.mix.title}: ${words}`, [
        drawn.markup,
      ]),
    );
  }
  for (const panel of flow.panels) {
    pieces.push(
      picture(420, top + barHeight + 24, `${panel.title}: ${panel.detail}`, [curvePanel(panel, 0, 400)]),
    );
  }
  return pieces;
}

function picture(width: number, height: number, description: string, pieces: readonly Markup[]): Markup {
  return html`<svg role="img" aria-label="${description}" viewBox="0 0 ${width} ${Math.ceil(height)}" width="${width}" height="${Math.ceil(
    height,
  )}" class="flow" font-size="12.5"><title>The whole way</title><desc>${description}</desc>${pieces}</svg>`;
}

function heading(x: number, title: string, detail: string): Markup {
  return html`<text x="${x}" y="14" class="flow-title">${title}</text><text x="${x}" y="32" class="flow-detail">${detail}</text>`;
}

/** Pages in, kept, and each reason's share; the seven largest reasons by name. */
function documents(
  ledger: Ledger,
  x: number,
): { markup: Markup; kept: { x: number; y: number; height: number }; bottom: number } {
  const scale = barHeight / Math.max(1, ledger.in);
  const right = x + 190;
  const keptHeight = ledger.kept * scale;
  const parts: Markup[] = [
    heading(x, 'Pages', `${whole(ledger.in)} in`),
    bar(x, top, barHeight, 'var(--ink-soft)', `${whole(ledger.in)} pages in`),
    band(x + barWidth, top, right, top, keptHeight, keptHeight, 'var(--kept)', `${whole(ledger.kept)} kept`),
    bar(right, top, keptHeight, 'var(--kept)', `${whole(ledger.kept)} kept`),
    html`<text x="${right + barWidth + 8}" y="${top + Math.max(10, Math.min(keptHeight / 2 + 4, 60))}" class="flow-label"><tspan class="strong">kept ${whole(
      ledger.kept,
    )}</tspan> (${percent(ledger.in === 0 ? undefined : ledger.kept / ledger.in)})</text>`,
  ];
  let from = top + keptHeight;
  let to = top + Math.max(keptHeight, 14) + 12;
  for (const out of outflows(ledger)) {
    const h = out.count * scale;
    const drawn = Math.max(h, 1.5);
    const words = `${clipLabel(out.name, 25)} ${whole(out.count)}`;
    parts.push(
      band(x + barWidth, from, right, to, h, drawn, out.colour, `${out.name}: ${whole(out.count)}`),
      bar(right, to, drawn, out.colour, `${out.name}: ${whole(out.count)}`),
      html`<text x="${right + barWidth + 8}" y="${to + Math.max(drawn / 2, 1) + 4}" class="flow-label">${words}</text>`,
    );
    from += h;
    to += Math.max(drawn + 5, 17);
  }
  return {
    markup: html`<g>${parts}</g>`,
    kept: { x: right + barWidth, y: top, height: keptHeight },
    bottom: to,
  };
}

function outflows(ledger: Ledger, most = 7): Outflow[] {
  const all = [
    ...Object.entries(ledger.dropped).map(([name, count]) => ({ name, count, colour: 'var(--dropped)' })),
    ...Object.entries(ledger.failed).map(([name, count]) => ({
      name: `failed: ${name}`,
      count,
      colour: 'var(--failed)',
    })),
  ]
    .filter((o) => o.count > 0)
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  if (all.length <= most) return all;
  const rest = all.slice(most - 1);
  const count = rest.reduce((sum, o) => sum + o.count, 0);
  return [
    ...all.slice(0, most - 1),
    { name: `${rest.length} other reasons`, count, colour: 'var(--dropped)' },
  ];
}

function mixture(
  mix: NonNullable<Flow['mix']>,
  x: number,
  kept: { x: number; y: number; height: number } | undefined,
  linked: boolean,
): { markup: Markup; bottom: number } {
  const total = mix.segments.reduce((sum, s) => sum + s.tokens, 0);
  const parts: Markup[] = [heading(x, mix.title, `${compact(total)} tokens`)];
  const web = mix.segments.filter((s) => s.role === 'web').reduce((sum, s) => sum + s.tokens, 0);
  if (kept !== undefined && linked && kept.height > 0 && web > 0) {
    // The label "kept" sits on the band's root; the band begins behind it.
    const height = Math.max(2, (web / total) * barHeight);
    parts.push(
      band(
        kept.x,
        kept.y,
        x,
        top,
        kept.height,
        height,
        'var(--kept)',
        'kept pages, as tokens of the web sources',
      ),
    );
  }
  let y = top;
  let labelAt = top;
  for (const segment of mix.segments) {
    const h = (segment.tokens / Math.max(1, total)) * barHeight;
    const title = `${segment.label} (${segment.role}): ${compact(segment.tokens)} tokens, ${percent(segment.tokens / Math.max(1, total))}`;
    parts.push(bar(x, y, Math.max(0.8, h - 1), roleColour(segment.role), title, 20));
    const label = Math.max(labelAt, y + h / 2 - 7);
    parts.push(
      html`<text x="${x + 28}" y="${label + 11}" class="flow-label">${percent(segment.tokens / Math.max(1, total), 0)} ${clipLabel(segment.label, 22)}</text>`,
    );
    labelAt = label + 16;
    y += h;
  }
  return { markup: html`<g>${parts}</g>`, bottom: Math.max(y, labelAt) };
}

function curvePanel(panel: FlowPanel, x: number, width: number): Markup {
  const curves = panel.curves
    .map((c) => ({ ...c, points: thin(c.points, 240) }))
    .filter((c) => c.points.length > 0);
  const all = curves.flatMap((c) => c.points);
  const min = (f: (p: Point) => number): number =>
    all.reduce((a, p) => Math.min(a, f(p)), Number.POSITIVE_INFINITY);
  const max = (f: (p: Point) => number): number =>
    all.reduce((a, p) => Math.max(a, f(p)), Number.NEGATIVE_INFINITY);
  const [x0, x1, y0, y1] = [min((p) => p.x), max((p) => p.x), min((p) => p.y), max((p) => p.y)];
  const px = (p: Point): string => (x + ((p.x - x0) / (x1 - x0 || 1)) * width).toFixed(1);
  const py = (p: Point): string =>
    (top + barHeight - 4 - ((p.y - y0) / (y1 - y0 || 1)) * (barHeight - 12)).toFixed(1);
  return html`<g>${heading(x, panel.title, panel.detail)}<rect x="${x}" y="${top}" width="${width}" height="${barHeight}" rx="4" class="flow-panel"/>${curves.map(
    (c) =>
      html`<path d="M${c.points.map((p) => `${px(p)},${py(p)}`).join('L')}" fill="none" stroke="${c.colour}" stroke-width="1.8" stroke-linejoin="round"/>`,
  )}</g>`;
}

function arrow(x: number): Markup {
  const y = top + barHeight / 2;
  return html`<path d="M${x},${y - 7}l7,7l-7,7" fill="none" stroke="var(--muted)" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`;
}

function bar(x: number, y: number, height: number, colour: string, title: string, width = barWidth): Markup {
  return html`<rect x="${x}" y="${y.toFixed(1)}" width="${width}" height="${Math.max(0, height).toFixed(1)}" fill="${colour}"><title>${title}</title></rect>`;
}

/** A ribbon from (x0, y0) of thickness h0 to (x1, y1) of thickness h1. */
function band(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  h0: number,
  h1: number,
  colour: string,
  title: string,
): Markup {
  const m = (x0 + x1) / 2;
  const at = (n: number): string => n.toFixed(1);
  const path = `M${x0},${at(y0)}C${m},${at(y0)} ${m},${at(y1)} ${x1},${at(y1)}V${at(y1 + h1)}C${m},${at(y1 + h1)} ${m},${at(y0 + h0)} ${x0},${at(y0 + h0)}Z`;
  return html`<path d="${path}" fill="${colour}" fill-opacity="0.28"><title>${title}</title></path>`;
}

function clipLabel(text: string, length: number): string {
  return text.length <= length ? text : `${clip(text, length - 1).split(' … (')[0]}…`;
}
