/** Packing documents into windows: concatenate-and-cut and best-fit, on lengths alone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BlockMark, bestFit, bestFitDecreasing } from '../../src/tokens/best-fit.ts';
import { FreeSpace } from '../../src/tokens/free-space.ts';
import { concatenate, type JoinMark, type PackedWindow, type PassLengths } from '../../src/tokens/pack.ts';

const source = (lengths: readonly number[], passes = 1): PassLengths => ({
  *order(_seed, pass) {
    if (pass < passes) yield* lengths.keys();
  },
  length: (document) => lengths[document]!,
});
const brief = (windows: Iterable<PackedWindow>) =>
  [...windows].map(({ pieces, padding }) => [
    ...pieces.map(({ document, start, length }) => `${document}:${start}+${length}`),
    ...(padding === 0 ? [] : [`pad ${padding}`]),
  ]);
const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
const windowTokens = fc.integer({ min: 1, max: 25 });

describe('concatenate', () => {
  test('a document that does not fit goes on in the next window, and the next pass goes on where one ended', () => {
    expect(brief(concatenate(source([3, 6, 2], 2), { windowTokens: 5, seed: 0 }))).toEqual([
      ['0:0+3', '1:0+2'],
      ['1:2+4', '2:0+1'],
      ['2:1+1', '0:0+3', '1:0+1'],
      ['1:1+5'],
    ]);
  });

  test('every window is full, and the windows are the stream of documents without gap or repeat', () => {
    fc.assert(
      fc.property(lengths, windowTokens, (all, size) => {
        const stream = all.flatMap((length, d) => Array.from({ length }, (_, i) => `${d}:${i}`));
        const windows = [...concatenate(source(all), { windowTokens: size, seed: 0 })];
        expect(windows.length).toBe(Math.floor(stream.length / size));
        const out = windows.flatMap(({ pieces, padding }) => {
          expect(padding).toBe(0);
          expect(pieces.reduce((n, p) => n + p.length, 0)).toBe(size);
          return pieces.flatMap((p) => {
            expect(p.whole).toBe(p.length === all[p.document]);
            expect(p.first).toBe(p.start === 0);
            return Array.from({ length: p.length }, (_, i) => `${p.document}:${p.start + i}`);
          });
        });
        expect(out).toEqual(stream.slice(0, windows.length * size));
      }),
    );
  });
});

describe('bestFit', () => {
  test('packs whole documents, cuts only what is longer than a window, and keeps its windows together and in order', () => {
    const windows = brief(bestFit(source([7, 25, 3, 5, 10], 2), { windowTokens: 10, seed: 1 }));
    for (const expected of [['4:0+10'], ['0:0+7', '2:0+3'], ['1:0+10'], ['1:10+10']])
      expect(windows).toContainEqual(expected);
    // The remainder of 1 and document 3, both of 5 tokens.
    expect(windows).toContainEqual(['1:20+5', '3:0+5']);
    const first = windows.findIndex((w) => w[0] === '1:0+10');
    expect(windows[first + 1]).toEqual(['1:10+10']);
  });

  test('everything of a pass comes out once, whole where a window can hold it, up to one window that is carried on', () => {
    fc.assert(
      fc.property(lengths, windowTokens, fc.integer({ min: 1, max: 12 }), (all, size, blockDocuments) => {
        const windows = [...bestFit(source(all), { windowTokens: size, seed: 3, blockDocuments })];
        const seen = new Set<string>();
        const firsts = new Map<number, number>();
        for (const { pieces, padding } of windows) {
          expect(pieces.length).toBeGreaterThan(0);
          expect(pieces.reduce((n, p) => n + p.length, padding)).toBe(size);
          for (const p of pieces) {
            expect(p.whole).toBe(p.length === all[p.document]);
            if (all[p.document]! <= size) expect(p.whole).toBe(true);
            if (p.first) firsts.set(p.document, (firsts.get(p.document) ?? 0) + 1);
            for (let i = p.start; i < p.start + p.length; i++) {
              expect(seen.has(`${p.document}:${i}`)).toBe(false);
              seen.add(`${p.document}:${i}`);
            }
          }
        }
        const total = all.reduce((a, b) => a + b, 0);
        expect(total - seen.size).toBeLessThan(Math.max(size, 1));
        expect([...firsts.values()].every((n) => n === 1)).toBe(true);
        expect(firsts.size).toBe(new Set([...seen].map((s) => s.split(':')[0])).size);
      }),
    );
  });

  test('no document waits longer than a pass', () => {
    fc.assert(
      fc.property(lengths, windowTokens, (all, size) => {
        const passes = 6;
        fc.pre(all.some((n) => n > 0));
        const emitted = new Map<string, number>();
        for (const { pieces } of bestFit(source(all, passes), { windowTokens: size, seed: 3 }))
          for (const p of pieces) {
            const key = `${p.document}:${p.pass}`;
            emitted.set(key, (emitted.get(key) ?? 0) + p.length);
          }
        const missing = all.flatMap((length, d) =>
          Array.from({ length: passes }, (_, pass) => length - (emitted.get(`${d}:${pass}`) ?? 0)),
        );
        expect(missing.reduce((a, b) => a + b, 0)).toBeLessThan(size);
      }),
    );
  });

  test('what was carried on from one pass comes out before what is just as long in the next', () => {
    const passes = [...bestFit(source([6], 4), { windowTokens: 10, seed: 1 })].map((w) => w.pieces[0]!.pass);
    expect(passes).toEqual([0, 1, 2]);
  });

  test('told how many tokens are wanted, it reads documents for those and a window more, and gives all of them out', () => {
    fc.assert(
      fc.property(
        lengths,
        windowTokens,
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 9 }),
        (all, size, tokens, blockDocuments) => {
          fc.pre(all.some((n) => n > 0));
          const how = { windowTokens: size, seed: 3, blockDocuments, tokens };
          const windows = [...bestFit(source(all, Number.POSITIVE_INFINITY), how)];
          const given = windows.reduce((n, w) => n + size - w.padding, 0);
          const longest = Math.max(...all);
          expect(given).toBeGreaterThanOrEqual(tokens + size);
          expect(given).toBeLessThan(tokens + size + longest);
          const whole = new Map<string, number>();
          for (const { pieces } of windows)
            for (const p of pieces) {
              const key = `${p.document}:${p.pass}`;
              whole.set(key, (whole.get(key) ?? 0) + p.length);
            }
          for (const [key, n] of whole) expect(n).toBe(all[Number(key.split(':')[0])]);
        },
      ),
    );
  });

  test('a seed decides the order of windows and nothing about what they hold', () => {
    const all = Array.from({ length: 50 }, (_, i) => 1 + ((i * 7) % 13));
    const at = (seed: number) => brief(bestFit(source(all), { windowTokens: 16, seed }));
    expect(at(1)).toEqual(at(1));
    expect(at(2)).not.toEqual(at(1));
    expect(at(2).map(String).sort()).toEqual(at(1).map(String).sort());
  });
});

describe('bestFitDecreasing', () => {
  /** The definition, in O(n * bins). */
  function plain(all: readonly number[], capacity: number): number {
    const free: number[] = [];
    for (const length of [...all].sort((a, b) => b - a)) {
      let best = -1;
      for (const [bin, room] of free.entries())
        if (room >= length && (best < 0 || room < free[best]!)) best = bin;
      if (best < 0) free.push(capacity - length);
      else free[best]! -= length;
    }
    return free.length;
  }

  test('uses as many bins as its definition does, overfills none, and leaves at most one less than half full', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 3000 })
          .chain((capacity) =>
            fc.tuple(
              fc.constant(capacity),
              fc.array(fc.integer({ min: 1, max: capacity }), { minLength: 1, maxLength: 120 }),
            ),
          ),
        ([capacity, all]) => {
          const { bins, binOf, free } = bestFitDecreasing(all, capacity);
          const used = new Array<number>(bins).fill(0);
          for (const [i, length] of all.entries()) used[binOf[i]!]! += length;
          expect(used.map((n) => capacity - n)).toEqual([...free]);
          expect(Math.min(...free)).toBeGreaterThanOrEqual(0);
          expect(bins).toBe(plain(all, capacity));
          expect(used.filter((n) => n * 2 < capacity).length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

test('FreeSpace finds the least sufficient room, like a search through all of them', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40_000 }),
      fc.array(fc.tuple(fc.boolean(), fc.nat()), { minLength: 1, maxLength: 80 }),
      (capacity, steps) => {
        const space = new FreeSpace(capacity, steps.length);
        const held = new Map<number, number>();
        for (const [i, [put, value]] of steps.entries()) {
          const amount = value % (capacity + 1);
          if (put) {
            space.add(i, amount);
            held.set(i, amount);
            continue;
          }
          const enough = [...held].filter(([, free]) => free >= amount).map(([, free]) => free);
          const taken = space.take(amount);
          expect(taken?.free).toBe(enough.length === 0 ? undefined : Math.min(...enough));
          if (taken === undefined) continue;
          expect(held.get(taken.bin)).toBe(taken.free);
          held.delete(taken.bin);
        }
      },
    ),
  );
});

