/**
 * Progress without a terminal: one line per event, for logs and CI. Progress lines of a task come every few seconds
 * at first and once a minute later (a night's job leaves some 600 lines, not 9,000);
 * starts, ends and messages always. The lines hold amount, share, rate, time left and the current numbers.
 */
import type { ProgressEvent } from '../core/events.ts';
import { amountOf, countOf, durationOf, figure, rateOf, tookOf } from './figures.ts';
import {
  estimateOf,
  type LogEntry,
  meanRateOf,
  ProgressModel,
  percentOf,
  type TaskState,
} from './progress-model.ts';

/** Seconds between two progress lines of one task: a tenth of what it has run, within these bounds. */
const shortestQuiet = 5;
const longestQuiet = 60;

/** Turns events into lines; `now` in seconds. Pure but for its own memory of when it last spoke. */
export class PlainProgress {
  private readonly model: ProgressModel;
  private readonly lastLine = new Map<string, number>();

  constructor(model = new ProgressModel()) {
    this.model = model;
  }

  linesFor(event: ProgressEvent, now: number): string[] {
    const lines = this.model.apply(event, now).map(logLine);
    if (event.kind === 'start') {
      this.lastLine.set(event.task, now);
      const task = this.model.running.get(event.task)!;
      return [
        ...lines,
        `${task.name}: start${task.total === undefined ? '' : `, ${amountOf(task.total, task.unit)}`}`,
      ];
    }
    if (event.kind === 'end') this.lastLine.delete(event.task);
    if (event.kind !== 'progress') return lines;
    const last = this.lastLine.get(event.task);
    const task = this.model.running.get(event.task)!;
    const quiet = Math.min(longestQuiet, Math.max(shortestQuiet, (now - task.startedAt) / 10));
    if (last !== undefined && now - last < quiet) return lines;
    this.lastLine.set(event.task, now);
    return [...lines, progressLine(task, now)];
  }

  /** What is left to say when the job ends: tasks cut short, warnings that were only counted. */
  closingLines(now: number): string[] {
    return this.model.close(now).map(logLine);
  }
}

function progressLine(task: TaskState, now: number): string {
  const { rate, secondsLeft } = estimateOf(task, now);
  return [
    `${task.name}: ${amountDone(task)}`,
    ...(rate === undefined ? [] : [rateOf(rate, task.unit)]),
    ...(secondsLeft === undefined ? [] : [`ETA ${durationOf(secondsLeft)}`]),
    ...numbersOf(task),
    ...partsOf(task),
  ].join(', ');
}

/** `580/1,000 steps (58 %)`, or `580 steps` when the total is unknown. */
export function amountDone(task: TaskState): string {
  const percent = percentOf(task);
  if (task.total === undefined || percent === undefined) return amountOf(task.done, task.unit);
  return `${countOf(task.done, task.unit)}/${amountOf(task.total, task.unit)} (${percent} %)`;
}

function finishedLine(task: TaskState): string {
  const rate = meanRateOf(task);
  return [
    `${task.name}: done, ${amountOf(task.done, task.unit)} in ${tookOf(task.seconds ?? 0)}`,
    ...(rate === undefined ? [] : [rateOf(rate, task.unit)]),
    ...numbersOf(task),
  ].join(', ');
}

function logLine(entry: LogEntry): string {
  switch (entry.kind) {
    case 'finished':
      return finishedLine(entry.task);
    case 'stopped':
      return `${entry.task.name}: stopped at ${amountDone(entry.task)} after ${tookOf(entry.seconds)}`;
    case 'message':
      return entry.level === 'warn' ? `warning: ${entry.text}` : entry.text;
  }
}

/** Most parts that a line names. */
const mostParts = 8;

/** `mixture web 59.8 % of 60.0`: the share so far and the one asked for. */
function partsOf({ parts }: TaskState): string[] {
  const total = parts.reduce((sum, part) => sum + part.amount, 0);
  if (total === 0) return [];
  const told = parts.slice(0, mostParts).map(({ name, amount, target }) => {
    const share = `${name} ${((amount * 100) / total).toFixed(1)} %`;
    return target === undefined ? share : `${share} of ${(target * 100).toFixed(1)}`;
  });
  const more = parts.length - told.length;
  return [`so far ${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}

function numbersOf(task: TaskState): string[] {
  return [...task.numbers].map(([name, value]) => `${name} ${figure(value)}`);
}
