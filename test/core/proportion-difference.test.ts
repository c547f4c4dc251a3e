/** The interval of a difference of two shares, against Newcombe's published figures (1998, table II, method 10). */
import { describe, expect, it } from 'vitest';
import { proportionDifference } from '../../src/core/proportion-difference.ts';
import { wilsonInterval } from '../../src/core/wilson-interval.ts';

const of = (k: number, n: number) => {
  const [low, high] = wilsonInterval(k, n);
  return { value: k / n, low, high };
};

describe('the difference of two shares', () => {
  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [10, 10, 0, 20, 0.6791, 1],
    [5, 56, 0, 29, -0.0381, 0.1926],
  ])('%s of %s less %s of %s', (a, m, b, n, low, high) => {
    const difference = proportionDifference(of(b, n), of(a, m));
    expect(difference.value).toBeCloseTo(a / m - b / n, 12);
    expect(difference.low).toBeCloseTo(low, 3);
    expect(difference.high).toBeCloseTo(high, 3);
  });
});
