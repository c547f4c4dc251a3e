/**
 * What a report says about training: the runs of every way laid on one axis (tokens if all log them, else steps), so that the
 * stable phase and the decay that continues it are one line, with the place where the phase changes.
 *
 * A decay run may count its steps on from its parent or start again at the beginning; steps that start again are moved behind the
 * parent's last one. What this gives up: a decay that starts from a checkpoint in the middle of the stable run and counts from
 * zero is drawn behind the stable run's end.
 */
import type { MetricRow } from '../core/record.ts';
import { metric, metricNames, type PreparedRun } from './report-run.ts';
import type { Point } from './thin.ts';
import type { Way } from './ways.ts';

interface PlacedRow {
  row: MetricRow;
  phase: string;
  /** Optimizer steps since the way's first training run began. */
  step: number;
  /** Tokens seen since then, where logged. */
  tokens: number | undefined;
}

export interface TrainSegment {
  run: PreparedRun;
  rows: PlacedRow[];
  /** The chain it belongs to; undefined when several chains share it. */
  chain: number | undefined;
}

interface TrainChain {
  label: string;
  segments: TrainSegment[];
  firstLoss: number | undefined;
  lastLoss: number | undefined;
  firstHeldOut: number | undefined;
  lastHeldOut: number | undefined;
  steps: number;
  tokens: number | undefined;
}

export interface TrainFacts {
  axis: 'tokens' | 'step';
  segments: TrainSegment[];
  chains: TrainChain[];
  /** Where a phase gives way to the next, on the axis. */
  boundaries: { at: number; label: string }[];
  /** Sources with a held-out loss of their own. */
  heldOut: string[];
  notes: string[];
}

export function trainFacts(ways: readonly Way[]): TrainFacts | undefined {
  const trains = distinctTrains(ways);
  if (trains.length === 0) return undefined;
  const segments = new Map<string, TrainSegment>();
  const offsets = new Map<string, Offset>();
  const chains = trains.map((train, i) => {
    const parts: TrainSegment[] = [];
    for (const [j, run] of train.entries()) {
      const known = segments.get(run.id);
      if (known !== undefined) {
        known.chain = undefined;
        parts.push(known);
        continue;
      }
      const before = j === 0 ? undefined : offsets.get(train[j - 1]!.id);
      const placed = placeRows(run.rows, before);
      const segment: TrainSegment = { run, rows: placed.rows, chain: i };
      segments.set(run.id, segment);
      offsets.set(run.id, placed.end);
      parts.push(segment);
    }
    return parts;
  });
  const all = [...segments.values()];
  const axis = all.every((s) => s.rows.some((r) => r.tokens !== undefined)) ? 'tokens' : 'step';
  return {
    axis,
    segments: all,
    chains: chains.map((parts) => chainOf(parts)),
    boundaries: boundariesOf(chains, axis),
    heldOut: [
      ...new Set(
        all.flatMap((s) => metricNames(s.run.rows, 'eval_loss/').map((n) => n.slice('eval_loss/'.length))),
      ),
    ].sort(),
    notes: all.flatMap(lossNotes),
  };
}

function distinctTrains(ways: readonly Way[]): PreparedRun[][] {
  const byKey = new Map<string, PreparedRun[]>();
  for (const { train } of ways) if (train.length > 0) byKey.set(train.map((run) => run.id).join('\n'), train);
  // A chain that is only the beginning of another one (a stable run whose decay is here too) is not a chain of its own.
  return [...byKey]
    .filter(([key]) => ![...byKey.keys()].some((k) => k.startsWith(`${key}\n`)))
    .map(([, train]) => train);
}

interface Offset {
  /** Added to the run's own numbers. */
  step: number;
  tokens: number;
  /** Where the run ended, on the common axis. */
  lastStep: number;
  lastTokens: number;
}

