import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smooth, smoothingWindow } from '../../src/report/smooth.ts';
import { evenly, thin } from '../../src/report/thin.ts';

const line = (n: number, y: (i: number) => number) => Array.from({ length: n }, (_, x) => ({ x, y: y(x) }));

describe('thin', () => {
  it('keeps short curves as they are', () => {
    expect(
      thin(
        line(1000, (i) => i),
        1000,
      ),
    ).toHaveLength(1000);
  });

  it('keeps a spike of one step among a hundred thousand', () => {
    const thinned = thin(
      line(100_000, (i) => (i === 54_321 ? 9 : 0)),
      1000,
    );
    expect(thinned.length).toBeLessThanOrEqual(1000);
    expect(thinned).toContainEqual({ x: 54_321, y: 9 });
  });

  it('keeps order, ends and extremes of any curve', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 400 }),
        fc.integer({ min: 4, max: 80 }),
        (ys, limit) => {
          const points = line(ys.length, (i) => ys[i]!);
          const thinned = thin(points, limit);
          expect(thinned.length).toBeLessThanOrEqual(Math.max(limit, ys.length <= limit ? ys.length : 0));
          expect(thinned[0]).toBe(points[0]);
          expect(thinned.at(-1)).toBe(points.at(-1));
          expect(Math.max(...thinned.map((p) => p.y))).toBe(Math.max(...ys));
          expect(Math.min(...thinned.map((p) => p.y))).toBe(Math.min(...ys));
          for (let i = 1; i < thinned.length; i++) expect(thinned[i]!.x).toBeGreaterThan(thinned[i - 1]!.x);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('evenly', () => {
  it('takes the first and the last', () => {
    expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
    expect(evenly([1, 2], 3)).toEqual([1, 2]);
  });
});

describe('smooth', () => {
  it('begins at the real value, so a falling loss is not drawn lower than it was', () => {
    const raw = line(100, (i) => 8 * Math.exp(-i / 5));
    expect(smooth(raw, 21)[0]!.y).toBe(8);
  });

  it('does not lag: a straight line stays where it is', () => {
    const smoothed = smooth(
      line(100, (i) => 2 * i),
      21,
    );
    for (const p of smoothed.slice(0, 89)) expect(p.y).toBeCloseTo(2 * p.x, 9);
  });

  it('ends with a mean of several steps and not with the last step alone', () => {
    const raw = line(100, (i) => (i === 99 ? 11 : 0));
    expect(smooth(raw, 21).at(-1)!.y).toBeCloseTo(1, 9);
  });

  it('chooses an odd window that grows with the number of points', () => {
    expect([10, 100, 1000, 100_000].map(smoothingWindow)).toEqual([1, 3, 25, 101]);
  });
});
