/** The picture of the whole way, one per group of ways that share their data. */

import { type Ledger, mergeLedgers } from '../core/ledger.ts';
import { swatchLegend } from './figure.ts';
import type { FilterFacts } from './filter-facts.ts';
import { drawFlow, drawNarrowFlow, type Flow, type FlowPanel } from './flow-picture.ts';
import { html, type Markup } from './html.ts';
import { compact, decimal, percent, points, span, whole } from './number-format.ts';
import { roleColour, roleOrder, seriesColour } from './palette.ts';
import type { ReportData } from './report-data.ts';
import { metricPoints } from './report-run.ts';
import { smooth, smoothingWindow } from './smooth.ts';
import { segmentPoints } from './train-facts.ts';
import type { WayGroup } from './ways.ts';

export function flowSection(data: ReportData): Markup | undefined {
  const flows = data.groups
    .map((group) => ({ group, flow: flowOf(group, data) }))
    .filter(({ flow }) => pieces(flow) > 1);
  if (flows.length === 0) return undefined;
  const drawn = flows.map(({ group, flow }) => oneFlow(flow, flows.length > 1 ? titleOf(group) : undefined));
  const first = drawn.slice(0, 3);
  const rest = drawn.slice(3);
  const roles = roleOrder.filter((role) =>
    flows.some(({ flow }) => flow.mix?.segments.some((s) => s.role === role)),
  );
  return html`<section id="way"><h2>The whole way</h2><p class="lead">Band thickness is proportional: documents on the left, tokens in the mixture's bar. Hover for numbers.</p>${swatchLegend(
    [
      ...(flows.some(({ flow }) => flow.ledger !== undefined)
        ? [
            { label: 'kept', colour: 'var(--kept)' },
            { label: 'dropped', colour: 'var(--dropped)' },
          ]
        : []),
      ...roles.map((role) => ({ label: role, colour: roleColour(role) })),
    ],
  )}${first}${rest.length > 0 && html`<details><summary>${rest.length} more</summary>${rest}</details>`}</section>`;
}

function pieces(flow: Flow): number {
  return (flow.ledger === undefined ? 0 : 1) + (flow.mix === undefined ? 0 : 1) + flow.panels.length;
}

function oneFlow(flow: Flow, title: string | undefined): Markup {
  return html`<figure class="chart span flow-figure">${title !== undefined && html`<figcaption><h4>${title}</h4></figcaption>`}<div class="wide">${drawFlow(
    flow,
  )}</div><div class="narrow">${drawNarrowFlow(flow)}</div>${!flow.linked && flow.mix !== undefined && flow.ledger !== undefined && html`<p class="hint">No band joins pages and mixture: the records do not say that one was made from the other.</p>`}</figure>`;
}

function titleOf(group: WayGroup): string {
  const runs = [...group.mixes, ...group.filters];
  return runs.length > 0
    ? runs.map((run) => run.label).join(', ')
    : group.ways.map((w) => w.train.at(-1)?.label ?? w.grpo?.label ?? '').join(', ');
}

function flowOf(group: WayGroup, data: ReportData): Flow {
  const ids = new Set(group.filters.map((run) => run.id));
  const ledger = ledgerOf(data.filters.filter((f) => ids.has(f.run.id)));
  const mixIds = new Set(group.mixes.map((run) => run.id));
  const mixes = data.mixes.filter((m) => mixIds.has(m.run.id) && m.sources.length > 0);
  const mix =
    mixes.length === 0
      ? undefined
      : {
          title: mixes.length === 1 ? 'Mixture' : `Mixtures (${mixes.length}, added up)`,
          segments: mergeSegments(
            mixes.flatMap((m) =>
              m.sources.map((s) => ({ label: s.name, role: s.role, tokens: s.achievedTokens })),
            ),
          ),
        };
  const panels = [lossPanel(group, data), rewardPanel(group, data)].filter((p) => p !== undefined);
  return { ledger, mix, panels, linked: !group.assumed, description: describe(ledger, mix, panels) };
}

