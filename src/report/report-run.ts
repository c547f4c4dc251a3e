/**
 * What a report is made from: runs as they were read from disk (run.json, metrics.jsonl, rollouts.jsonl), and the first thing done
 * with them: unique labels, one row per step, parents resolved to runs of the same report.
 */
import type { MetricRow, RunRecord } from '../core/record.ts';
import { clip } from './html.ts';

/** One line of `rollouts.jsonl`. */
export interface RolloutRow {
  step: number;
  prompt: string;
  completion: string;
  reward: number;
  answer?: string | null;
  expected?: string;
  truncated?: boolean;
  /** Tokens. */
  length?: number;
}

/** Where a run of another tool was read from: it has no record, only what was logged. */
export interface LogSource {
  files: readonly { path: string; bytes: number }[];
  /** What this report would have drawn and the log does not hold, in words. */
  missing: readonly string[];
  /** The problem set that was taken as the run's accuracy, where the log names several or one. */
  set?: string;
}

export interface ReportRun {
  /** The run's folder, resolved: parents of other runs refer to it. */
  id: string;
  /** The folder as the user wrote it, for the page. */
  folder?: string;
  record: RunRecord;
  metrics: readonly MetricRow[];
  rollouts?: readonly RolloutRow[];
  /** `record.parents`, resolved like `id`. Default: as they are in the record. */
  parents?: readonly string[];
  log?: LogSource;
  /** Runs of one group are drawn in one picture. */
  group?: string;
}

export type RunKind = 'filter' | 'mix' | 'train' | 'grpo' | 'other';

/** A run ready for the report. */
export interface PreparedRun {
  id: string;
  /** Unique among the report's runs. */
  label: string;
  folder: string;
  kind: RunKind;
  record: RunRecord;
  /** Merged: one row per phase and step, in order. */
  rows: MetricRow[];
  rollouts: readonly RolloutRow[];
  /** Ids of runs in this report that this one was made from. */
  parents: string[];
  /** Parents that are not in this report, as written in the record. */
  absentParents: string[];
  log?: LogSource;
  group?: string;
}

/** Prepares runs and puts them in the order of the work; the same folder given twice counts once. */
export function prepareRuns(runs: readonly ReportRun[]): PreparedRun[] {
  const distinct = [...new Map(runs.map((run) => [run.id, run])).values()];
  const labels = uniqueLabels(distinct);
  const prepared = distinct.map((run, i): PreparedRun => {
    const resolved = run.parents ?? run.record.parents;
    const found = resolved.map((parent) => ownerOf(parent, distinct, run.id));
    return {
      id: run.id,
      label: labels[i]!,
      folder: run.folder ?? run.id,
      kind: kindOf(run.record),
      record: run.record,
      rows: mergeRows(run.metrics),
      rollouts: run.rollouts ?? [],
      parents: [...new Set(found.filter((id) => id !== undefined))],
      absentParents: run.record.parents.filter((_, j) => found[j] === undefined),
      ...(run.log === undefined ? {} : { log: run.log }),
      ...(run.group === undefined ? {} : { group: run.group }),
    };
  });
  return inOrderOfWork(prepared);
}

const kindOrder: readonly RunKind[] = ['filter', 'mix', 'train', 'grpo', 'other'];

/** By kind, and within a kind parents first; otherwise as given. */
function inOrderOfWork(runs: readonly PreparedRun[]): PreparedRun[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const out = new Set<PreparedRun>();
  const visiting = new Set<string>();
  const visit = (run: PreparedRun): void => {
    if (visiting.has(run.id)) return;
    visiting.add(run.id);
    for (const parent of run.parents) if (byId.get(parent)?.kind === run.kind) visit(byId.get(parent)!);
    out.add(run);
  };
  for (const kind of kindOrder) for (const run of runs) if (run.kind === kind) visit(run);
  return [...out];
}

function kindOf(record: RunRecord): RunKind {
  const command = record.command;
  return command === 'filter' || command === 'mix' || command === 'train' || command === 'grpo'
    ? command
    : 'other';
}

/** The run whose folder is, or holds, `path`: a parent may name a checkpoint or the `kept` folder inside a run. */
function ownerOf(path: string, runs: readonly ReportRun[], self: string): string | undefined {
  const tidy = (p: string): string => p.replaceAll('\\', '/').replace(/\/+$/, '');
  const wanted = tidy(path);
  let best: string | undefined;
  for (const { id } of runs) {
    const folder = tidy(id);
    if (id === self || !(wanted === folder || wanted.startsWith(`${folder}/`))) continue;
    if (best === undefined || folder.length > tidy(best).length) best = id;
  }
  return best;
}

/** Names as recorded; equal ones get the phase, the seed or, failing that, a number. */
function uniqueLabels(runs: readonly ReportRun[]): string[] {
  const base = runs.map((run) =>
    clip(run.record.name.trim() === '' ? run.record.command : run.record.name, 60),
  );
  const used = new Set<string>();
  return base.map((name, i) => {
    let label = name;
    if (base.filter((other) => other === name).length > 1) {
      const { record } = runs[i]!;
      const config = (record.config ?? {}) as Record<string, unknown>;
      const commandDiffers = runs.some((r, j) => base[j] === name && r.record.command !== record.command);
      if (commandDiffers) label += ` ${record.command}`;
      if (typeof record.summary.phase === 'string') label += ` ${record.summary.phase}`;
      if (typeof config.seed === 'number') label += ` seed ${config.seed}`;
    }
    const fuller = label;
    for (let n = 2; used.has(label); n++) label = `${fuller} (${n})`;
    used.add(label);
    return label;
  });
}

/**
 * One row per phase and step. A step may have several lines (training and evaluation write their own) and, after a resume, be
 * written twice: later values win. Phases keep the order in which they first appear.
 */
export function mergeRows(rows: readonly MetricRow[]): MetricRow[] {
  const phases = new Map<string, Map<number, MetricRow>>();
  for (const row of rows) {
    const phase = row.phase ?? '';
    let steps = phases.get(phase);
    if (steps === undefined) phases.set(phase, (steps = new Map()));
    steps.set(row.step, { ...steps.get(row.step), ...row });
  }
  return [...phases.values()].flatMap((steps) => [...steps.values()].sort((a, b) => a.step - b.step));
}

/** A metric of a row, if it is there and a finite number. */
export function metric(row: MetricRow, name: string): number | undefined {
  const value = row[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The (step, value) pairs of a metric, in order. */
export function metricPoints(rows: readonly MetricRow[], name: string): { x: number; y: number }[] {
  return rows.flatMap((row) => {
    const y = metric(row, name);
    return y === undefined ? [] : [{ x: row.step, y }];
  });
}

/** All metric names of the rows that start with `prefix`, sorted. */
export function metricNames(rows: readonly MetricRow[], prefix: string): string[] {
  const names = new Set<string>();
  for (const row of rows) for (const key of Object.keys(row)) if (key.startsWith(prefix)) names.add(key);
  return [...names].sort();
}
