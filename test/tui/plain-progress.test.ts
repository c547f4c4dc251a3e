/** Progress as lines of a log. */
import { expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/core/events.ts';
import { PlainProgress } from '../../src/tui/plain-progress.ts';

function linesOf(events: readonly [seconds: number, event: ProgressEvent][]): string[] {
  const plain = new PlainProgress();
  return events.flatMap(([seconds, event]) => plain.linesFor(event, seconds));
}

test('writes a line for the start, the end and each message', () => {
  expect(
    linesOf([
      [0, { kind: 'start', task: 'filter', total: 1200, unit: 'documents' }],
      [1, { kind: 'message', level: 'warn', text: 'a.html: not UTF-8' }],
      [2, { kind: 'message', level: 'info', text: 'two workers' }],
      [4, { kind: 'end', task: 'filter', done: 1200, unit: 'documents', seconds: 4, numbers: { kept: 800 } }],
      [4, { kind: 'start', task: 'index', unit: 'files' }],
    ]),
  ).toEqual([
    'filter: start, 1,200 documents',
    'warning: a.html: not UTF-8',
    'two workers',
    'filter: done, 1,200 documents in 4.0 s, 300 documents/s, kept 800',
    'index: start',
  ]);
});

test('writes at most one progress line in five seconds for each task, with rate, ETA and numbers', () => {
  const events: [number, ProgressEvent][] = [
    [0, { kind: 'start', task: 'train', total: 100, unit: 'steps' }],
  ];
  for (let s = 1; s <= 12; s++) {
    events.push([
      s,
      { kind: 'progress', task: 'train', done: s * 2, unit: 'steps', numbers: { loss: 3 - s / 10 } },
    ]);
    events.push([s, { kind: 'progress', task: 'watch', done: s, unit: 'files' }]);
  }
  expect(linesOf(events)).toEqual([
    'train: start, 100 steps',
    'watch: 1 file',
    'train: 10/100 steps (10 %), 2 steps/s, ETA 0:45, loss 2.500',
    'watch: 6 files, 1 files/s',
    'train: 20/100 steps (20 %), 2 steps/s, ETA 0:40, loss 2',
    'watch: 11 files, 1 files/s',
  ]);
});

test('writes fewer lines the longer a task runs, at least one a minute', () => {
  const events: [number, ProgressEvent][] = [
    [0, { kind: 'start', task: 'filter', total: 1e6, unit: 'bytes' }],
  ];
  for (let s = 1; s <= 10 * 3600; s++)
    events.push([s, { kind: 'progress', task: 'filter', done: 20 * s, total: 1e6, unit: 'bytes' }]);
  const plain = new PlainProgress();
  const at = events.flatMap(([s, event]) => plain.linesFor(event, s).map(() => s));
  expect(at.length).toBeLessThan(650);
  expect(at.filter((s) => s <= 60).length).toBeGreaterThanOrEqual(10);
  const gaps = at.slice(1).map((s, i) => s - at[i]!);
  expect(Math.max(...gaps)).toBe(60);
});

test('says at the end which tasks were cut short', () => {
  const plain = new PlainProgress();
  plain.linesFor({ kind: 'start', task: 'train', total: 100, unit: 'steps' }, 0);
  plain.linesFor({ kind: 'progress', task: 'train', done: 58, unit: 'steps' }, 3);
  expect(plain.closingLines(65)).toEqual(['train: stopped at 58/100 steps (58 %) after 1:05']);
});

test('never says 100 % before all is done', () => {
  const plain = new PlainProgress();
  const lines = plain.linesFor({ kind: 'progress', task: 't', done: 999, total: 1000, unit: 'steps' }, 0);
  expect(lines).toEqual(['t: 999/1,000 steps (99 %)']);
});
