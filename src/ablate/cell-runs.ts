/**
 * What a measure reads: the runs of one arm with one seed, their metric rows one a step, and the few ways of taking a figure from a column of them.
 * Pure. A figure that cannot be had is a reason in words, never a number made up.
 */
import type { MetricRow, RunRecord } from '../core/record.ts';
import { metric } from '../report/report-run.ts';
import type { SignatureName } from '../signatures/rule.ts';

export interface CellRun {
  record: RunRecord;
  /** One a step, in order (mergeRows). */
  rows: readonly MetricRow[];
}

export interface CellRuns {
  filter?: CellRun;
  mixStable?: CellRun;
  mixDecay?: CellRun;
  stable?: CellRun;
  decay?: CellRun;
  chains?: CellRun;
  grpo?: CellRun;
  /** `name of:` -> run, such as `few-shot base`. */
  evals: Readonly<Record<string, CellRun>>;
}

/** A figure, or why there is none. */
export type Measured = number | { absent: string };

export interface Point {
  step: number;
  value: number;
}

export function isAbsent(measured: Measured): measured is { absent: string } {
  return typeof measured !== 'number';
}

/** The column of an RL run as points. */
export function columnOf(run: CellRun | undefined, column: string): Point[] | { absent: string } {
  if (run === undefined) return { absent: 'there is no RL run' };
  const points = run.rows.flatMap((row) => {
    const value = metric(row, column);
    return value === undefined ? [] : [{ step: row.step, value }];
  });
  return points.length === 0 ? { absent: `the RL run logged no ${column}` } : points;
}

/** Takes a figure from a column of the RL run. */
export function fromColumn(
  run: CellRun | undefined,
  column: string,
  take: (points: readonly Point[]) => Measured,
): Measured {
  const points = columnOf(run, column);
  return 'absent' in points ? points : take(points);
}

/** Mean of the last `k` points. Fewer than `k` is no such mean. */
export function endMean(k: number, what: string): (points: readonly Point[]) => Measured {
  return (points) =>
    points.length < k
      ? { absent: `the RL run has ${points.length} ${what}, and the mean is over the last ${k}` }
      : meanOf(points.slice(-k));
}

/** Mean of the first `k` points. */
export function startMean(k: number, what: string): (points: readonly Point[]) => Measured {
  return (points) =>
    points.length < k
      ? { absent: `the RL run has ${points.length} ${what}, and the mean is over the first ${k}` }
      : meanOf(points.slice(0, k));
}

/** The greatest (or least) mean of `k` points in a row. */
export function extremeMean(
  k: number,
  side: 'greatest' | 'least',
  what: string,
): (points: readonly Point[]) => Measured {
  return (points) => {
    if (points.length < k)
      return { absent: `the RL run has ${points.length} ${what}, and the mean is over ${k} in a row` };
    const means = points.slice(k - 1).map((_, i) => meanOf(points.slice(i, i + k)));
    return means.reduce((a, b) => (side === 'greatest' ? Math.max(a, b) : Math.min(a, b)));
  };
}

/** How far the value fell below the greatest value before it, at most; 0 where it never fell. */
export function largestFall(points: readonly Point[]): number {
  let best = Number.NEGATIVE_INFINITY;
  let fall = 0;
  for (const { value } of points) {
    best = Math.max(best, value);
    fall = Math.max(fall, best - value);
  }
  return fall;
}

/** The first point with the greatest value. */
export function maximum(points: readonly Point[]): Point {
  return points.reduce((a, b) => (b.value > a.value ? b : a));
}

function meanOf(points: readonly Point[]): number {
  return points.reduce((sum, { value }) => sum + value, 0) / points.length;
}

/** A number in a run's summary, by path. */
export function inSummary(run: CellRun | undefined, path: readonly string[], absent: string): Measured {
  let at: unknown = run?.record.summary;
  for (const key of path)
    at = at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[key] : undefined;
  return typeof at === 'number' && Number.isFinite(at) ? at : { absent };
}

/** The phase that RL starts from, and the mixture of it. */
export function lastPhase({ stable, decay }: CellRuns): CellRun | undefined {
  return decay ?? stable;
}

export function lastMixture({ mixStable, mixDecay }: CellRuns): CellRun | undefined {
  return mixDecay ?? mixStable;
}

/** The last held-out loss of that phase. */
export function lossOf(runs: CellRuns, column: string): Measured {
  const run = lastPhase(runs);
  if (run === undefined) return { absent: 'there is no training run' };
  const points = columnOf(run, column);
  return 'absent' in points ? { absent: `the training run logged no ${column}` } : points.at(-1)!.value;
}

export const noRl = { absent: 'there is no RL run' };

export interface Finding {
  signature: SignatureName;
  step: number;
  text: string;
}

/** Signatures that fired, as the run wrote them down: each once, at its first step. */
export function findingsOf(run: CellRun): Finding[] {
  const { findings } = run.record.summary;
  return Array.isArray(findings)
    ? findings.filter(
        (one): one is Finding =>
          one !== null &&
          typeof one === 'object' &&
          typeof one.signature === 'string' &&
          typeof one.step === 'number',
      )
    : [];
}
