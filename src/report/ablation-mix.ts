/**
 * The mixtures of every arm: tokens by source as requested and as achieved, and how often each source is read. Arms with the same shares are one bar; seeds draw
 * other documents in the same shares, so the first seed stands for them and repeats are given as a range.
 */
import { type ArmGroup, armGroups } from './ablation-groups.ts';
import type { AblationView } from './ablation-view.ts';
import { figure, swatchLegend, table } from './figure.ts';
import { type Content, clip, html, type Markup } from './html.ts';
import { type MixFacts, type MixSource, mixFacts } from './mix-facts.ts';
import { stackedBar } from './mix-section.ts';
import { compact, percent, span } from './number-format.ts';
import { roleColour, roleOrder } from './palette.ts';

const phases = [
  ['mixStable', 'Stable phase'],
  ['mixDecay', 'Decay phase'],
] as const;

type MixRole = 'mixStable' | 'mixDecay';

export interface MixGroup extends ArmGroup {
  facts: MixFacts;
  /** By seed and arm. */
  all: MixFacts[];
}

export function mixGroups(view: AblationView, role: MixRole): MixGroup[] {
  return groupsBy(view, role, ({ sources, totalTokens }) => [
    totalTokens,
    sources.map((s) => [...shareKey(s), roughly(s.repeats)]),
  ]);
}

function groupsBy(view: AblationView, role: MixRole, key: (facts: MixFacts) => unknown): MixGroup[] {
  const cache = new Map<object, MixFacts>();
  const facts = (run: ArmGroup['run']): MixFacts => {
    const known = cache.get(run) ?? mixFacts(run);
    cache.set(run, known);
    return known;
  };
  return armGroups(view, role, (run) => JSON.stringify(key(facts(run)))).map((group) => ({
    ...group,
    facts: facts(group.run),
    all: group.runs.map(facts),
  }));
}

function shareKey(s: MixSource): unknown[] {
  return [s.name, s.role, s.template, s.requestedShare?.toFixed(6) ?? s.achievedShare.toFixed(4)];
}

/** Repeats that differ clearly make two mixtures, those of other documents of the same kind do not. */
function roughly(repeats: number | null | undefined): string {
  return repeats == null ? '' : repeats.toPrecision(1);
}

export function mixPart(view: AblationView): Markup | undefined {
  const parts = phases.flatMap(([role, title]) => {
    const groups = mixGroups(view, role);
    const bars = groupsBy(view, role, ({ sources }) => sources.map(shareKey));
    return groups.length === 0 ? [] : [phasePart(title, groups, bars)];
  });
  return parts.length === 0 ? undefined : html`<h3>Mixtures</h3>${parts}`;
}

function phasePart(title: string, groups: readonly MixGroup[], bars: readonly MixGroup[]): Markup {
  const rank = (role: string): number => (roleOrder as readonly string[]).indexOf(role) >>> 0;
  const roles = [...new Set(groups.flatMap(({ facts }) => facts.sources.map((s) => s.role)))].sort(
    (a, b) => rank(a) - rank(b),
  );
  return html`${figure({
    title: `${title}: tokens by source`,
    caption: bars.every(met)
      ? 'Requested and achieved shares are the same to two thousandths; grouped by role.'
      : 'Requested shares above, achieved shares below, grouped by role.',
    wide: true,
    legend: swatchLegend(roles.map((role) => ({ label: role, colour: roleColour(role) }))),
    picture: bars.map((group) => {
      const { facts, label } = group;
      const requested = facts.sources.reduce((sum, s) => sum + (s.requestedTokens ?? 0), 0);
      return html`<div class="stack"><p class="stack-title">${label} <small>QA share ${percent(facts.qaShare)}</small></p>${
        requested > 0 &&
        !met(group) &&
        stackedBar('requested', facts.sources, (s) => (s.requestedTokens ?? 0) / requested)
      }${stackedBar('achieved', facts.sources, (s) => s.achievedShare)}</div>`;
    }),
  })}${mixTable(groups)}`;
}

export function mixRows(groups: readonly MixGroup[]): { header: string[]; rows: string[][] } {
  const names = [
    ...new Map(groups.flatMap(({ facts }) => facts.sources.map((s) => [s.name, s.role] as const))),
  ];
  const cell = ({ facts, all }: MixGroup, name: string): string => {
    const own = facts.sources.find((s) => s.name === name);
    if (own === undefined) return '–';
    const repeats = all.flatMap(({ sources }) => sources.find((s) => s.name === name)?.repeats ?? []);
    const read = repeats.length === 0 ? '' : `, read ${span(repeats, (n) => n.toFixed(2))} times`;
    return `${percent(own.achievedShare)}${askedInWords(own)}, ${compact(own.achievedTokens)}${read}`;
  };
  return {
    header: ['Source', 'Role', ...groups.map(({ label }) => label)],
    rows: [
      ...names.map(([name, role]) => [clip(name, 80), role, ...groups.map((group) => cell(group, name))]),
      ['all', '', ...groups.map(({ facts }) => `${compact(facts.totalTokens)}`)],
    ],
  };
}

function met({ facts }: MixGroup): boolean {
  return facts.sources.every((s) => askedInWords(s) === '');
}

/** Only where what was asked for was not met. */
function askedInWords({ requestedShare, achievedShare }: MixSource): string {
  if (requestedShare == null || Math.abs(requestedShare - achievedShare) < 0.002) return '';
  return ` (asked ${percent(requestedShare)})`;
}

function mixTable(groups: readonly MixGroup[]): Markup {
  const { header, rows } = mixRows(groups);
  const lines = (cell: string): Content =>
    cell.split(', ').map((part, i) => (i === 0 ? part : html`<br><small>${part}</small>`));
  return table(
    header,
    rows.map(([source, role, ...cells]) => [source, role, ...cells.map(lines)]),
    header.map((_, i) => i),
  );
}
