/** What --qa-ratio, --cot-ratio, --instruct-ratio and --set do to a recipe's weights. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ratios, resolveShares, type ShareInput } from '../../mixtures/shares.ts';
import { UserError } from '../../src/core/errors.ts';

/** web (fill) 0.55, general 0.05, two qa 0.10 + 0.05, two long-cot 0.10 + 0.05, instruction 0.10 */
const sources: ShareInput[] = [
  { name: 'web', role: 'web', weight: 0.55 },
  { name: 'dclm', role: 'general', weight: 0.05 },
  { name: 'omi', role: 'qa', weight: 0.1 },
  { name: 'numina', role: 'qa', weight: 0.05 },
  { name: 'openr1', role: 'long-cot', weight: 0.1 },
  { name: 'am', role: 'long-cot', weight: 0.05 },
  { name: 'tulu', role: 'instruction', weight: 0.1 },
];
const resolve = (ratios: Ratios, list = sources, fill: string | null = 'web') =>
  Object.fromEntries(resolveShares(list, fill ?? undefined, ratios).map((s) => [s.name, s.share]));

describe('ratios', () => {
  test('without any, the weights are the recipe', () => {
    expect(resolve({})).toEqual(Object.fromEntries(sources.map((s) => [s.name, s.weight])));
    expect(resolveShares(sources, 'web', {}).every((s) => !s.changed)).toBe(true);
  });

  test('qa covers qa and long-cot together, keeps their proportions, and the fill source takes the difference', () => {
    expect(resolve({ qa: 0.6 })).toEqual({
      web: 0.25,
      dclm: 0.05,
      omi: 0.2,
      numina: 0.1,
      openr1: 0.2,
      am: 0.1,
      tulu: 0.1,
    });
    expect(resolve({ qa: 0 })).toEqual({
      web: 0.85,
      dclm: 0.05,
      omi: 0,
      numina: 0,
      openr1: 0,
      am: 0,
      tulu: 0.1,
    });
  });

  test('asking for what the recipe already has changes nothing', () => {
    expect(resolveShares(sources, 'web', { qa: 0.3 }).filter((s) => s.changed)).toEqual([]);
  });

  test('cot is a share of the whole inside the QA share', () => {
    expect(resolve({ qa: 0.4, cot: 0.1 })).toMatchObject({
      web: 0.45,
      omi: 0.2,
      numina: 0.1,
      openr1: expect.closeTo(0.2 / 3, 10),
      am: expect.closeTo(0.1 / 3, 10),
    });
    expect(resolve({ cot: 0.3 })).toMatchObject({ web: 0.55, omi: 0, numina: 0, openr1: 0.2, am: 0.1 });
  });

  test('instruct is apart from QA', () => {
    expect(resolve({ instruct: 0.01 })).toMatchObject({ web: 0.64, tulu: 0.01, omi: 0.1, openr1: 0.1 });
  });

  test('a source fixed by --set stays, and the ratios move the others of its role', () => {
    expect(resolve({ set: { openr1: 0.2 } })).toMatchObject({ openr1: 0.2, web: 0.45, omi: 0.1 });
    expect(resolve({ set: { openr1: 0.2 }, qa: 0.4 })).toMatchObject({
      openr1: 0.2,
      omi: 0.1,
      numina: 0.05,
      am: 0.05,
      web: 0.45,
    });
  });

  test('the fill source may leave its weight out', () => {
    const open = sources.map((s) => (s.name === 'web' ? { ...s, weight: undefined } : s));
    expect(resolve({}, open)).toMatchObject({ web: 0.55 });
  });
});

describe('what contradicts itself is an error that names both sides', () => {
  test.each<[string, Ratios, RegExp]>([
    ['more long-cot than QA', { qa: 0.2, cot: 0.3 }, /--cot-ratio 0.3 is greater than the QA share 0.2/],
    [
      'a set share above the QA share',
      { qa: 0.1, set: { omi: 0.2 } },
      /--qa-ratio \(0.1 .*\) and --set omi=0.2 contradict each other/,
    ],
    [
      'all of a role set, to another sum',
      { instruct: 0.2, set: { tulu: 0.1 } },
      /--instruct-ratio \(0.2 for tulu\) and --set tulu=0.1 contradict/,
    ],
    [
      'more than everything',
      { qa: 0.9, instruct: 0.2 },
      /the shares of the other sources come to 1.15, which leaves nothing for the fill source "web"/,
    ],
    ['the fill source set as well', { qa: 0.3, set: { web: 0.4 } }, /the shares come to 0.85, not to 1/],
    ['an unknown source', { set: { opnr1: 0.1 } }, /no source "opnr1"; did you mean "openr1"/],
    ['no share at all', { qa: 30 }, /--qa-ratio: 30 is not a share/],
    ['not a number', { set: { omi: Number.NaN } }, /--set omi: NaN is not a share/],
  ])('%s', (_name, ratios, message) => {
    expect(() => resolve(ratios)).toThrow(message);
  });

  test('a ratio for a role that the recipe has not', () => {
    expect(() =>
      resolve(
        { instruct: 0.1 },
        sources
          .filter((s) => s.role !== 'instruction')
          .map((s) => (s.name === 'web' ? { ...s, weight: 0.65 } : s)),
      ),
    ).toThrow(/--instruct-ratio asks for a share of 0.1, but the recipe has no source of role instruction/);
  });

  test('weights that do not come to one, and nobody to take the difference', () => {
    const short = sources.filter((s) => s.name !== 'am');
    expect(() => resolve({}, short, null)).toThrow(/the shares come to 0.95, not to 1/);
    expect(() => resolve({ qa: 0.5 }, sources, null)).toThrow(/not to 1/);
  });

  test('a fill source of the role itself cannot take the difference', () => {
    expect(() => resolve({ qa: 0.5 }, sources, 'omi')).toThrow(
      /the fill source "omi" is itself of role qa or long-cot/,
    );
  });

  test('weights of zero have no proportion to keep', () => {
    const zero = sources.map((s) =>
      s.role === 'instruction' ? { ...s, weight: 0 } : s.name === 'web' ? { ...s, weight: 0.65 } : s,
    );
    expect(() => resolve({ instruct: 0.1 }, zero)).toThrow(/the weights of tulu are all 0/);
  });
});

