/**
 * Statistics over seeds against scipy (fixture of test/oracles/seed-statistics.py), coverage by simulation, and what a claim may say.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bcaInterval } from '../../src/core/bca-interval.ts';
import { bootstrapMeans } from '../../src/core/bootstrap.ts';
import { type ClaimVerdict, claimOf } from '../../src/core/claim.ts';
import { type Arm, compareSeeds } from '../../src/core/compare-seeds.ts';
import { holm } from '../../src/core/holm.ts';
import { normalCdf, normalQuantile } from '../../src/core/normal.ts';
import { pairedT, seedsToSee } from '../../src/core/paired-t.ts';
import { Random } from '../../src/core/random.ts';
import { criticalT, twoSidedT } from '../../src/core/student-t.ts';
import { withinSeed } from '../../src/core/within-seed.ts';

const fixture = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/seed-statistics.json'), 'utf8'),
) as {
  critical: [number, number, number][];
  tails: [number, number, number][];
  paired: [number[], number[], number, number, number, number][];
  holm: [number[], number[]][];
  normal: [number, number][];
  bca: [number[], number, number, number][];
};

/** Relative to the expected value. */
function close(value: number, expected: number, relative: number, what: string): void {
  expect(Math.abs(value - expected), `${what}: ${value} against ${expected}`).toBeLessThanOrEqual(
    relative * Math.abs(expected),
  );
}

describe('against scipy', () => {
  it("Student's t: tails and critical values for any degrees of freedom", () => {
    for (const [t, df, p] of fixture.tails) close(twoSidedT(t, df), p, 1e-10, `tail ${t}, ${df}`);
    for (const [out, df, t] of fixture.critical)
      close(criticalT(out, df), t, 1e-10, `critical ${out}, ${df}`);
  });

  it('paired t: intervals and p', () => {
    for (const [a, b, level, low, high, p] of fixture.paired) {
      const test = pairedT(
        b.map((v, i) => v - a[i]!),
        1 - level,
      );
      expect(test.low).toBeCloseTo(low, 10);
      expect(test.high).toBeCloseTo(high, 10);
      close(test.p, p, 1e-8, 'p');
    }
  });

  it('Holm, by its definition', () => {
    for (const [ps, adjusted] of fixture.holm) {
      expect(holm(ps).adjusted).toEqual(adjusted);
      expect(holm(ps, 0.05).rejected).toEqual(adjusted.map((p) => p < 0.05));
    }
    expect(holm([0.03, Number.NaN, 0.01])).toEqual({
      adjusted: [0.03, Number.NaN, 0.02],
      rejected: [true, false, true],
    });
  });

  it('the normal distribution', () => {
    for (const [x, p] of fixture.normal) {
      expect(normalCdf(x)).toBeCloseTo(p, 13);
      if (Math.abs(x) < 5) expect(normalQuantile(p)).toBeCloseTo(x, 9);
    }
  });

  it('BCa, within what 10,000 resamples allow', () => {
    for (const [values, level, low, high] of fixture.bca) {
      const own = bcaInterval(values, { seed: 1, alpha: 1 - level });
      const width = high - low;
      expect(Math.abs(own[0] - low) / width, values.join()).toBeLessThan(0.03);
      expect(Math.abs(own[1] - high) / width, values.join()).toBeLessThan(0.03);
    }
    expect(() => bcaInterval([1, 2, 3], { seed: 1 })).toThrow(RangeError);
    expect(bcaInterval(Array(10).fill(0.25), { seed: 1 })).toEqual([0.25, 0.25]);
  });
});

describe('coverage by simulation', () => {
  it('of three seeds: t covers 95 in 100, a bootstrap does not', () => {
    const random = new Random(8);
    let t = 0;
    let bootstrap = 0;
    const runs = 2000;
    for (let run = 0; run < runs; run++) {
      const differences = [random.normal(), random.normal(), random.normal()];
      const { low, high } = pairedT(differences);
      if (low <= 0 && high >= 0) t++;
      const [interval] = bootstrapMeans([differences], { seed: run, resamples: 100 });
      if (interval![0] <= 0 && interval![1] >= 0) bootstrap++;
    }
    expect(t / runs).toBeGreaterThan(0.935);
    expect(t / runs).toBeLessThan(0.965);
    expect(bootstrap / runs).toBeLessThan(0.82);
  });

  it('of three arms without a difference: one false claim in 20 experiments at most, after Holm', () => {
    const random = new Random(10);
    let wrong = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run++) {
      const draw = (name: string): Arm =>
        arm(
          name,
          [1, 2, 3, 4, 5].map(() => random.normal()),
        );
      const base = draw('base');
      const compared = compareSeeds([
        [base, draw('a')],
        [base, draw('b')],
        [base, draw('c')],
      ]);
      if (compared.some((c) => /higher|lower/.test(claimOf(c, options).verdict))) wrong++;
    }
    expect(wrong / runs).toBeLessThan(0.07);
    expect(wrong / runs).toBeGreaterThan(0.02);
  });
});

