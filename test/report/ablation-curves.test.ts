/** The mean of curves over seeds: where all have a point, not bent by one that ends early, and between the points of curves that were thinned apart. */
import { describe, expect, it } from 'vitest';
import { meanCurve } from '../../src/report/ablation-curves.ts';

const curve = (...points: [number, number][]) => points.map(([x, y]) => ({ x, y }));

describe('the mean over seeds', () => {
  it('is taken at every step that all have', () => {
    const mean = meanCurve([curve([0, 1], [1, 2], [2, 3]), curve([0, 3], [1, 4], [2, 9])]);
    expect(mean).toEqual(curve([0, 2], [1, 3], [2, 6]));
  });

  it('ends where the first seed ends, and is a single seed as it is', () => {
    expect(meanCurve([curve([0, 1], [1, 2], [2, 90], [3, 90]), curve([0, 3], [1, 4])])).toEqual(
      curve([0, 2], [1, 3]),
    );
    expect(meanCurve([curve([0, 1], [5, 2])])).toEqual(curve([0, 1], [5, 2]));
    expect(meanCurve([])).toEqual([]);
  });

  it('is between the points of curves that share few', () => {
    const first = curve([0, 0], [3, 3], [5, 5], [8, 8], [10, 10]);
    const second = curve([0, 2], [4, 6], [7, 9], [9, 11]);
    // Both are straight lines, two apart; beyond the end of the second there is no mean.
    expect(meanCurve([first, second])).toEqual(curve([0, 1], [3, 4], [5, 6], [8, 9]));
  });
});
