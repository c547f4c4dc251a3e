/**
 * A run reduced to what reports and measures need, the same wherever it ran: no times, no speeds, no places on the disk, and a bounded size. An ablation is
 * always collected from runs in this form, so that one that was exported and imported gives the same data as the one that ran here. Doing it twice changes
 * nothing. Pure.
 *
 * RL rows are all kept, those of training thinned (every evaluation stays, and of the losses the low and high points); evaluations keep all digits, other
 * numbers six. Of the rollouts, five steps evenly over the run with two right and two wrong ones each.
 */
import type { MetricRow, RunRecord } from '../core/record.ts';
import { mergeRows, metric, type RolloutRow } from '../report/report-run.ts';
import { evenly, thin } from '../report/thin.ts';
import type { StepKind } from './grid.ts';

export interface CompactRun {
  record: RunRecord;
  rows: MetricRow[];
  rollouts: RolloutRow[];
}

export interface RunOrigin {
  id: string;
  kind: StepKind;
  reads: readonly string[];
  /** Folders that a path may begin with and that are left away: the store's. */
  root?: string;
}

/** Training rows that a loss curve is drawn from. */
const mostTrainingRows = 120;
const rolloutSteps = 5;
const rolloutsOfAKind = 2;
const longestText = 2000;
const excerptLength = 240;
const examplesOfAReason = 3;

/** `record`, `rows`, `rollouts` as read from a run's folder. */
export function compactRun(
  {
    record,
    rows,
    rollouts,
  }: { record: RunRecord; rows: readonly MetricRow[]; rollouts: readonly RolloutRow[] },
  origin: RunOrigin,
): CompactRun {
  return {
    record: compactRecord(record, origin),
    rows: compactRows(rows, origin.kind),
    rollouts: compactRollouts(rollouts),
  };
}

function compactRecord(record: RunRecord, { id, reads, root }: RunOrigin): RunRecord {
  const { device } = record;
  const clean = (value: unknown): unknown => withoutPlaces(value, root);
  return {
    version: record.version,
    command: record.command,
    name: record.name,
    status: record.status,
    startedAt: '',
    config: clean(record.config),
    fingerprint: id.slice(id.lastIndexOf('-') + 1),
    evidence: record.evidence,
    inputs: record.inputs.map((input) => ({ ...input, path: pathless(input.path, root) })),
    parents: [...reads],
    versions: record.versions,
    ...(device === undefined
      ? {}
      : {
          device: Object.fromEntries(
            ['name', 'vendor', 'architecture', 'software'].flatMap((key) =>
              device[key] === undefined ? [] : [[key, device[key]]],
            ),
          ),
        }),
    summary: fewerExamples(clean(record.summary) as Record<string, unknown>),
    warnings: record.warnings.map((text) => pathless(text, root)),
  };
}

/** Keys that say how fast something was or where it lay. */
const passing = /^(?:seconds|workers|runFolder|commandLine)$|Seconds$|PerSecond$/;

/** Any JSON without passing keys and absolute paths. */
export function withoutPlaces(value: unknown, root?: string): unknown {
  if (typeof value === 'string') return pathless(value, root);
  if (Array.isArray(value)) return value.map((item) => withoutPlaces(item, root));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      passing.test(key) ? [] : [[pathless(key, root), withoutPlaces(inner, root)]],
    ),
  );
}

/** An absolute path (of at least two parts, not the path of a URL) inside a text becomes its last part; inside the store, what follows the store. */
export function pathless(text: string, root?: string): string {
  const inside = root === undefined ? text : text.replaceAll(`${root.replace(/[\\/]+$/, '')}/`, '');
  return inside
    .replaceAll(/(?<![\w.:/<\\)}])\/(?:[\w.@+~-]+\/)+([\w.@+~-]*)/g, '$1')
    .replaceAll(/(?<![\w/])[A-Za-z]:[\\/](?:[\w .@+~-]+[\\/])+([\w.@+~-]*)/g, '$1');
}

/** The filter's examples, some of each reason, as excerpts. */
function fewerExamples(summary: Record<string, unknown>): Record<string, unknown> {
  const { examples } = summary;
  if (examples === null || typeof examples !== 'object' || Array.isArray(examples)) return summary;
  const fewer = Object.entries(examples).map(([reason, list]) => [
    reason,
    Array.isArray(list) ? list.slice(0, examplesOfAReason).map(shortExample) : list,
  ]);
  return { ...summary, examples: Object.fromEntries(fewer) };
}

function shortExample(example: unknown): unknown {
  const { excerpt } = (example ?? {}) as { excerpt?: unknown };
  return typeof excerpt === 'string'
    ? { ...(example as Record<string, unknown>), excerpt: cut(excerpt, excerptLength) }
    : example;
}

const timing = /^(?:timing_s\/|perf\/|memory\/|step_time$|tokens_per_sec$|tflops$|mfu$)/;

function compactRows(rows: readonly MetricRow[], kind: StepKind): MetricRow[] {
  const merged = mergeRows(rows);
  const kept = kind === 'train-stable' || kind === 'train-decay' ? thinnedRows(merged) : merged;
  return kept.map((row) => {
    const out: MetricRow = { step: row.step, ...(row.phase === undefined ? {} : { phase: row.phase }) };
    // One order of keys, whatever order they were read in.
    for (const key of Object.keys(row).sort()) {
      const value = row[key];
      if (value === undefined || value === null || timing.test(key)) continue;
      out[key] = typeof value === 'number' && !key.startsWith('eval_') ? sixDigits(value) : value;
    }
    return out;
  });
}

/** Evaluations and the picture of the loss. As few rows as `mostTrainingRows` are left as they are. */
function thinnedRows(rows: readonly MetricRow[]): MetricRow[] {
  if (rows.length <= mostTrainingRows) return [...rows];
  const evaluated = rows.filter((row) => metric(row, 'eval_loss') !== undefined);
  const points = rows.flatMap((row) => {
    const y = metric(row, 'loss');
    return y === undefined ? [] : [{ x: row.step, y, row }];
  });
  const room = Math.max(4, mostTrainingRows - evaluated.length);
  const wanted = new Set([...evaluated, ...thin(points, room).map(({ row }) => row)]);
  return rows.filter((row) => wanted.has(row));
}

function sixDigits(value: number): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) return value === 0 ? 0 : value;
  return Number(value.toPrecision(6));
}

function compactRollouts(rollouts: readonly RolloutRow[]): RolloutRow[] {
  const steps = [...new Set(rollouts.map(({ step }) => step))].sort((a, b) => a - b);
  return evenly(steps, rolloutSteps).flatMap((step) => {
    const own = rollouts.filter((row) => row.step === step);
    const right = own.filter(({ reward }) => reward > 0).slice(0, rolloutsOfAKind);
    const wrong = own.filter(({ reward }) => !(reward > 0)).slice(0, rolloutsOfAKind);
    return [...right, ...wrong].map((row) => ({
      ...row,
      prompt: cut(row.prompt, longestText),
      completion: cut(row.completion, longestText),
    }));
  });
}

/** Doing it again leaves it. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