describe('marks', () => {
  const passes = 3;
  const partly = (lengths: readonly number[]): PassLengths => ({
    *order(seed, pass, from = 0) {
      if (pass >= passes) return;
      for (let i = from; i < lengths.length; i++) yield (i * (pass + 2) + seed) % lengths.length;
    },
    length: (document) => lengths[document]!,
  });
  /** Prime, so that each pass has every document once. */
  const manyLengths = fc
    .array(fc.integer({ min: 0, max: 60 }), { minLength: 13, maxLength: 13 })
    .filter((all) => all.some((length) => length > 0));

  test('a stream of joined documents goes on from each of them as if it had been read from the first', () => {
    fc.assert(
      fc.property(manyLengths, windowTokens, fc.integer({ min: 1, max: 5 }), (all, size, markEvery) => {
        const marks: JoinMark[] = [];
        const how = { windowTokens: size, seed: 4, markEvery };
        const windows = [...concatenate(partly(all), { ...how, onMark: (mark) => marks.push(mark) })];
        for (const from of marks)
          expect([...concatenate(partly(all), { ...how, from })]).toEqual(windows.slice(from.window));
        // Between two marks are no more documents than asked for and those that one window spans.
        if (size < 5 && all.every((length) => length >= size))
          expect(marks.length).toBeGreaterThanOrEqual(Math.floor((passes * 13 - 1) / (markEvery + 1)) - 1);
      }),
    );
  });

  test('a best-fit stream does, with what a block leaves to the next', () => {
    fc.assert(
      fc.property(
        manyLengths,
        windowTokens,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 900 }),
        (all, size, blockDocuments, tokens) => {
          const marks: BlockMark[] = [];
          const how = { windowTokens: size, seed: 4, blockDocuments, tokens };
          const windows = [...bestFit(partly(all), { ...how, onMark: (mark) => marks.push(mark) })];
          const kept = JSON.stringify(marks);
          for (const from of JSON.parse(kept) as BlockMark[])
            for (let again = 0; again < 2; again++)
              expect([...bestFit(partly(all), { ...how, from })]).toEqual(windows.slice(from.window));
          // They are not written to by a stream that goes on.
          expect(JSON.stringify(marks)).toBe(kept);
        },
      ),
    );
  });

  test('there are some, of every pass, and some best-fit ones carry documents', () => {
    const all = Array.from({ length: 13 }, (_, i) => 3 + i);
    const joined: JoinMark[] = [];
    for (const _ of concatenate(partly(all), {
      windowTokens: 10,
      seed: 1,
      markEvery: 4,
      onMark: (mark) => joined.push(mark),
    }));
    expect(new Set(joined.map(({ pass }) => pass))).toEqual(new Set([0, 1, 2]));
    expect(joined.some(({ start }) => start > 0)).toBe(true);
    const blocks: BlockMark[] = [];
    for (const _ of bestFit(partly(all), {
      windowTokens: 10,
      seed: 1,
      blockDocuments: 4,
      onMark: (mark) => blocks.push(mark),
    }));
    expect(new Set(blocks.map(({ pass }) => pass))).toEqual(new Set([0, 1, 2]));
    expect(blocks.some(({ carried }) => carried.length > 0)).toBe(true);
  });
});
