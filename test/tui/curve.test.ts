/** Curves that stay small and draw true. */
import { expect, test } from 'vitest';
import { addPoint, drawBraille, emptyCurve, valuesOf } from '../../src/tui/curve.ts';

/** The dots of a drawing as rows of '.' and '#', so that a test can be read. */
function dotsOf(rows: readonly string[]): string[] {
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

test('leaves out what is not a finite number', () => {
  const curve = emptyCurve();
  for (const v of [1, Number.NaN, Infinity, 2]) addPoint(curve, v);
  expect(valuesOf(curve)).toEqual([1, 2]);
});
