/**
 * What a person can do to a design, as pure steps from one design to the next. Shares always come to exactly one, none is negative, a
 * locked source never moves, and what cannot be done says why and what would help.
 */
import type { Role } from '../../src/core/card.ts';
import { type Design, type DesignSettings, type DesignSource, type GiveWay, whole } from './design.ts';
import { giveTo, takeFrom } from './give-way.ts';

export type Group = 'qa' | 'long-cot' | 'instruction';

/** The roles whose shares count together; QA includes long chains of thought, as in the paper. */
const groupRoles: Readonly<Record<Group, readonly Role[]>> = {
  qa: ['qa', 'long-cot'],
  'long-cot': ['long-cot'],
  instruction: ['instruction'],
};

export type DesignAction =
  /** `nearest`: go as far as the others can give way, instead of refusing. */
  | { kind: 'share'; source: string; share: number; nearest?: boolean }
  | { kind: 'group'; group: Group; share: number }
  | { kind: 'lock'; source: string }
  | { kind: 'unlock-all' }
  | { kind: 'toggle'; source: string }
  | { kind: 'fill'; source: string }
  | { kind: 'give-way'; giveWay: GiveWay }
  | { kind: 'settings'; settings: Partial<DesignSettings> };

export interface Outcome {
  /** The same object where nothing changed. */
  design: Design;
  /** Why it could not be done (`refused`), or what else is worth saying. */
  message?: string;
  refused?: boolean;
}

/** The design after `action`. Never throws for what a person does; unknown sources are our own mistake and change nothing. */
export function act(design: Design, action: DesignAction): Outcome {
  switch (action.kind) {
    case 'share':
      return setShare(design, action.source, action.share, action.nearest === true);
    case 'group':
      return setGroup(design, action.group, action.share);
    case 'lock':
      return { design: mapSource(design, action.source, (s) => ({ ...s, locked: !s.locked })) };
    case 'unlock-all':
      return design.sources.some((s) => s.locked)
        ? { design: { ...design, sources: design.sources.map((s) => ({ ...s, locked: false })) } }
        : refuse(design, 'no source is locked');
    case 'toggle':
      return toggle(design, action.source);
    case 'fill':
      return design.fill === action.source
        ? refuse(design, `${action.source} is the fill source already`)
        : { design: { ...design, fill: action.source, giveWay: 'fill-first' } };
    case 'give-way':
      return setGiveWay(design, action.giveWay);
    case 'settings':
      return setSettings(design, action.settings);
  }
}

export function sourceOf(design: Design, name: string): DesignSource | undefined {
  return design.sources.find((s) => s.name === name);
}

/** Summed share of some roles, in billionths. */
export function groupShare(design: Design, group: Group): number {
  return sum(design.sources.filter((s) => groupRoles[group].includes(s.role)));
}

/** The most that a source's share may become while locked sources keep theirs. */
export function mostOf(design: Design, name: string): number {
  return whole - sum(design.sources.filter((s) => s.name !== name && !movable(s)));
}

function setShare(design: Design, name: string, asked: number, nearest: boolean): Outcome {
  const source = sourceOf(design, name);
  if (source === undefined) return { design };
  if (source.locked) return refuse(design, `${name} is locked; l unlocks it`);
  if (!source.enabled) return refuse(design, `${name} is off; space switches it on`);
  const others = design.sources.filter((s) => s.name !== name && movable(s));
  const most = source.share + sum(others);
  let share = Math.round(Math.min(whole, Math.max(0, asked)));
  let message: string | undefined;
  if (others.length === 0 && share !== source.share)
    return refuse(design, 'every other source is locked or off, so nothing can give way; l unlocks one');
  if (share > most) {
    const why = `${name} can have at most ${percentText(most)}: the rest is locked (l unlocks)`;
    if (!nearest) return refuse(design, why);
    [share, message] = [most, why];
  }
  if (share === source.share) return message === undefined ? { design } : refuse(design, message);
  const moved = shift(design, [name], source.share - share);
  return {
    design: mapSource(moved, name, (s) => ({ ...s, share })),
    ...(message === undefined ? {} : { message }),
  };
}