test('whatever is asked for, the result is exactly that and comes to one, or it is an error', () => {
  const ratio = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(
      ratio,
      ratio,
      ratio,
      fc.option(
        fc.tuple(
          fc.constantFrom('omi', 'openr1', 'tulu', 'dclm'),
          fc.double({ min: 0, max: 1, noNaN: true }),
        ),
        { nil: undefined },
      ),
      (qa, cot, instruct, set) => {
        const ratios: Ratios = {
          ...(qa === undefined ? {} : { qa }),
          ...(cot === undefined ? {} : { cot }),
          ...(instruct === undefined ? {} : { instruct }),
          ...(set === undefined ? {} : { set: { [set[0]]: set[1] } }),
        };
        let shares: Record<string, number>;
        try {
          shares = resolve(ratios);
        } catch {
          return;
        }
        const sum = (...names: string[]) => names.reduce((n, name) => n + shares[name]!, 0);
        expect(sum(...sources.map((s) => s.name))).toBeCloseTo(1, 5);
        expect(Object.values(shares).every((s) => s >= 0)).toBe(true);
        if (qa !== undefined) expect(sum('omi', 'numina', 'openr1', 'am')).toBeCloseTo(qa, 5);
        if (cot !== undefined) expect(sum('openr1', 'am')).toBeCloseTo(cot, 5);
        if (instruct !== undefined) expect(shares.tulu).toBeCloseTo(instruct, 5);
        if (set !== undefined) expect(shares[set[0]]).toBeCloseTo(set[1], 5);
      },
    ),
    { numRuns: 500 },
  );
});

/**
 * What should come out, worked out another way: in whole thousandths, group by group, or what collides. The fill source is web.
 */
function worked(thousandths: { qa?: number; cot?: number; instruct?: number; set: Record<string, number> }) {
  const weight: Record<string, number> = {
    web: 550,
    dclm: 50,
    omi: 100,
    numina: 50,
    openr1: 100,
    am: 50,
    tulu: 100,
  };
  const { qa, cot, instruct, set } = thousandths;
  const now = (name: string) => set[name] ?? weight[name]!;
  const total = (names: readonly string[]) => names.reduce((n, name) => n + now(name), 0);
  const short = ['omi', 'numina'];
  const long = ['openr1', 'am'];
  const wanted: [string[], number][] = [];
  if (cot !== undefined) {
    const all = qa ?? total([...short, ...long]);
    if (cot > all) return 'conflict';
    wanted.push([long, cot], [short, all - cot]);
  } else if (qa !== undefined) wanted.push([[...short, ...long], qa]);
  if (instruct !== undefined) wanted.push([['tulu'], instruct]);
  const result = Object.fromEntries(Object.keys(weight).map((name) => [name, now(name)]));
  for (const [names, target] of wanted) {
    const free = names.filter((name) => !(name in set));
    const rest = target - total(names.filter((name) => name in set));
    if (rest < 0 || (free.length === 0 && rest !== 0)) return 'conflict';
    for (const name of free)
      result[name] = (rest * weight[name]!) / free.reduce((n, other) => n + weight[other]!, 0);
  }
  const others = Object.entries(result).reduce((n, [name, share]) => (name === 'web' ? n : n + share), 0);
  if (!('web' in set)) result.web = 1000 - others;
  if (result.web! < -1e-6 || Math.abs(others + result.web! - 1000) > 1e-6) return 'conflict';
  return result;
}

test('every combination of ratios and set shares gives what a computation of its own gives, and is refused exactly where that finds a conflict', () => {
  const share = fc.option(
    fc.integer({ min: 0, max: 60 }).map((n) => n * 10),
    { nil: undefined },
  );
  let conflicts = 0;
  let fine = 0;
  fc.assert(
    fc.property(
      share,
      share,
      share,
      fc.dictionary(
        fc.constantFrom('omi', 'numina', 'openr1', 'am', 'tulu', 'dclm', 'web'),
        fc.integer({ min: 0, max: 40 }).map((n) => n * 10),
        { maxKeys: 3 },
      ),
      (qa, cot, instruct, set) => {
        const given = {
          ...(qa === undefined ? {} : { qa }),
          ...(cot === undefined ? {} : { cot }),
          ...(instruct === undefined ? {} : { instruct }),
        };
        const expected = worked({ ...given, set });
        const ratios = {
          ...Object.fromEntries(Object.entries(given).map(([name, n]) => [name, n / 1000])),
          set: Object.fromEntries(Object.entries(set).map(([name, n]) => [name, n / 1000])),
        };
        if (expected === 'conflict') {
          conflicts++;
          expect(() => resolve(ratios)).toThrow(UserError);
          return;
        }
        fine++;
        const shares = resolve(ratios);
        for (const [name, n] of Object.entries(expected)) expect(shares[name]).toBeCloseTo(n / 1000, 9);
      },
    ),
    { numRuns: 2000 },
  );
  expect(Math.min(conflicts, fine)).toBeGreaterThan(300);
});
