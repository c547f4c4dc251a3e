/** Which settings differ between runs of one kind: the first thing a reader of two overlaid curves wants to know. */
import { clip } from './html.ts';
import type { PreparedRun } from './report-run.ts';

export interface ConfigDifference {
  /** Dotted path of the setting. */
  key: string;
  /** One value per run, as JSON; "–" where the setting is absent. */
  values: string[];
}

/** Runs that do the same thing: of one command and, for training, one phase. */
export function comparableRuns(runs: readonly PreparedRun[]): { name: string; runs: PreparedRun[] }[] {
  const groups = new Map<string, PreparedRun[]>();
  for (const run of runs) {
    const { phase } = run.record.summary;
    const name = run.kind === 'train' && typeof phase === 'string' ? `train ${phase}` : run.record.command;
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  return [...groups].filter(([, of]) => of.length > 1).map(([name, of]) => ({ name, runs: of }));
}

/** The settings whose values are not the same in all runs, sorted by name; at most `limit` (a changed path may move many). */
export function configDifferences(runs: readonly PreparedRun[], limit = 24): ConfigDifference[] {
  if (runs.length < 2) return [];
  const flat = runs.map((run) => {
    const settings = new Map<string, string>();
    flatten(run.record.config, '', settings, 0);
    // Words about a run are no settings; its name heads the column.
    for (const key of ['name', 'description']) settings.delete(key);
    return settings;
  });
  const keys = [...new Set(flat.flatMap((settings) => [...settings.keys()]))].sort();
  return keys
    .map((key) => ({ key, values: flat.map((settings) => settings.get(key) ?? '–') }))
    .filter(({ values }) => values.some((v) => v !== values[0]))
    .slice(0, limit);
}

/** A list of plain values is one setting (`signals`); one of objects is taken apart (`dedup.0.bands`). */
function flatten(value: unknown, path: string, out: Map<string, string>, depth: number): void {
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== 'object')) {
    out.set(path, clip(value.map(String).join(', '), 160));
    return;
  }
  if (value !== null && typeof value === 'object' && depth < 8) {
    const entries = Object.entries(value);
    if (entries.length > 0) {
      for (const [key, inner] of entries)
        flatten(inner, path === '' ? key : `${path}.${key}`, out, depth + 1);
      return;
    }
  }
  if (path !== '') out.set(path, clip(JSON.stringify(value) ?? String(value), 80));
}
