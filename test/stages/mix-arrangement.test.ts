/** What the shards of a mixture hold, told without reading what stands before them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interleave } from '../../mixtures/interleave.ts';
import { permutedNumbers } from '../../src/stages/document-permutation.ts';
import {
  type ArrangedSource,
  arrange,
  type MixArrangement,
  placeOf,
  sequenceAt,
  shardKey,
  shardsOf,
  turnsOf,
} from '../../src/stages/mix-arrangement.ts';
import { drawSamples } from '../../src/stages/mix-samples.ts';

const counts = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 })
  .filter((all) => all.some((n) => n > 0));

/** Of sources of so many windows of 10 tokens; names in another order than they are listed in. */
function arranged(all: readonly number[], perShard: number, perSource = false): MixArrangement {
  const names = all.map((_, i) => `s${(i * 5 + 2) % 7}`);
  const plan = {
    packing: 'concatenate',
    windowTokens: 10,
    seed: 1,
    sources: all.map((sequences, i) => ({ name: names[i]!, sequences, targetTokens: sequences * 10 })),
  };
  const sources = names.map((name) => ({ name, tokens: { key: `key of ${name}` } }));
  return arrange(
    { plan, sources, marks: all.map(() => []) } as unknown as Parameters<typeof arrange>[0],
    'mixture',
    { shardTokens: perShard * 10 + 9, perSource },
  );
}

describe('the interleaving', () => {
  test('goes on from any place as if it had begun at the first', () => {
    fc.assert(
      fc.property(counts, (all) => {
        const whole = [...interleave(all)];
        const given = all.map(() => 0);
        for (const [t, i] of whole.entries()) {
          expect([...interleave(all, given)]).toEqual(whole.slice(t));
          given[i]!++;
        }
        expect([...interleave(all, given)]).toEqual([]);
      }),
    );
  });
});

describe('an order of documents', () => {
  test.each([1, 2, 100, 4096, 4097, 9000])('of %i numbers can be had from any place on', (n) => {
    const whole = [...permutedNumbers(n, 'key')];
    for (const from of [0, 1, Math.floor(n / 2), n - 1, n])
      expect([...permutedNumbers(n, 'key', from)]).toEqual(whole.slice(from));
  });
});

describe('an arrangement', () => {
  test('has every window of every source once, in the order of the whole', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 30 }), (all, perShard) => {
        const arrangement = arranged(all, perShard);
        const order = [...turnsOf(arrangement, { ...shardsOf(arrangement)[0]!, sequences: 1e9 })];
        expect(order.length).toBe(all.reduce((a, b) => a + b, 0));
        const before = all.map(() => 0);
        const shards = shardsOf(arrangement);
        for (const [n, shard] of shards.entries()) {
          expect(shard.start).toEqual(before);
          expect(shard.sequences).toBe(n < shards.length - 1 ? perShard : order.length - n * perShard);
          const turns = [...turnsOf(arrangement, shard)];
          expect(turns).toEqual(order.slice(n * perShard, n * perShard + shard.sequences));
          for (const [k, i] of turns.entries())
            expect(sequenceAt(arrangement, n * perShard + k)).toEqual({ source: i, window: before[i]!++ });
        }
        expect(before).toEqual(all);
      }),
    );
  });

  test('per source has the windows of each, in its order, and no shard of a source that gives none', () => {
    const arrangement = arranged([7, 0, 3], 3, true);
    expect(
      shardsOf(arrangement)
        .slice(arrangement.starts.length)
        .map(({ id, sequences, start }) => [id, sequences, start]),
    ).toEqual([
      ['per-source/s2/00000', 3, [0, 0, 0]],
      ['per-source/s2/00001', 3, [3, 0, 0]],
      ['per-source/s2/00002', 1, [6, 0, 0]],
      ['per-source/s5/00000', 3, [0, 0, 0]],
    ]);
    const keys = shardsOf(arrangement).map((shard) => shardKey(arrangement, shard));
    expect(new Set(keys).size).toBe(keys.length);
    expect([...turnsOf(arrangement, shardsOf(arrangement).at(-1)!)]).toEqual([2, 2, 2]);
  });

  test('begins a stream at the last mark that is not behind the window', () => {
    const marks = [4, 9, 20].map((window) => ({ window, pass: 0, place: window, start: 0 }));
    const source = { marks } as unknown as ArrangedSource;
    const markOf = (window: number) => placeOf(source, window).mark?.window;
    expect([0, 3, 4, 8, 9, 19, 20, 500].map(markOf)).toEqual([undefined, undefined, 4, 4, 9, 9, 20, 20]);
    expect(placeOf({ ...source, marks: [] }, 5)).toEqual({ window: 5, mark: undefined });
  });
});

test('samples are the twenty of the lowest draw, or all', () => {
  expect(drawSamples(1, 5)).toEqual([0, 1, 2, 3, 4]);
  const some = drawSamples(1, 10_000);
  expect(some.length).toBe(20);
  expect(new Set(some).size).toBe(20);
  expect([...some].sort((a, b) => a - b)).toEqual(some);
  // Of a longer mixture some are the same, and others come in their place.
  const kept = drawSamples(1, 20_000).filter((sequence) => sequence < 10_000);
  expect(kept.every((sequence) => some.includes(sequence))).toBe(true);
  expect(kept.length).toBeLessThan(20);
  expect(drawSamples(2, 10_000)).not.toEqual(some);
});
