/** Items to ranks, ranks to elements, elements to arrays: everything once, balanced, within what a cluster takes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayExpression,
  elementCount,
  leftByElement,
  planRanks,
  planStageArrays,
  planWindows,
  ranksOf,
} from '../../src/slurm/plan-arrays.ts';
import { indexesOf } from './memory-scheduler.ts';

const items = fc
  .array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 60 })
  .map((weights) => weights.map((weight, i) => ({ id: `u${i}`, weight })));
const limit = fc.integer({ min: 1, max: 20 });

describe('ranks', () => {
  it('are what they are on paper: largest first to the least loaded', () => {
    const weights = { a: 5, b: 4, c: 3, d: 3, e: 3 };
    const five = Object.entries(weights).map(([id, weight]) => ({ id, weight }));
    expect(planRanks(five, 2)).toEqual([
      ['a', 'd'],
      ['b', 'c', 'e'],
    ]);
    expect(planRanks(five, 9)).toHaveLength(5);
  });

  it('hold every item exactly once, none is empty, and each keeps the order of the stage', () => {
    fc.assert(
      fc.property(items, limit, (all, most) => {
        const ranks = planRanks(all, most);
        expect(ranks.length).toBe(Math.min(most, all.length));
        expect(ranks.every((ids) => ids.length > 0)).toBe(true);
        expect(ranks.flat().sort()).toEqual(all.map(({ id }) => id).sort());
        const place = new Map(all.map(({ id }, i) => [id, i]));
        for (const ids of ranks) {
          const places = ids.map((id) => place.get(id)!);
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('are at most 4/3 of a bound of the best possible, plus what one item weighs', () => {
    fc.assert(
      fc.property(items, limit, (all, most) => {
        const weights = new Map(all.map(({ id, weight }) => [id, weight]));
        const loads = planRanks(all, most).map((ids) => ids.reduce((sum, id) => sum + weights.get(id)!, 0));
        const mean = all.reduce((sum, { weight }) => sum + weight, 0) / loads.length;
        const largest = Math.max(...weights.values());
        // Graham: no rank is more than the mean of the others plus its last item; so no two differ by more than one item.
        expect(Math.max(...loads)).toBeLessThanOrEqual(mean + largest);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest);
      }),
    );
  });

  it('do not depend on the order in which items of a stage are listed', () => {
    fc.assert(
      fc.property(items, limit, (all, most) => {
        const sets = (list: typeof all) => planRanks(list, most).map((ids) => ids.toSorted());
        expect(sets(all.toReversed())).toEqual(sets(all));
      }),
    );
  });

  it('of a stage that wants the folder for itself are one, in one element', () => {
    const stage = { name: 'write', kind: 'write', items: [{ id: 'write', weight: 1 }], alone: true };
    expect(planStageArrays(stage, 64, 8)).toEqual({ stage, ranks: [['write']], tasksPerJob: 1 });
  });
});

describe('elements', () => {
  it('hold every rank exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 9 }), (count, tasksPerJob) => {
        const arrays = { ranks: Array.from({ length: count }, (_, i) => [`u${i}`]), tasksPerJob };
        const all = Array.from({ length: elementCount(arrays) }, (_, e) => ranksOf(arrays, e));
        expect(all.flat()).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(all.every((ranks) => ranks.length > 0)).toBe(true);
        expect(ranksOf(arrays, elementCount(arrays))).toEqual([]);
      }),
    );
  });

  it('are found for what is left, in their order', () => {
    const stage = { name: 's', kind: 's', items: [], alone: false };
    const arrays = { stage, ranks: [['a', 'b'], ['c'], ['d'], ['e']], tasksPerJob: 2 };
    expect([...leftByElement(arrays, ['e', 'a', 'd'])]).toEqual([
      [0, ['a']],
      [1, ['e', 'd']],
    ]);
    expect(() => leftByElement(arrays, ['z'])).toThrow('item z of stage s belongs to no rank');
  });
});

describe('windows', () => {
  it('keep every index below MaxArraySize and lose no element', () => {
    const elements = fc
      .uniqueArray(fc.nat(500), { minLength: 1 })
      .map((list) => list.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(elements, fc.integer({ min: 1, max: 120 }), (all, size) => {
        const windows = planWindows(all, size);
        expect(windows.every(({ indexes }) => indexes.length > 0 && Math.max(...indexes) < size)).toBe(true);
        expect(windows.flatMap(({ offset, indexes }) => indexes.map((index) => offset + index))).toEqual(all);
        for (const { indexes } of windows) expect(indexesOf(arrayExpression(indexes))).toEqual(indexes);
      }),
    );
  });

  it('are halved until sbatch can read the expression', () => {
    const odd = Array.from({ length: 4000 }, (_, i) => 2 * i + 1);
    const windows = planWindows(odd, 10_000);
    expect(windows.length).toBeGreaterThan(1);
    expect(windows.every(({ indexes }) => arrayExpression(indexes).length <= 4000)).toBe(true);
    expect(windows.flatMap(({ offset, indexes }) => indexes.map((index) => offset + index))).toEqual(odd);
    const even = Array.from({ length: 4000 }, (_, i) => i);
    expect(planWindows(even, 10_000)).toHaveLength(1);
  });

  it('are written as sbatch wants them', () => {
    expect(arrayExpression([0])).toBe('0');
    expect(arrayExpression([2, 5, 7, 8, 9])).toBe('2,5,7-9');
    expect(arrayExpression([0, 1, 2], 2)).toBe('0-2%2');
    expect(planWindows([2, 3, 4, 7], 3)).toEqual([
      { offset: 0, indexes: [2] },
      { offset: 3, indexes: [0, 1] },
      { offset: 6, indexes: [1] },
    ]);
  });
});