function placeRows(
  rows: readonly MetricRow[],
  before: Offset | undefined,
): { rows: PlacedRow[]; end: Offset } {
  let at: Offset = before ?? { step: 0, tokens: 0, lastStep: 0, lastTokens: 0 };
  const out: PlacedRow[] = [];
  for (const [phase, group] of byPhase(rows)) {
    const steps = group.map((row) => row.step);
    const tokens = group.flatMap((row) => metric(row, 'num_tokens') ?? []);
    const step = startsAgain(steps, at.lastStep) ? at.lastStep : at.step;
    const token = startsAgain(tokens, at.lastTokens) ? at.lastTokens : at.tokens;
    for (const row of group) {
      const own = metric(row, 'num_tokens');
      out.push({ row, phase, step: row.step + step, tokens: own === undefined ? undefined : own + token });
    }
    at = {
      step,
      tokens: token,
      lastStep: Math.max(at.lastStep, (steps.at(-1) ?? 0) + step),
      lastTokens: Math.max(at.lastTokens, (tokens.at(-1) ?? 0) + token),
    };
  }
  return { rows: out, end: at };
}

/** Whether numbers begin anew, at or near zero, after something that ended at `last`. */
function startsAgain(numbers: readonly number[], last: number): boolean {
  const first = numbers[0];
  if (first === undefined || last === 0) return false;
  const spacing = numbers.length > 1 ? (numbers.at(-1)! - first) / (numbers.length - 1) : first;
  return first < last && first <= 1.5 * Math.max(1, spacing);
}

function byPhase(rows: readonly MetricRow[]): [string, MetricRow[]][] {
  const phases = new Map<string, MetricRow[]>();
  for (const row of rows) {
    const list = phases.get(row.phase ?? '');
    if (list === undefined) phases.set(row.phase ?? '', [row]);
    else list.push(row);
  }
  return [...phases];
}

function chainOf(segments: TrainSegment[]): TrainChain {
  const rows = segments.flatMap((s) => s.rows);
  const values = (name: string): number[] => rows.flatMap((r) => metric(r.row, name) ?? []);
  const loss = values('loss');
  const heldOut = values('eval_loss');
  return {
    label: segments.at(-1)!.run.label,
    segments,
    firstLoss: loss[0],
    lastLoss: loss.at(-1),
    firstHeldOut: heldOut[0],
    lastHeldOut: heldOut.at(-1),
    steps: rows.at(-1)?.step ?? 0,
    tokens: rows.findLast((r) => r.tokens !== undefined)?.tokens,
  };
}

function boundariesOf(chains: readonly TrainSegment[][], axis: 'tokens' | 'step'): TrainFacts['boundaries'] {
  const found = new Map<number, string>();
  for (const segments of chains) {
    let last: PlacedRow | undefined;
    for (const placed of segments.flatMap((s) => s.rows)) {
      if (last !== undefined && placed.phase !== last.phase && placed.phase !== '') {
        const at = axis === 'tokens' ? last.tokens : last.step;
        if (at !== undefined) found.set(at, placed.phase);
      }
      last = placed;
    }
  }
  return [...found].map(([at, label]) => ({ at, label })).sort((a, b) => a.at - b.at);
}

function lossNotes(segment: TrainSegment): string[] {
  const bad = segment.rows.filter((r) => 'loss' in r.row && metric(r.row, 'loss') === undefined);
  const skipped = segment.rows.filter((r) => (metric(r.row, 'skipped') ?? 0) > 0);
  const notes: string[] = [];
  const say = (what: string, rows: readonly PlacedRow[]): void => {
    if (rows.length > 0)
      notes.push(
        `${segment.run.label}: ${what} in ${rows.length} of its steps, first at step ${rows[0]!.row.step}`,
      );
  };
  say('the loss was not a finite number', bad);
  say('the update was skipped', skipped);
  return notes;
}

/** A metric of a segment on the common axis. Rows without a token count are placed between their neighbours. */
export function segmentPoints(
  segment: TrainSegment,
  name: string,
  axis: 'tokens' | 'step',
): (Point & { step: number })[] {
  let lastTokens: number | undefined;
  return segment.rows.flatMap((placed) => {
    lastTokens = placed.tokens ?? lastTokens;
    const y = metric(placed.row, name);
    const x = axis === 'step' ? placed.step : lastTokens;
    return y === undefined || x === undefined ? [] : [{ x, y, step: placed.step }];
  });
}
