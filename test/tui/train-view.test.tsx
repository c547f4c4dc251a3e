/** The display of a training run: loss curve, held-out loss, the mixture so far against the recipe, at several sizes, and as plain lines. */
import { renderToString } from 'ink';
import { describe, expect, test } from 'vitest';
import { PlainProgress } from '../../src/tui/plain-progress.ts';
import { ProgressApp } from '../../src/tui/progress-app.tsx';
import { ProgressModel } from '../../src/tui/progress-model.ts';
import { mixture, trainingEvent } from './training-events.ts';

const total = 2000;

function model(steps = 1300, sources = mixture): ProgressModel {
  const state = new ProgressModel();
  state.apply({ kind: 'start', task: 'train stable', total, unit: 'step' }, 0);
  for (let step = 1; step <= steps; step++) state.apply(trainingEvent(step, total, sources), step / 10);
  return state;
}

function draw(state: ProgressModel, columns: number, rows: number, now = 130): string[] {
  const app = (
    <ProgressApp model={state} clock={() => now} columns={columns} rows={rows} onWriter={() => {}} />
  );
  return renderToString(app, { columns }).split('\n');
}

describe('the display of a training run', () => {
  test.each([
    [80, 24],
    [120, 40],
  ])(
    "at %s x %s shows curves with axes, all figures, and every source with its share, the recipe's and its held-out loss",
    (columns, rows) => {
      const lines = draw(model(), columns, rows);
      const text = lines.join('\n');
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      for (const name of ['loss', 'lr', 'grad norm', 'tokens/s', 'MFU', 'eval loss'])
        expect(text).toContain(`${name} `);
      expect(text).toMatch(/ETA 1:10/);
      expect(text).toMatch(/1 +step 1,300 +1 +step 1,300/);
      for (const [name, share] of mixture) {
        const row = lines.find((line) => line.includes(name))!;
        expect(row).toMatch(
          new RegExp(`${(share * 100).toFixed(1)} % +${(share * 100).toFixed(1)} +\\d\\.\\d{3}`),
        );
      }
      expect(text).toContain('51.1M');
    },
  );

  test('fits at every size, with as much as there is room for', () => {
    const many = Array.from({ length: 14 }, (_, i) => [`source-with-a-long-name-${i}`, 1 / 14, 2] as const);
    for (const state of [
      model(300),
      model(
        300,
        many.map(([...part]) => part),
      ),
    ]) {
      for (const columns of [60, 80, 91, 132]) {
        for (const rows of [10, 16, 24, 50]) {
          const lines = draw(state, columns, rows);
          expect(lines.length, `${columns} x ${rows}`).toBeLessThan(rows);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
        }
      }
    }
    expect(
      draw(
        model(
          300,
          many.map(([...part]) => part),
        ),
        80,
        24,
      ).join('\n'),
    ).toMatch(/and \d+ more/);
  });

  test('as lines names the shares so far beside those asked for', () => {
    const plain = new PlainProgress();
    const [name, share] = mixture[0]!;
    const lines = [1, 2, 3].flatMap((step) => plain.linesFor(trainingEvent(step, total), step * 10));
    expect(lines.at(-1)).toContain(
      `so far ${name} ${(share * 100).toFixed(1)} % of ${(share * 100).toFixed(1)}, `,
    );
  });

  test('keeps the table when the run has ended, and shows no control characters of names', () => {
    const state = model(total);
    state.apply({ kind: 'end', task: 'train stable', done: total, unit: 'step', seconds: 200 }, 200);
    const text = draw(state, 100, 30).join('\n');
    expect(text).toContain('done train stable');
    for (const [name] of mixture) expect(text).toContain(name);
    const evil = model(30, [['\x1b[2Jweb\nx', 1, 2]]);
    expect(draw(evil, 80, 24).join('')).not.toContain('\x1b[2J');
  });
});
