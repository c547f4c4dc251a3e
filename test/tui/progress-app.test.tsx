/** The live display, drawn in this process on a fake terminal. */
import { Console } from 'node:console';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderToString } from 'ink';
import { describe, expect, test } from 'vitest';
import { mountProgressApp, ProgressApp } from '../../src/tui/progress-app.tsx';
import { ProgressModel } from '../../src/tui/progress-model.ts';
import { brokenRows } from '../../src/tui/watch-frame.ts';
import { FakeTerminal } from './fake-terminal.ts';

// The test runner's console lacks the constructor that Ink needs to route console.* around its frame.
console.Console ??= Console;

/** A model in the middle of training: 58 of 100 steps, two a second. */
function training(names: readonly string[] = ['train stable']): ProgressModel {
  const model = new ProgressModel();
  for (const task of names) {
    model.apply({ kind: 'start', task, total: 100, unit: 'steps' }, 0);
    for (let step = 0; step <= 58; step++) {
      const numbers = { loss: 4 - step / 29, learning_rate: 0.003, 'tokens/s': 12_480 };
      model.apply({ kind: 'progress', task, done: step, unit: 'steps', numbers }, step / 2);
    }
  }
  return model;
}

function draw(model: ProgressModel, columns: number, rows = 30): string[] {
  const app = (
    <ProgressApp model={model} clock={() => 29} columns={columns} rows={rows} onWriter={() => {}} />
  );
  return renderToString(app, { columns }).split('\n');
}

describe('the display', () => {
  test('shows bar, share, amount, rate, time left, numbers and the loss curve', () => {
    const lines = draw(training(), 100);
    const text = lines.join('\n');
    expect(text).toMatch(/train stable {2}━+─+ {3}58 %/);
    expect(text).toContain('58 / 100 steps   2 steps/s   ETA 0:21   0:29 so far');
    expect(text).toContain('loss 2   learning_rate 3.0e-3   tokens/s 12.5k');
    expect(lines.filter((line) => /[\u2801-\u28ff]/.test(line)).length).toBe(7);
    expect(lines.find((line) => /^ +4 /.test(line))).toBeDefined();
    expect(lines.find((line) => /^ +0 +steps 58$/.test(line.trimEnd()))).toBeDefined();
  });

  test('fits the terminal at every width from 60 to 200 columns', () => {
    const model = training();
    for (let columns = 60; columns <= 200; columns += 7) {
      const lines = draw(model, columns);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      expect(lines.join('\n')).toContain('58 %');
    }
  });

  test('is lower than the terminal, however many tasks are at work', () => {
    const many = Array.from({ length: 40 }, (_, i) => `worker ${i}`);
    for (const rows of [10, 16, 24, 50]) {
      const lines = draw(training(many), 80, rows);
      expect(lines.length).toBeLessThan(rows);
      expect(lines.join('\n')).toContain('worker 39');
      expect(lines.join('\n')).toMatch(/\d+ more tasks at work/);
    }
    expect(draw(training(), 80, 10).length).toBeLessThan(10);
  });

  test('shows a number that is not finite', () => {
    const model = training();
    model.apply(
      { kind: 'progress', task: 'train stable', done: 59, unit: 'steps', numbers: { loss: Number.NaN } },
      29,
    );
    expect(draw(model, 100).join('\n')).toContain('loss NaN');
  });

  test('leaves the bar out where the total is unknown', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'progress', task: 'filter', done: 1234, unit: 'documents' }, 0);
    const text = draw(model, 80).join('\n');
    expect(text).toContain('1,234 documents');
    expect(text).not.toMatch(/[━─%]/);
  });
});

describe('a mounted display', () => {
  /** Stands for process.stderr: forwards what is written to a fake terminal. */
  function open(columns = 80, rows = 24) {
    const terminal = new FakeTerminal(columns, rows);
    const write = (data: string, done?: () => void): boolean => {
      terminal.feed(String(data).replaceAll('\n', '\r\n')); // a terminal's driver does this to what is written
      if (typeof done === 'function') done();
      return true;
    };
    const stream = Object.assign(new EventEmitter(), { isTTY: true, columns, rows, write, writable: true });
    const stdout = stream as unknown as NodeJS.WriteStream;
    const model = new ProgressModel();
    let now = 0;
    const app = mountProgressApp(model, { stdout, stderr: stdout, clock: () => now });
    return {
      app,
      terminal,
      advance: async (seconds: number) => {
        now += seconds;
        await sleep(400); // longer than the display waits between two frames
      },
    };
  }

  test('draws in place, keeps finished tasks and messages in order, and leaves nothing else behind', async () => {
    const { app, terminal, advance } = open();
    app.emit({ kind: 'start', task: 'filter', total: 10, unit: 'documents' });
    await advance(1);
    app.emit({ kind: 'progress', task: 'filter', done: 4, unit: 'documents' });
    await advance(1);
    expect(terminal.text()).toContain('4 / 10 documents');
    app.print('a result on standard output\n');
    app.emit({ kind: 'message', level: 'warn', text: 'page 7: not UTF-8' });
    app.emit({ kind: 'end', task: 'filter', done: 10, unit: 'documents', seconds: 2 });
    app.print('half a line, ');
    app.emit({ kind: 'start', task: 'mix', total: 5, unit: 'sources' });
    await advance(1);
    app.print('and its end\n');
    await app.close();
    expect(terminal.text().split('\n')).toEqual([
      'a result on standard output',
      'warning: page 7: not UTF-8',
      'done filter   10 documents in 2.0 s   5 documents/s',
      'half a line, and its end',
      'stopped mix   0/5 sources (0 %)   after 1.0 s',
    ]);
    expect(terminal.cursorVisible).toBe(true);
  });

  test('hides the cursor only while it draws', async () => {
    const { app, terminal, advance } = open();
    app.emit({ kind: 'start', task: 'a', unit: 'files' });
    await advance(1);
    expect(terminal.cursorVisible).toBe(false);
    await app.close();
    expect(terminal.cursorVisible).toBe(true);
  });
});

test('counts the extra rows that a frame takes when a terminal gets narrower', () => {
  const frame = `${'x'.repeat(100)}\n${'y'.repeat(50)}   \n\n`;
  expect([200, 100, 99, 50, 49, 10].map((columns) => brokenRows(frame, columns))).toEqual([
    0, 0, 1, 1, 3, 13,
  ]);
});