function ledgerOf(filters: readonly FilterFacts[]): Ledger | undefined {
  const ledgers = filters.flatMap((f) => f.ledger ?? []);
  return ledgers.length === 0 ? undefined : mergeLedgers(ledgers);
}

function mergeSegments(
  segments: readonly { label: string; role: string; tokens: number }[],
): { label: string; role: string; tokens: number }[] {
  const byName = new Map<string, { label: string; role: string; tokens: number }>();
  for (const s of segments) {
    const key = `${s.role}\n${s.label}`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { ...s });
    else known.tokens += s.tokens;
  }
  const rank = (role: string): number => (roleOrder as readonly string[]).indexOf(role);
  return [...byName.values()].filter((s) => s.tokens > 0).sort((a, b) => rank(a.role) - rank(b.role));
}

function lossPanel(group: WayGroup, data: ReportData): FlowPanel | undefined {
  const { train } = data;
  if (train === undefined) return undefined;
  const ids = new Set(group.ways.flatMap((way) => way.train.map((run) => run.id)));
  const segments = train.segments.filter((s) => ids.has(s.run.id));
  const curves = segments.map((s) => {
    const points = segmentPoints(s, 'loss', train.axis);
    return {
      points: smooth(points, smoothingWindow(points.length)),
      colour: s.chain === undefined ? 'var(--ink-soft)' : seriesColour(s.chain),
    };
  });
  const chains = train.chains.filter((c) => c.segments.some((s) => ids.has(s.run.id)));
  if (curves.every((c) => c.points.length === 0) || chains.length === 0) return undefined;
  const heldOut = chains.every((c) => c.firstHeldOut !== undefined && c.lastHeldOut !== undefined);
  const first = span(
    chains.flatMap((c) => (heldOut ? c.firstHeldOut : c.firstLoss) ?? []),
    decimal,
  );
  const last = span(
    chains.flatMap((c) => (heldOut ? c.lastHeldOut : c.lastLoss) ?? []),
    decimal,
  );
  return {
    title: heldOut ? 'Training: held-out loss' : 'Training: loss',
    detail: `${first} → ${last}`,
    curves,
  };
}

function rewardPanel(group: WayGroup, data: ReportData): FlowPanel | undefined {
  const ids = new Set(group.ways.flatMap((way) => way.grpo?.id ?? []));
  const grpos = data.grpos.filter((g) => ids.has(g.run.id));
  if (grpos.length === 0) return undefined;
  const scored = grpos.every((g) => g.start !== undefined && g.end !== undefined);
  const curves = grpos.map((g) => {
    const points = metricPoints(g.run.rows, 'reward');
    return {
      points: smooth(points, smoothingWindow(points.length)),
      colour: seriesColour(data.grpos.indexOf(g)),
    };
  });
  if (curves.every((c) => c.points.length === 0)) return undefined;
  const changes = grpos.map((g) => (g.end?.accuracy ?? 0) - (g.start?.accuracy ?? 0));
  const detail =
    scored && grpos.length > 1
      ? `${grpos.length} runs: ${span(changes, (c) => points(c).replace(' points', ''))} points`
      : scored
        ? `accuracy ${span(
            grpos.map((g) => g.start!.accuracy!),
            percent,
          )} → ${span(
            grpos.map((g) => g.end!.accuracy!),
            percent,
          )}`
        : `${span(
            grpos.flatMap((g) => g.firstReward ?? []),
            decimal,
          )} → ${span(
            grpos.flatMap((g) => g.lastReward ?? []),
            decimal,
          )}`;
  return { title: 'RL: mean reward', detail, curves };
}

function describe(ledger: Ledger | undefined, mix: Flow['mix'], panels: readonly FlowPanel[]): string {
  const parts: string[] = [];
  if (ledger !== undefined) parts.push(`${whole(ledger.in)} pages in, ${whole(ledger.kept)} kept`);
  if (mix !== undefined) {
    parts.push(
      `${mix.title}: ${mix.segments.map((s) => `${s.label} ${compact(s.tokens)} tokens`).join(', ')}`,
    );
  }
  parts.push(...panels.map((p) => `${p.title} ${p.detail}`));
  return `${parts.join('. ')}.`;
}
