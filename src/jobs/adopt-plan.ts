/**
 * A job goes on after its inputs were mended: what is new in the plan concerns only files that could not be read before, so units of
 * all other files keep their results.
 *
 * Their markers are written anew for the new plan; the files of every other unit go. Killed in between, the next run does the rest: a
 * marker counts for one of the two plans, and plan.json is replaced last. Units are numbered in input order, so a mended file that has more
 * or fewer units than before renames those behind it, which are then done again.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stableJson } from '../core/config.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import {
  type DoneMarker,
  type LedgerMarker,
  type MeasuredMarker,
  readMarker,
  writeMarker,
} from './markers.ts';
import { sweepUnits } from './unit-files.ts';

/** Whether `after` differs from `before` in nothing but files that `before` could not read, or not read whole. */
export function isMended(folder: string, before: FilterPlan, after: FilterPlan): boolean {
  const same = (plan: FilterPlan): string =>
    stableJson([plan.name, plan.filter, plan.limit, plan.resources, plan.code]);
  if (same(before) !== same(after) || before.limit !== null) return false;
  const failing = failingFiles(folder, before);
  const changed = changedInputs(before, after);
  const lost = after.unreadable.map(({ file }) => file).filter((file) => !failing.includes(file));
  if (lost.length > 0) return false;
  if (changed.length === 0) return stableJson(before.unreadable) !== stableJson(after.unreadable);
  return changed.every((path) => failing.some((file) => file === path || file.startsWith(`${path}/`)));
}

/** Makes the results of unchanged units count for `after`, and removes all others. Call with the job's lock held and no rank at work. */
export async function adoptPlan(folder: string, before: FilterPlan, after: FilterPlan): Promise<void> {
  await rm(join(folder, 'ledger.json'), { force: true });
  const changed = new Set(changedInputs(before, after));
  const old = new Map(before.units.map((unit) => [unit.name, unit]));
  const kept = after.units.filter((unit) => isSame(old.get(unit.name), unit) && !changed.has(unit.read.file));
  sweepUnits(folder, new Set(kept.map(({ name }) => name)));
  for (const { name } of kept) {
    for (const what of ['done', 'ledger', 'measured'] as const) {
      const path = join(folder, 'units', `${name}.${what}.json`);
      const marker = readMarker<MeasuredMarker | LedgerMarker | DoneMarker>(path, before.hash);
      if (marker !== undefined) await writeMarker(path, { ...marker, plan: after.hash });
    }
  }
}

function failingFiles(folder: string, plan: FilterPlan): string[] {
  const files = plan.unreadable.map(({ file }) => file);
  for (const { name, read } of plan.units) {
    const marker = readMarker<MeasuredMarker>(join(folder, 'units', `${name}.measured.json`), plan.hash);
    if (marker?.report.complete === false) files.push(read.file);
  }
  return files;
}

function changedInputs(before: FilterPlan, after: FilterPlan): string[] {
  const old = new Map(before.inputs.map((input) => [input.path, stableJson(input)]));
  const now = new Map(after.inputs.map((input) => [input.path, stableJson(input)]));
  return [...new Set([...old.keys(), ...now.keys()])].filter((path) => old.get(path) !== now.get(path));
}

function isSame(before: PlannedUnit | undefined, after: PlannedUnit): boolean {
  return before !== undefined && stableJson(before.read) === stableJson(after.read);
}