function setGroup(design: Design, group: Group, asked: number): Outcome {
  const roles = groupRoles[group];
  const members = design.sources.filter((s) => roles.includes(s.role) && s.enabled);
  const label = groupLabel[group];
  if (members.length === 0) return refuse(design, `no source of role ${roles.join(' or ')} is switched on`);
  const free = members.filter(movable);
  const fixed = sum(members.filter((s) => s.locked));
  const now = sum(members);
  const share = Math.round(Math.min(whole, Math.max(0, asked)));
  if (share === now) return { design };
  if (free.length === 0) return refuse(design, `every ${label} source is locked; l unlocks one`);
  if (share < fixed)
    return refuse(design, `locked ${label} sources hold ${percentText(fixed)}; unlock one (l) to go lower`);
  const names = members.map((s) => s.name);
  const outside = design.sources.filter((s) => !names.includes(s.name) && movable(s));
  if (outside.length === 0)
    return refuse(design, 'every other source is locked or off, so nothing can give way');
  if (share > now + sum(outside))
    return refuse(design, `${label} can have at most ${percentText(now + sum(outside))}: the rest is locked`);
  // Long chains of thought grow inside the QA share as long as other QA data can give way for them.
  const inside = group === 'long-cot' ? outside.filter((s) => s.role === 'qa') : [];
  const withinQa = inside.length > 0 && share - now <= sum(inside);
  const moved = withinQa ? shiftAmong(design, inside, now - share) : shift(design, names, now - share);
  const weights = free.map((s) => s.share);
  const parts = giveTo(share - fixed, weights.some((w) => w > 0) ? weights : free.map((s) => s.opened));
  return {
    design: withShares(moved, new Map(free.map((s, i) => [s.name, parts[i]!]))),
    ...(group === 'long-cot' && inside.length > 0 && !withinQa
      ? { message: 'more than the QA share held, so the QA share grew' }
      : {}),
  };
}

function toggle(design: Design, name: string): Outcome {
  const source = sourceOf(design, name);
  if (source === undefined) return { design };
  if (source.locked) return refuse(design, `${name} is locked; l unlocks it`);
  const others = design.sources.filter((s) => s.name !== name && movable(s));
  if (source.enabled) {
    if (others.length === 0)
      return refuse(
        design,
        design.sources.some((s) => s.name !== name && s.enabled)
          ? `the other sources are locked, so the share of ${name} has nowhere to go; l unlocks one`
          : `${name} is the only source that is on`,
      );
    const moved = shift(design, [name], source.share);
    return { design: mapSource(moved, name, (s) => ({ ...s, share: 0, enabled: false, held: s.share })) };
  }
  const share = Math.min(source.held, sum(others));
  const moved = shift(design, [name], -share);
  return {
    design: mapSource(moved, name, (s) => ({ ...s, share, enabled: true, held: 0 })),
    ...(share < source.held
      ? { message: `${name} had ${percentText(source.held)}; only ${percentText(share)} is not locked` }
      : share === 0
        ? { message: `${name} is on with a share of 0; type one or press the right arrow` }
        : {}),
  };
}

function setGiveWay(design: Design, giveWay: GiveWay): Outcome {
  if (giveWay === 'fill-first' && design.fill === undefined)
    return refuse(design, 'there is no fill source; f makes the chosen source one');
  return giveWay === design.giveWay ? { design } : { design: { ...design, giveWay } };
}

function setSettings(design: Design, change: Partial<DesignSettings>): Outcome {
  const changed = Object.entries(change).some(
    ([key, value]) => design.settings[key as keyof DesignSettings] !== value,
  );
  return changed ? { design: { ...design, settings: { ...design.settings, ...change } } } : { design };
}

/** Lets the sources outside `names` take `amount` (or give it, where negative). They can: callers have checked. */
function shift(design: Design, names: readonly string[], amount: number): Design {
  if (amount === 0) return design;
  const others = design.sources.filter((s) => !names.includes(s.name) && movable(s));
  const fill = design.giveWay === 'fill-first' ? others.find((s) => s.name === design.fill) : undefined;
  if (fill === undefined) return shiftAmong(design, others, amount);
  const byFill = Math.max(amount, -fill.share);
  const filled = withShares(design, new Map([[fill.name, fill.share + byFill]]));
  return shiftAmong(
    filled,
    others.filter((s) => s !== fill),
    amount - byFill,
  );
}

/** The same among `members`, in proportion to their shares. */
function shiftAmong(design: Design, members: readonly DesignSource[], amount: number): Design {
  if (amount === 0) return design;
  const shares = members.map((s) => s.share);
  const parts =
    amount < 0
      ? takeFrom(-amount, shares).map((part) => -part)
      : giveTo(amount, shares.some((share) => share > 0) ? shares : members.map((s) => s.opened));
  return withShares(design, new Map(members.map((s, i) => [s.name, s.share + parts[i]!])));
}

const groupLabel: Readonly<Record<Group, string>> = {
  qa: 'QA',
  'long-cot': 'long-CoT',
  instruction: 'instruction',
};

function movable(source: DesignSource): boolean {
  return source.enabled && !source.locked;
}

function sum(sources: readonly DesignSource[]): number {
  return sources.reduce((n, s) => n + s.share, 0);
}

function mapSource(design: Design, name: string, change: (source: DesignSource) => DesignSource): Design {
  return { ...design, sources: design.sources.map((s) => (s.name === name ? change(s) : s)) };
}

function withShares(design: Design, shares: ReadonlyMap<string, number>): Design {
  return {
    ...design,
    sources: design.sources.map((s) => {
      const share = shares.get(s.name) ?? s.share;
      return share === s.share ? s : { ...s, share };
    }),
  };
}

function refuse(design: Design, message: string): Outcome {
  return { design, message, refused: true };
}

/** Billionths as a percentage with as many digits as it needs, up to three: "72.5 %". */
export function percentText(share: number): string {
  return `${Number(((share / whole) * 100).toFixed(3))} %`;
}
