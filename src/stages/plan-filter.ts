/**
 * The plan of a filter job: what is read, in which units of work, under which rules and versions. A pure function of these;
 * `plan.json` is this object. Two plans with equal hashes give the same bytes.
 */
import { fingerprint } from '../core/config.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import type { Failure } from './unit-report.ts';

export interface PlannedUnit {
  /** Names the unit's files; sorted by name is in unit order. */
  name: string;
  read: ReadUnit;
}

export interface FilterPlan {
  version: 1;
  command: 'filter';
  /** Fingerprint of all that follows. */
  hash: string;
  name: string;
  filter: ResolvedFilter;
  limit: number | null;
  inputs: { path: string; bytes: number; fingerprint: string }[];
  /** Models, benchmarks and lists that the signals depend on. */
  resources: { path: string; bytes: number; fingerprint: string }[];
  /** Inputs that could not even be opened; each counts as one unreadable document. */
  unreadable: Failure[];
  /** What the reader found worth saying about the inputs, and steps that are left out. */
  warnings: string[];
  /** How inputs are cut into units, where that is not plain: for --dry-run. */
  notes: string[];
  /** Package versions that decide the output's bytes. */
  code: Record<string, string>;
  units: PlannedUnit[];
}

export interface PlanParts {
  name: string;
  filter: ResolvedFilter;
  limit: number | undefined;
  inputs: FilterPlan['inputs'];
  resources: FilterPlan['resources'];
  unreadable: Failure[];
  units: readonly ReadUnit[];
  warnings: string[];
  notes: string[];
  code: Record<string, string>;
}

export function planFilter(parts: PlanParts): FilterPlan {
  const digits = Math.max(4, String(parts.units.length).length);
  const body = {
    name: parts.name,
    filter: parts.filter,
    limit: parts.limit ?? null,
    inputs: parts.inputs,
    resources: parts.resources,
    unreadable: parts.unreadable,
    warnings: parts.warnings,
    notes: parts.notes,
    code: parts.code,
    units: parts.units.map((read, i) => ({ name: `${String(i).padStart(digits, '0')}-${slug(read)}`, read })),
  };
  return { version: 1, command: 'filter', hash: fingerprint(body), ...body };
}

/** The unit's id in characters that every file system and shell takes. */
function slug(unit: ReadUnit): string {
  return (
    unit.id
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(-80) || 'unit'
  );
}

/** What differs between two plans, in words, most telling first. */
export function planChanges(before: FilterPlan, after: FilterPlan): string[] {
  const changes: string[] = [];
  const files = (plan: FilterPlan): [string, FilterPlan['inputs'][number]][] =>
    [...plan.inputs, ...plan.resources].map((input) => [input.path, input]);
  const old = new Map(files(before));
  const now = new Map(files(after));
  for (const [path, input] of now) {
    const was = old.get(path);
    if (was === undefined) changes.push(`input ${path} is new`);
    else if (was.bytes !== input.bytes) {
      changes.push(`input ${path} had ${was.bytes} bytes and has ${input.bytes}`);
    } else if (was.fingerprint !== input.fingerprint) changes.push(`the content of input ${path} changed`);
  }
  for (const path of old.keys()) if (!now.has(path)) changes.push(`input ${path} is gone`);
  compare('', before.filter, after.filter, changes);
  if (before.limit !== after.limit)
    changes.push(`limit was ${before.limit ?? 'none'}, is ${after.limit ?? 'none'}`);
  if (before.name !== after.name) changes.push(`name was ${before.name}, is ${after.name}`);
  compare('version of ', before.code, after.code, changes);
  if (changes.length === 0) changes.push('the units of work are cut differently');
  return changes;
}

function compare(prefix: string, before: object, after: object, changes: string[]): void {
  const a = before as Record<string, unknown>;
  const b = after as Record<string, unknown>;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (JSON.stringify(a[key]) === JSON.stringify(b[key])) continue;
    if (key === 'rules') changes.push(...ruleChanges(before as ResolvedFilter, after as ResolvedFilter));
    else changes.push(`${prefix}${key} was ${JSON.stringify(a[key])}, is ${JSON.stringify(b[key])}`);
  }
}

function ruleChanges(before: ResolvedFilter, after: ResolvedFilter): string[] {
  const line = (rule: ResolvedFilter['rules'][number]): string =>
    `${rule.signal} ${rule.side} ${rule.bound} (${rule.reason})`;
  const old = before.rules.map(line);
  const now = after.rules.map(line);
  const gone = old.filter((rule) => !now.includes(rule)).map((rule) => `rule ${rule} is gone`);
  const added = now.filter((rule) => !old.includes(rule)).map((rule) => `rule ${rule} is new`);
  return gone.length + added.length > 0 ? [...gone, ...added] : ['the order of the rules changed'];
}
