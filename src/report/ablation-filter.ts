/**
 * The filter of every arm: documents and tokens kept and dropped by rule, the signals whose thresholds differ, and documents near a threshold, which are those
 * that it decides. Arms with one and the same filter run are one column.
 */
import { type ArmGroup, armGroups } from './ablation-groups.ts';
import type { AblationView } from './ablation-view.ts';
import { figure, swatchLegend, table } from './figure.ts';
import { type FilterExample, type FilterFacts, filterFacts, type SignalHistogram } from './filter-facts.ts';
import { drawHistogram, histogramInWords, histogramTable } from './histogram-chart.ts';
import { breakable, type Content, clip, html, type Markup } from './html.ts';
import { compact, decimal, percent, whole } from './number-format.ts';

const shownRules = 30;
const shownSignals = 4;
const shownExamples = 3;

export interface FilterGroup extends ArmGroup {
  facts: FilterFacts;
}

export function filterGroups(view: AblationView): FilterGroup[] {
  return armGroups(view, 'filter', ({ id }) => id).map((group) => ({
    ...group,
    facts: filterFacts(group.run),
  }));
}

export function filterPart(view: AblationView): Markup | undefined {
  const groups = filterGroups(view);
  if (groups.length === 0) return undefined;
  return html`<h3>Filter</h3>${groups.length === 1 && html`<p class="lead">One filter run for ${groups[0]!.label}.</p>`}${ruleTable(groups)}${decidedDocuments(groups)}${signalFigures(groups)}`;
}

function keptTokens({ facts }: FilterGroup): number | undefined {
  const value = facts.run.record.summary.keptTokens;
  return typeof value === 'number' ? value : undefined;
}

/** Rows for the table of rules, shared with the Markdown. */
export function ruleRows(groups: readonly FilterGroup[]): { header: string[]; rows: string[][] } {
  const counts = new Map<string, number[]>();
  groups.forEach(({ facts }, i) => {
    for (const { name, count } of facts.reasons) {
      const row = counts.get(name) ?? groups.map(() => 0);
      row[i] = count;
      counts.set(name, row);
    }
  });
  const most = [...counts].sort(([a, x], [b, y]) => Math.max(...y) - Math.max(...x) || (a < b ? -1 : 1));
  const share = (part: number | undefined, of: number | undefined): string =>
    part === undefined || of === undefined || of === 0 ? '–' : `${whole(part)} (${percent(part / of)})`;
  const read = ({ facts }: FilterGroup): number | undefined => {
    const value = facts.run.record.summary.tokens;
    return typeof value === 'number' ? value : undefined;
  };
  return {
    header: ['', ...groups.map(({ label }) => label)],
    rows: [
      ['documents read', ...groups.map(({ facts }) => whole(facts.ledger?.in))],
      ['documents kept', ...groups.map(({ facts }) => share(facts.ledger?.kept, facts.ledger?.in))],
      ...(groups.some((group) => keptTokens(group) !== undefined)
        ? [['tokens kept', ...groups.map((group) => share(keptTokens(group), read(group)))]]
        : []),
      ...most
        .slice(0, shownRules)
        .map(([name, row]) => [
          `dropped: ${clip(name, 60)}`,
          ...row.map((n, i) => (n === 0 ? '0' : share(n, groups[i]!.facts.ledger?.in))),
        ]),
    ],
  };
}

function ruleTable(groups: readonly FilterGroup[]): Markup {
  const { header, rows } = ruleRows(groups);
  return html`<p class="hint">The first rule that fails gives the reason.</p>${table(header, rows)}`;
}

interface Bound {
  signal: string;
  side: 'min' | 'max';
  reason: string;
  /** By group; undefined where it has no such rule. */
  bounds: (number | undefined)[];
}

/** The rules of all groups, those first whose bounds are not the same everywhere. */
function boundsOf(groups: readonly FilterGroup[]): Bound[] {
  const out = new Map<string, Bound>();
  groups.forEach(({ facts }, i) => {
    for (const { signal, side, reason, bound } of facts.rules) {
      const key = `${signal} ${side} ${reason}`;
      const known = out.get(key) ?? { signal, side, reason, bounds: groups.map(() => undefined) };
      known.bounds[i] = bound;
      out.set(key, known);
    }
  });
  return [...out.values()];
}

const differs = ({ bounds }: Bound): boolean => bounds.some((bound) => bound !== bounds[0]);

/**
 * For each rule whose bound differs: documents that one group drops by it and that stand inside another's bound. Where bounds are alike, those nearest to
 * their bound. Only among the examples that the runs stored.
 */
