/** Curves that stay small and draw true. */
import { expect, test } from 'vitest';
import { addPoint, drawBraille, emptyCurve, type Stroke, valuesOf } from '../../src/tui/curve.ts';

/** The dots of a drawing as rows of '.' and '#', so that a test can be read. */
function dotsOf(strokes: readonly Stroke[][]): string[] {
  const rows = strokes.map((row) => row.map(({ text }) => text).join(''));
  const bits = [
    [0x01, 0x08],
    [0x02, 0x10],
    [0x04, 0x20],
    [0x40, 0x80],
  ];
  return rows.flatMap((row) =>
    bits.map((pair) =>
      [...row]
        .map((cell) => pair.map((bit) => ((cell.codePointAt(0)! - 0x2800) & bit ? '#' : '.')).join(''))
        .join(''),
    ),
  );
}

test('draws a rising line from the lower left to the upper right', () => {
  const drawing = drawBraille([0, 1, 2, 3], 2, 1);
  expect(dotsOf(drawing.rows)).toEqual(['...#', '..#.', '.#..', '#...']);
  expect([drawing.low, drawing.high]).toEqual([0, 3]);
});

test('joins points that are far apart', () => {
  expect(dotsOf(drawBraille([0, 7], 1, 2).rows)).toEqual([...Array(4).fill('.#'), ...Array(4).fill('#.')]);
});

test('puts a flat curve in the middle and accepts a single value', () => {
  expect(dotsOf(drawBraille([2, 2, 2, 2], 2, 1).rows)).toEqual(['....', '####', '....', '....']);
  expect(dotsOf(drawBraille([2], 2, 1).rows)).toEqual(['....', '####', '....', '....']);
});

test('averages when there are more values than dots', () => {
  const values = Array.from({ length: 400 }, (_, i) => (i < 200 ? 0 : 3) + (i % 2 === 0 ? 0.01 : -0.01));
  expect(dotsOf(drawBraille(values, 2, 1).rows)).toEqual(['..##', '..#.', '.#..', '##..']);
});

test('keeps at most 512 values, however long the run, with equal weight for early and late', () => {
  const curve = emptyCurve();
  for (let i = 0; i < 100_000; i++) addPoint(curve, i);
  const values = valuesOf(curve);
  expect(values.length).toBeLessThanOrEqual(513);
  expect(values.length).toBeGreaterThan(200);
  const steps = values.slice(1, -1).map((v, i) => v - values[i]!);
  expect(new Set(steps).size).toBe(1);
  expect(values.at(-1)).toBeGreaterThan(99_700);
});

test('draws a noisy curve as dots with the line of a moving mean through them', () => {
  const noisy = Array.from({ length: 80 }, (_, i) => i / 10 + (i % 2 === 0 ? 2 : -2));
  const { rows } = drawBraille(noisy, 40, 6);
  const cells = rows.flat();
  expect(cells.some(({ line }) => !line) && cells.some(({ line }) => line)).toBe(true);
  // The line alone is narrow: in most columns it is in one or two cells of six.
  const inLine = cells.filter(({ line }) => line).flatMap(({ text }) => [...text]);
  const lineCells = inLine.filter((cell) => cell !== '\u2800').length;
  expect(lineCells).toBeLessThan(40 * 2.5);
  expect(lineCells).toBeGreaterThanOrEqual(40);
});

test('cuts off the fall at the start of a long curve, so that the rest can be seen, and says so at the axis', () => {
  const loss = Array.from({ length: 200 }, (_, i) => 2 + 0.5 * (1 - i / 200) + 9 * Math.exp(-i / 3));
  const { high, low } = drawBraille(loss, 30, 6);
  expect(high).toBeLessThan(3);
  expect(low).toBeCloseTo(2, 1);
  expect(drawBraille(loss.slice(0, 12), 30, 6).high).toBe(11.5);
});

test('knows where its first and last value stand', () => {
  const curve = emptyCurve();
  for (let step = 40; step <= 90; step++) addPoint(curve, step / 2, step);
  expect([curve.first, curve.last]).toEqual([40, 90]);
});

test('leaves out what is not a finite number', () => {
  const curve = emptyCurve();
  for (const v of [1, Number.NaN, Infinity, 2]) addPoint(curve, v);
  expect(valuesOf(curve)).toEqual([1, 2]);
});
