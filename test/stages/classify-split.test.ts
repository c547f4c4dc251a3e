/** What is trained on and what is held out: whole sources, shares, duplicates, conflicting labels, balance. */
import { describe, expect, it } from 'vitest';
import { chooseSources } from '../../src/stages/classify-choose-sources.ts';
import { fates, planSplit, type SplitOptions, type SplitRows } from '../../src/stages/classify-plan-split.ts';

const usual: SplitOptions = {
  seed: 0,
  heldOutSources: [],
  heldOutSourceShare: 0,
  heldOutShare: 0,
  balance: 'none',
  perClass: null,
};

type Row = [hash: number, source: string, positive: boolean];

function rowsOf(rows: readonly Row[]): SplitRows {
  const sources = [...new Set(rows.map(([, source]) => source))];
  return {
    // Spread over 64 bits, as real hashes are.
    hashes: BigUint64Array.from(rows, ([hash]) => BigInt(hash) * 0x9e37_79b9_7f4a_7c15n),
    source: Uint32Array.from(rows, ([, source]) => sources.indexOf(source)),
    positive: Uint8Array.from(rows, ([, , positive]) => (positive ? 1 : 0)),
    sources,
  };
}

const named = (rows: readonly Row[], options: Partial<SplitOptions> = {}): string[] =>
  [...planSplit(rowsOf(rows), { ...usual, ...options }).fate].map((fate) => fates[fate]!);

const many: Row[] = Array.from({ length: 4000 }, (_, i) => [i + 1, `s${i % 8}`, i % 8 < 4]);

describe('a split', () => {
  it('holds out whole sources, and of each class at least one stays', () => {
    const { heldOutSources, counts } = planSplit(rowsOf(many), { ...usual, heldOutSourceShare: 0.25 });
    expect(heldOutSources).toHaveLength(2);
    expect(heldOutSources.map((name) => Number(name.slice(1)) < 4).sort()).toEqual([false, true]);
    for (const name of heldOutSources) expect(Object.keys(counts[name]!)).toEqual(['out']);
    const all = planSplit(rowsOf(many), { ...usual, heldOutSourceShare: 1 });
    expect(all.heldOutSources).toHaveLength(6);
    const two = planSplit(
      rowsOf([
        [1, 'a', true],
        [2, 'b', false],
      ]),
      { ...usual, heldOutSourceShare: 0.5 },
    );
    expect(two.heldOutSources).toEqual([]);
  });

  it('holds out both classes, and never the source that has most of one', () => {
    // The default of a share met a source with three quarters of the negatives, and held it out whole.
    const counts = (of: [negative: number, positive: number][], share = 0.2): number[] =>
      chooseSources(of, share).sort((a, b) => a - b);
    // All sources are mostly negative, as a judge's grades make them: positives are held out all the same.
    const graded: [number, number][] = Array.from({ length: 20 }, (_, i) => [90, i % 4 === 0 ? 20 : 0]);
    const held = counts(graded);
    const positives = held.reduce((sum, i) => sum + graded[i]![1], 0);
    expect(positives).toBe(20);
    expect(held.length).toBeLessThanOrEqual(8);
    expect(
      counts([
        [290, 10],
        [24, 169],
        [64, 0],
      ]),
    ).toEqual([2]);
    // Two of a kind: one of each is held out; a class of one source is not.
    expect(
      counts([
        [50, 0],
        [50, 0],
        [0, 50],
        [0, 50],
      ]),
    ).toHaveLength(2);
    expect(
      counts([
        [50, 0],
        [0, 50],
      ]),
    ).toEqual([]);
    expect(
      counts([
        [50, 0],
        [50, 0],
        [0, 50],
      ]),
    ).toHaveLength(1);
    // Thousands of sites: the share is met.
    const sites: [number, number][] = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? [0, 1] : [1, 0]));
    const out = counts(sites);
    expect(out.filter((i) => i % 3 === 0).length / 1000).toBeCloseTo(0.2, 2);
    expect(out.filter((i) => i % 3 !== 0).length / 2000).toBeCloseTo(0.2, 2);
  });

  it('has both classes on both sides of a share where each has two documents', () => {
    const few: Row[] = [...Array(200).keys()].map((i) => [i + 1, 'a', i < 2]);
    for (const heldOutShare of [0.01, 0.99]) {
      const { totals } = planSplit(rowsOf(few), { ...usual, heldOutShare });
      expect(totals.in.positive).toBe(1);
      expect(totals.train.positive).toBe(1);
      expect(totals.train.negative).toBeGreaterThan(0);
      expect(totals.in.negative).toBeGreaterThan(0);
    }
  });

  it('holds out the sources that are named, and tells a name that is none', () => {
    expect(
      named(
        [
          [1, 'a', true],
          [2, 'b', true],
          [3, 'c', false],
        ],
        { heldOutSources: ['b'] },
      ),
    ).toEqual(['train', 'out', 'train']);
    expect(() => named([[1, 'a', true]], { heldOutSources: ['x'] })).toThrow('--held-out-sources x');
  });

  it('holds out about the share of documents that is asked for, another one with another seed', () => {
    const held = named(many, { heldOutShare: 0.2 });
    const share = held.filter((fate) => fate === 'in').length / many.length;
    expect(share).toBeGreaterThan(0.17);
    expect(share).toBeLessThan(0.23);
    expect(named(many, { heldOutShare: 0.2, seed: 1 })).not.toEqual(held);
    expect(named(many, { heldOutShare: 1 }).every((fate) => fate === 'in')).toBe(true);
  });

  it('does not depend on the order of the documents', () => {
    const options = {
      heldOutShare: 0.3,
      heldOutSourceShare: 0.25,
      balance: 'downsample',
      perClass: 500,
    } as const;
    const straight = named(many, options);
    const turned = named([...many].reverse(), options).reverse();
    expect(turned).toEqual(straight);
  });

  it('never lets a held-out source have the text of what is trained on', () => {
    const fate = named(
      [
        [7, '0out', true],
        [7, 'a', true],
        [7, 'b', true],
        [8, '0out', true],
      ],
      {
        heldOutSources: ['0out'],
      },
    );
    expect(fate).toEqual(['duplicate', 'train', 'duplicate', 'out']);
  });

  it('leaves out texts that bear both labels', () => {
    expect(
      named([
        [7, 'a', true],
        [7, 'b', false],
        [9, 'a', true],
      ]),
    ).toEqual(['conflict', 'conflict', 'train']);
  });
});

describe('balance', () => {
  const skewed: Row[] = Array.from({ length: 100 }, (_, i) => [i + 1, 'a', i < 25]);

  it('cuts the larger class, or repeats the smaller', () => {
    const cut = planSplit(rowsOf(skewed), { ...usual, balance: 'downsample' });
    expect(cut.totals.train).toEqual({ positive: 25, negative: 25 });
    expect(cut.totals.balance).toEqual({ positive: 0, negative: 50 });
    const repeated = planSplit(rowsOf(skewed.slice(0, 95)), { ...usual, balance: 'oversample' });
    const copies = [...repeated.copies];
    expect(copies.slice(0, 25).reduce((a, b) => a + b, 0)).toBe(70);
    expect(new Set(copies.slice(0, 25))).toEqual(new Set([2, 3]));
    expect(new Set(copies.slice(25))).toEqual(new Set([1]));
  });

  it('takes at most so many of each class', () => {
    const { totals, copies } = planSplit(rowsOf(skewed), { ...usual, perClass: 30 });
    expect(totals.train).toEqual({ positive: 25, negative: 30 });
    expect([...copies].reduce((a, b) => a + b, 0)).toBe(55);
  });
});
