/**
 * The state of a running job as far as people want to see it: fed with events, read by the terminal views. No terminal here.
 *
 * Keeps per task the amount done, a rate meter, the latest numbers and the curves of those worth a curve; and a log of what
 * must stay in the scrollback: messages and finished tasks. A warning that repeats is logged once and counted. All text comes
 * in stripped of control sequences, because task names, messages and names of numbers may hold file names and page text.
 */
import type { ProgressEvent, ProgressPart } from '../core/events.ts';
import { printable, printableLine } from '../core/printable.ts';
import { addPoint, type Curve, emptyCurve } from './curve.ts';
import { advance, type Estimate, estimate, meanRate, type RateMeter, startMeter } from './eta.ts';

export interface TaskState {
  readonly name: string;
  unit: string;
  total: number | undefined;
  done: number;
  startedAt: number;
  updatedAt: number;
  meter: RateMeter | undefined;
  numbers: Map<string, number>;
  curves: Map<string, Curve>;
  /** What the amount is made of, where that is told. */
  parts: readonly ProgressPart[];
  /** Seconds it took, once it has ended. */
  seconds: number | undefined;
}

/** What stays in the scrollback, in order of happening. */
export type LogEntry =
  | { kind: 'message'; level: 'info' | 'warn'; text: string }
  | { kind: 'finished'; task: TaskState }
  /** Cut short by an error or by Ctrl-C, `seconds` after its start. */
  | { kind: 'stopped'; task: TaskState; seconds: number };

/** Distinct warnings shown; beyond these only the count grows, so a bad input with a million faults does not flood. */
const maxWarnings = 50;
/** Numbers whose course over time says more than their last value. */
const curved = /loss|reward|accuracy|length|entropy|^kl$/i;

export class ProgressModel {
  readonly log: LogEntry[] = [];
  readonly running = new Map<string, TaskState>();
  readonly warnings = new Map<string, number>();
  /** Warnings that were counted and not shown. */
  hiddenWarnings = 0;
  /** Grows with every event, so a view can tell whether anything changed. */
  version = 0;

  /** Takes in one event at `now` (seconds). Returns the log entries it added. */
  apply(event: ProgressEvent, now: number): LogEntry[] {
    this.version++;
    const before = this.log.length;
    switch (event.kind) {
      case 'start':
        this.running.set(event.task, newTask(event.task, event.unit, event.total, now));
        break;
      case 'progress':
        this.progress(event, now);
        break;
      case 'message':
        this.message(event.level, printable(event.text).trimEnd());
        break;
      case 'end': {
        const task =
          this.running.get(event.task) ?? newTask(event.task, event.unit, undefined, now - event.seconds);
        this.running.delete(event.task);
        task.done = event.done;
        take(task, event.numbers);
        task.unit = printableLine(event.unit);
        task.seconds = event.seconds;
        this.log.push({ kind: 'finished', task });
      }
    }
    return this.log.slice(before);
  }

  /** The job is over: tasks still running were cut short, and warnings that were only counted are summed up. */
  close(now: number): LogEntry[] {
    const before = this.log.length;
    for (const task of this.running.values()) {
      this.log.push({ kind: 'stopped', task, seconds: now - task.startedAt });
    }
    this.running.clear();
    const repeated = this.warningCount - this.warnings.size;
    if (repeated > 0) {
      const [all, shown] = [this.warningCount, this.warnings.size].map((n) => n.toLocaleString('en-US'));
      this.log.push({
        kind: 'message',
        level: 'info',
        text: `${all} warnings in all, ${shown} of them shown above`,
      });
    }
    this.version++;
    return this.log.slice(before);
  }

  private progress(event: Extract<ProgressEvent, { kind: 'progress' }>, now: number): void {
    let task = this.running.get(event.task);
    if (task === undefined) {
      task = newTask(event.task, event.unit, event.total, now);
      this.running.set(event.task, task);
    }
    task.meter =
      task.meter === undefined ? startMeter(now, event.done) : advance(task.meter, now, event.done);
    task.done = event.done;
    task.total = event.total ?? task.total;
    task.updatedAt = now;
    take(task, event.numbers);
    if (event.parts !== undefined)
      task.parts = event.parts.map((part) => ({ ...part, name: printableLine(part.name) }));
  }

  private message(level: 'info' | 'warn', text: string): void {
    if (level === 'info') {
      this.log.push({ kind: 'message', level, text });
      return;
    }
    const seen = this.warnings.get(text) ?? 0;
    if (seen === 0 && this.warnings.size >= maxWarnings) {
      this.hiddenWarnings++;
      return;
    }
    this.warnings.set(text, seen + 1);
    if (seen === 0) this.log.push({ kind: 'message', level, text });
  }

  /** Warnings in all, repeated and hidden ones included. */
  get warningCount(): number {
    let n = this.hiddenWarnings;
    for (const times of this.warnings.values()) n += times;
    return n;
  }
}

export function estimateOf(task: TaskState, now: number): Estimate {
  return task.meter === undefined
    ? { rate: undefined, secondsLeft: undefined }
    : estimate(task.meter, now, task.total);
}

/** Mean rate of a finished task; without two reports of progress, what it did over how long it took. */
export function meanRateOf(task: TaskState): number | undefined {
  const watched = task.meter === undefined ? undefined : meanRate(task.meter);
  if (watched !== undefined && watched > 0) return watched;
  return task.seconds !== undefined && task.seconds >= 0.5 && task.done > 0
    ? task.done / task.seconds
    : undefined;
}

/** Whole percent done, rounded down so that 100 means done; undefined without a total. */
export function percentOf(task: TaskState): number | undefined {
  if (task.total === undefined || task.total <= 0) return undefined;
  // Multiplied first: 58 / 100 * 100 is 57.99999999999999.
  return Math.min(100, Math.floor((task.done * 100) / task.total));
}

/** The telling ones first: what one watches in training, then in RL, then the details of both. */
const curveOrder = [
  /^reward$/,
  /^loss$/,
  /^eval[ _](loss|accuracy)$/,
  /accuracy/,
  /reward/,
  /loss/,
  /length/,
];

/** The curves to draw of a task, the most telling first. */
export function curvesOf(task: TaskState): { name: string; curve: Curve }[] {
  const drawn = [...task.curves].filter(([, curve]) => curve.values.length >= 2);
  const hasReward = drawn.some(([name]) => name === 'reward');
  const order = (name: string): number => {
    // In RL the loss says little beside the reward (advantages have mean zero by construction).
    if (hasReward && name === 'loss') return curveOrder.length + 1;
    const at = curveOrder.findIndex((pattern) => pattern.test(name));
    return at < 0 ? curveOrder.length : at;
  };
  return drawn.map(([name, curve]) => ({ name, curve })).sort((a, b) => order(a.name) - order(b.name));
}

function newTask(name: string, unit: string, total: number | undefined, now: number): TaskState {
  return {
    name: printableLine(name),
    unit: printableLine(unit),
    total,
    done: 0,
    startedAt: now,
    updatedAt: now,
    meter: undefined,
    numbers: new Map(),
    curves: new Map(),
    parts: [],
    seconds: undefined,
  };
}

function take(task: TaskState, numbers: Record<string, number> | undefined): void {
  for (const [rawName, value] of Object.entries(numbers ?? {})) {
    const name = printableLine(rawName);
    task.numbers.set(name, value);
    if (!curved.test(name)) continue;
    let curve = task.curves.get(name);
    if (curve === undefined) task.curves.set(name, (curve = emptyCurve()));
    addPoint(curve, value, task.done);
  }
}