const options = { what: 'accuracy', show: (d: number) => `${d > 0 ? '+' : ''}${d.toFixed(3)}` };

function arm(name: string, values: readonly number[], state?: string): Arm {
  return {
    name,
    values: new Map(values.map((value, i) => [String(i + 1), value])),
    ...(state === undefined ? {} : { state }),
  };
}

function claim(first: Arm, second: Arm, more: Partial<Parameters<typeof claimOf>[1]> = {}) {
  return claimOf(compareSeeds([[first, second]])[0]!, { ...options, ...more });
}

describe('a claim', () => {
  const base = arm('FineMath', [0.1, 0.12, 0.11]);
  const better = arm('MegaMath', [0.3, 0.34, 0.33]);

  it('names direction, interval, method, seeds and p', () => {
    expect(claim(base, better).text).toBe(
      'Accuracy is higher with MegaMath than with FineMath: +0.213 (95 % interval +0.185 to +0.242, paired t over 3 seeds, p below 0.001).',
    );
    expect(claim(better, base).verdict).toBe('lower');
  });

  it.each<[string, ClaimVerdict, Arm, Arm, RegExp]>([
    ['one seed', 'cannot-say', arm('a', [0.1]), arm('b', [0.9]), /one seed is too few/],
    ['two seeds', 'cannot-say', arm('a', [0.1, 0.1]), arm('b', [0.9, 0.9001]), /2 seeds are too few/],
    ['no seed', 'cannot-say', arm('a', []), arm('b', [0.9]), /no seed has both/],
    ['all the same', 'cannot-say', arm('a', [0.1, 0.2, 0.3]), arm('b', [0.2, 0.3, 0.4]), /spread is unknown/],
    ['not alike', 'cannot-say', arm('a', [1, 2, 3], 'decayed'), arm('b', [7, 9, 8], 'stable'), /like state/],
    ['wide', 'unclear', arm('a', [0.1, 0.2, 0.3]), arm('b', [0.3, 0.1, 0.4]), /cannot be told: .* interval/],
  ])('of %s says %s', (_, verdict, first, second, text) => {
    const said = claim(first, second);
    expect(said.verdict).toBe(verdict);
    expect(said.text).toMatch(text);
  });

  it('calls only what is held within the smallest difference of interest the same', () => {
    const first = arm('a', [0.5, 0.51, 0.49, 0.5]);
    const second = arm('b', [0.501, 0.512, 0.488, 0.5]);
    expect(claim(first, second).verdict).toBe('unclear');
    expect(claim(first, second, { smallest: 0.02 })).toMatchObject({ verdict: 'same' });
    expect(claim(first, second, { smallest: 0.001 }).verdict).toBe('unclear');
  });

  it('calls several the same only by the interval that holds for all of them', () => {
    const pair = [arm('a', [0.5, 0.51, 0.49, 0.5]), arm('b', [0.501, 0.512, 0.488, 0.5])] as const;
    const of = (n: number, smallest: number) => {
      const comparison = compareSeeds(Array.from({ length: n }, () => pair))[0]!;
      expect(comparison.low).toBeGreaterThan(-0.003);
      return claimOf(comparison, { ...options, smallest });
    };
    expect(of(1, 0.003).verdict).toBe('same');
    expect(of(20, 0.003).verdict).toBe('unclear');
    expect(of(20, 0.02)).toMatchObject({
      verdict: 'same',
      text: expect.stringMatching(/ for all 20 together\.$/),
    });
  });

  it('has no signal where a healthy run did not climb', () => {
    const [flat] = compareSeeds([[arm('step 0', [0.1, 0.12, 0.1]), arm('step 200', [0.11, 0.1, 0.12])]]);
    const [climbs] = compareSeeds([[arm('step 0', [0.1, 0.12, 0.1]), arm('step 200', [0.4, 0.44, 0.41])]]);
    const without = claim(base, better, { signal: flat! });
    expect(without.verdict).toBe('no-signal');
    expect(without.text).not.toMatch(/\d\.\d/);
    expect(without.warnings.join()).toMatch(/interval/);
    expect(claim(base, better, { signal: climbs! }).verdict).toBe('higher');
  });

  it('does not stand when the other comparisons are counted', () => {
    const near = arm('near', [0.14, 0.13, 0.16]);
    const alone = compareSeeds([[base, near]])[0]!;
    expect(alone.p).toBeGreaterThan(0.017);
    expect(alone.p).toBeLessThan(0.2);
    const strong = arm('strong', [0.128, 0.15, 0.142]);
    const one = compareSeeds([[base, strong]])[0]!;
    const many = compareSeeds(Array.from({ length: 40 }, () => [base, strong] as const))[0]!;
    expect(claimOf(one, options).verdict).toBe('higher');
    expect(claimOf(many, options).verdict).toBe('unclear');
    expect(claimOf(many, options).text).toMatch(/does not stand once 40 comparisons/);
    expect(many.together.high - many.together.low).toBeGreaterThan(many.high - many.low);
  });

  it('pairs by seed, and says what was left out and how many seeds would do', () => {
    const first: Arm = {
      name: 'a',
      values: new Map([
        ['1', 0.1],
        ['2', 0.2],
        ['3', 0.3],
        ['4', Number.NaN],
        ['7', 1],
      ]),
    };
    const second: Arm = {
      name: 'b',
      values: new Map([
        ['3', 0.33],
        ['2', 0.2],
        ['1', 0.12],
        ['4', 0.5],
        ['9', 1],
      ]),
    };
    const [c] = compareSeeds([[first, second]]);
    expect(c!.pairs.map(({ seed }) => seed)).toEqual(['1', '2', '3']);
    expect(c!.mean).toBeCloseTo(0.05 / 3, 12);
    expect([c!.onlyFirst, c!.onlySecond]).toEqual([
      ['4', '7'],
      ['4', '9'],
    ]);
    expect(c!.warnings.join(' ')).toMatch(/left out.*4 \(a\).*9 \(b\)/);
    expect(c!.warnings.join(' ')).toMatch(/about \d+ seeds would be needed/);
    expect(seedsToSee(1, 1)).toBe(7);
    expect(seedsToSee(0, 1)).toBeUndefined();
  });

  it('never writes a number of a difference without its interval, whatever the seeds are', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
          {
            maxLength: 12,
          },
        ),
        fc.constantFrom('t' as const, 'bca' as const),
        (values, interval) => {
          const arms = [0, 1].map((side) =>
            arm(
              `arm${'ab'[side]}`,
              values.map((pair) => pair[side as 0 | 1]),
            ),
          ); // prettier-ignore
          const [c] = compareSeeds([[arms[0]!, arms[1]!]], { interval });
          const { verdict, text } = claimOf(c!, options);
          if (verdict === 'cannot-say') expect(text).not.toMatch(/[+-]?\d\.\d/);
          else {
            expect(text).toContain(`interval ${options.show(c!.low)} to ${options.show(c!.high)}`);
            expect(values.length).toBeGreaterThanOrEqual(3);
          }
          if (verdict === 'higher') expect(c!.low).toBeGreaterThan(0);
          if (verdict === 'lower') expect(c!.high).toBeLessThan(0);
          expect(c!.method).toBe(interval === 'bca' && values.length >= 10 ? 'BCa bootstrap' : 'paired t');
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('problems within a seed', () => {
  it('have an interval of their own, labelled', () => {
    const random = new Random(3);
    const first = Array.from({ length: 200 }, () => (random.float() < 0.3 ? 1 : 0));
    const second = first.map((right) => (right === 1 || random.float() < 0.2 ? 1 : 0));
    const found = withinSeed(first, second, '7', { seed: 1, resamples: 500 });
    expect(found.low).toBeLessThan(found.value);
    expect(found.high).toBeGreaterThan(found.value);
    expect(found.label).toBe('bootstrap over 200 problems within seed 7; other seeds are not in it');
    expect(() => withinSeed([1], [1, 0], '7', { seed: 1 })).toThrow(RangeError);
  });
});