function decidedDocuments(groups: readonly FilterGroup[]): Markup | undefined {
  const bounds = boundsOf(groups);
  const differing = bounds.filter(differs);
  const parts = (differing.length > 0 ? differing : bounds).flatMap((bound) => {
    const shown = groups.flatMap(({ facts, label }, i) => {
      const own = bound.bounds[i];
      const examples = facts.reasons
        .filter(({ name }) => name === bound.reason)
        .flatMap(({ examples: of }) => of)
        .filter(
          (e) =>
            e.value != null &&
            own !== undefined &&
            e.signal === bound.signal &&
            passesNot(e.value, own, bound.side),
        )
        .sort((a, b) => Math.abs(a.value! - own!) - Math.abs(b.value! - own!))
        .slice(0, shownExamples);
      return examples.map((e) => ({ e, label, own: own!, keepers: keepersOf(e.value!, bound, groups) }));
    });
    return shown.length === 0 ? [] : [{ bound, shown }];
  });
  if (parts.length === 0) return undefined;
  const count = parts.reduce((sum, { shown }) => sum + shown.length, 0);
  return html`<details class="more"><summary>Documents that the thresholds decide (${count} examples)</summary><p class="hint">The stored examples nearest to their threshold: what a looser one would have let in.</p>${parts
    .slice(0, 8)
    .map(
      ({ bound, shown }) =>
        html`<h4><code>${breakable(clip(bound.signal, 80))}</code> ${bound.side === 'min' ? 'at least' : 'at most'} ${[...new Set(bound.bounds.map((b) => (b === undefined ? 'no bound' : decimal(b))))].join(' or ')}</h4><div class="examples">${shown.map(
          ({ e, label, own, keepers }) => decided(e, label, own, keepers),
        )}</div>`,
    )}</details>`;
}

function passesNot(value: number, bound: number, side: Bound['side']): boolean {
  return side === 'min' ? value < bound : value > bound;
}

function keepersOf(value: number, { bounds, side }: Bound, groups: readonly FilterGroup[]): string[] {
  return groups.flatMap(({ label }, i) => {
    const bound = bounds[i];
    return bound === undefined || !passesNot(value, bound, side) ? [label] : [];
  });
}

function decided(e: FilterExample, label: string, own: number, keepers: readonly string[]): Markup {
  return html`<article class="example"><p class="source">${clip(e.url ?? e.id ?? '', 160)} · ${decimal(e.value!)}, dropped by ${label} (bound ${decimal(own)})${
    keepers.length > 0 && html`, <strong>let through by this rule of ${keepers.join('; ')}</strong>`
  }</p><pre>${clip(e.excerpt, 600)}</pre></article>`;
}

/** A histogram for each group of the signals whose bound differs; of one filter, of those that drop most. */
function signalFigures(groups: readonly FilterGroup[]): Markup | undefined {
  const differing = new Set(
    boundsOf(groups)
      .filter(differs)
      .map(({ signal }) => signal),
  );
  const failing = (signal: string): number =>
    groups.reduce(
      (sum, { facts }) => sum + facts.rules.reduce((n, r) => n + (r.signal === signal ? r.failing : 0), 0),
      0,
    );
  const names = [...new Set(groups.flatMap(({ facts }) => facts.signals.map(({ name }) => name)))]
    .filter((name) => (groups.length > 1 && differing.size > 0 ? differing.has(name) : failing(name) > 0))
    .sort((a, b) => failing(b) - failing(a))
    .slice(0, shownSignals);
  if (names.length === 0) return undefined;
  const legend = swatchLegend([
    { label: 'kept', colour: 'var(--kept)' },
    { label: 'dropped', colour: 'var(--dropped)' },
  ]);
  const grid = (name: string): Content =>
    groups.map((group) => {
      const signal = group.facts.signals.find((s) => s.name === name);
      return signal === undefined ? undefined : histogramFigure(signal, group);
    });
  return html`<h4 class="below">Signals ${groups.length > 1 && differing.size > 0 ? 'whose thresholds differ' : 'that decide most'}</h4>${legend}${names.map(
    (name) => html`<div class="grid">${grid(name)}</div>`,
  )}`;
}

function histogramFigure(signal: SignalHistogram, { label, arms }: FilterGroup): Markup {
  return figure({
    title: `${signal.name}: ${label}`,
    caption: histogramInWords(signal),
    picture: drawHistogram(
      { ...signal, name: `${signal.name}, ${arms.map((arm) => arm.label).join(', ')}` },
      { width: 460, height: 170 },
    ),
    table: histogramTable(signal),
  });
}

/** Tokens kept, in a table's words. */
export function keptInWords(group: FilterGroup | undefined): string {
  if (group === undefined) return '–';
  const tokens = keptTokens(group);
  const { ledger } = group.facts;
  if (tokens !== undefined) return compact(tokens);
  return ledger === undefined ? '–' : `${whole(ledger.kept)} documents`;
}
