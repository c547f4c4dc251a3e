/** The order of a pass: every number once, different for every key, uniform, and without structure that shows. */
import { expect, test } from 'vitest';
import { permutedNumbers } from '../../src/stages/document-permutation.ts';

/** Chi-squared over its degrees of freedom is near 1 for uniform counts; sqrt(2 / df) is its deviation. */
function excess(counts: ArrayLike<number>, expected: number): number {
  let chi = 0;
  for (let i = 0; i < counts.length; i++) chi += (counts[i]! - expected) ** 2 / expected;
  const df = counts.length - 1;
  return (chi / df - 1) / Math.sqrt(2 / df);
}

test('every number comes exactly once, for sizes around every edge', () => {
  for (const n of [0, 1, 2, 3, 4095, 4096, 4097, 5000, 16_384, 16_385, 65_537, 100_000]) {
    const seen = new Uint8Array(n);
    let count = 0;
    for (const x of permutedNumbers(n, `size ${n}`)) {
      seen[x]!++; // outside: ignored, and another is missing
      count++;
    }
    expect(count).toBe(n);
    expect(seen.every((times) => times === 1)).toBe(true);
  }
});

test('the same key gives the same order, another key or size another', () => {
  for (const n of [1000, 20_000]) {
    const order = (key: string) => [...permutedNumbers(n, key)];
    expect(order('a')).toEqual(order('a'));
    const [a, b] = [order('a'), order('b')];
    const same = a.filter((x, i) => x === b[i]).length;
    // Two random orders agree at one place on average.
    expect(same).toBeLessThan(10);
  }
});

test('first numbers are uniform over keys, and so are places of one number', () => {
  for (const n of [5, 4097]) {
    const cells = Math.min(n, 64);
    const first = new Uint32Array(cells);
    const keys = n === 5 ? 20_000 : 6400;
    for (let key = 0; key < keys; key++) {
      const { value } = permutedNumbers(n, `key ${key}`).next();
      first[Math.floor((value! * cells) / n)]!++;
    }
    // 4097 does not divide into 64 cells evenly: the difference is far below the deviation.
    expect(Math.abs(excess(first, keys / cells))).toBeLessThan(4);
  }
});

test('neither neighbours nor runs nor bits of place and number go together', () => {
  const n = 50_000;
  const order = Float64Array.from(permutedNumbers(n, 'structure'));
  // Place against number on a grid.
  const grid = new Uint32Array(20 * 20);
  for (let i = 0; i < n; i++) grid[Math.floor((i * 20) / n) * 20 + Math.floor((order[i]! * 20) / n)]!++;
  expect(excess(grid, n / 400)).toBeLessThan(4);
  // Differences of neighbours: a triangle over -n .. n; 16 bands of equal probability under it.
  let ascents = 0;
  let close = 0;
  for (let i = 1; i < n; i++) {
    const step = order[i]! - order[i - 1]!;
    if (step > 0) ascents++;
    if (Math.abs(step) < 50) close++;
  }
  expect(Math.abs(ascents - n / 2)).toBeLessThan(4 * Math.sqrt(n / 12));
  const expectedClose = (n * 2 * 49) / n;
  expect(Math.abs(close - expectedClose)).toBeLessThan(5 * Math.sqrt(expectedClose));
  for (let bit = 0; bit < 15; bit++) {
    let agree = 0;
    for (let i = 0; i < n; i++) if (((i >> bit) & 1) === ((order[i]! >> bit) & 1)) agree++;
    // The top bits are unevenly filled, so agreement is measured against what their shares give.
    let ones = 0;
    for (let i = 0; i < n; i++) ones += (i >> bit) & 1;
    const p = ones / n;
    expect(Math.abs(agree - n * (p * p + (1 - p) * (1 - p)))).toBeLessThan(4 * Math.sqrt(n / 4));
  }
});

test('a source of 2^40 documents costs nothing to begin', () => {
  const n = 2 ** 40 + 12_345;
  const seen = new Set<number>();
  let sum = 0;
  let taken = 0;
  for (const x of permutedNumbers(n, 'large')) {
    expect(Number.isSafeInteger(x) && x >= 0 && x < n).toBe(true);
    seen.add(x);
    sum += x / n;
    if (++taken === 2000) break;
  }
  expect(seen.size).toBe(2000);
  expect(Math.abs(sum / 2000 - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 2000));
});
