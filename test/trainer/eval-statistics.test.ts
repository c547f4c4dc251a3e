/**
 * Statistics of evaluations: against scipy and statsmodels (fixture of test/oracles/eval-statistics.py), by hand where a hand can count, and
 * coverage of the bootstrap by simulation.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { bootstrapMeans, quantile } from '../../src/core/bootstrap.ts';
import { Random } from '../../src/core/random.ts';
import { passAtK, wilsonInterval } from '../../trainer/evaluation/accuracy.ts';
import { compareGraded } from '../../trainer/evaluation/compare.ts';
import { sameAnswer } from '../../trainer/evaluation/grade.ts';
import type { GradedProblem } from '../../trainer/evaluation/graded-problem.ts';
import { macroAverageOf } from '../../trainer/evaluation/macro-average.ts';
import { answerClasses, majorityAtK, majorityOf } from '../../trainer/evaluation/majority.ts';
import { mcNemar } from '../../trainer/evaluation/mcnemar.ts';
import { defaultKs, summarise } from '../../trainer/evaluation/summarise.ts';

const fixture = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/eval-statistics.json'), 'utf8'),
) as Record<'wilson' | 'mcnemar' | 'passAtK' | 'quantiles', number[][]> & { values: number[] };

/** A problem with these verdicts; answers are the letters of `answers`, `-` for none. */
function graded(
  id: string,
  correct: (boolean | null)[],
  answers = '',
  change: Partial<GradedProblem> = {},
): GradedProblem {
  return {
    id,
    question: `q${id}`,
    prompt: '',
    expected: 'r',
    level: null,
    subject: null,
    completions: correct.map(() => ''),
    answers: correct.map((right, i) => (answers[i] === '-' ? null : (answers[i] ?? (right ? 'r' : 'w')))),
    correct,
    lengths: correct.map((_, i) => 10 + i),
    truncated: correct.map(() => false),
    seeds: correct.map(() => 0),
    choice_logprobs: [],
    ...change,
  };
}

const macro = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/macro-average.json'), 'utf8'),
) as {
  cases: (Record<'mover' | 'delta' | 'bootstrap', [number, number]> & {
    case: [number, number][];
    mean: number;
  })[];
};

describe('the macro average', () => {
  const shareOf = ([k, n]: readonly [number, number]) => {
    const [low, high] = wilsonInterval(k, n);
    return { value: k / n, low, high };
  };
  it.each(macro.cases)('of $case has the interval of the reference', ({ case: given, mean, mover }) => {
    const { value, low, high } = macroAverageOf(given.map(shareOf));
    expect(value).toBeCloseTo(mean, 12);
    expect(low).toBeCloseTo(mover[0], 6);
    expect(high).toBeCloseTo(mover[1], 6);
  });

  it('is near the delta method and a bootstrap where there are many problems of which some are right', () => {
    for (const { case: given, delta, bootstrap } of macro.cases.slice(0, 2)) {
      const { low, high } = macroAverageOf(given.map(shareOf));
      for (const other of [delta, bootstrap])
        expect(Math.max(Math.abs(low - other[0]), Math.abs(high - other[1]))).toBeLessThan(1.5e-3);
    }
  });

  it('of one benchmark is its own interval, and has a width where all are right', () => {
    const { low, high } = macroAverageOf([shareOf([3, 40])]);
    expect([low, high]).toEqual(wilsonInterval(3, 40).map((limit) => expect.closeTo(limit, 12)));
    expect(macroAverageOf([shareOf([9, 9]), shareOf([9, 9])]).low).toBeLessThan(0.9);
  });

  it('holds the true mean in about 95 of 100 evaluations, small and extreme benchmarks too', () => {
    const random = new Random('macro');
    const truth: [number, number][] = [
      [0.02, 30],
      [0.4, 60],
      [0.95, 40],
    ];
    const mean = truth.reduce((sum, [p]) => sum + p, 0) / truth.length;
    const trials = 2000;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { low, high } = macroAverageOf(
        truth.map(([p, n]) => {
          let right = 0;
          for (let i = 0; i < n; i++) if (random.float() < p) right++;
          return shareOf([right, n]);
        }),
      );
      if (low <= mean && mean <= high) held++;
    }
    expect(held / trials).toBeGreaterThan(0.94);
    expect(held / trials).toBeLessThan(0.99);
  });
});

describe('as scipy and statsmodels compute them', () => {
  it.each(fixture.wilson)("Wilson's interval of %i in %i", (k, n, low, high) => {
    const [a, b] = wilsonInterval(k!, n!);
    expect(a).toBeCloseTo(low!, 6);
    expect(b).toBeCloseTo(high!, 6);
  });

  it.each(fixture.mcnemar)('McNemar of %i against %i', (b, c, exact, mid) => {
    const test = mcNemar(b!, c!);
    // Relative: p-values of 1e-400 and 1 are both to be right.
    expect(Math.abs(test.exact - exact!)).toBeLessThanOrEqual(1e-10 * exact! + 1e-300);
    expect(Math.abs(test.midP - mid!)).toBeLessThanOrEqual(1e-10 * mid! + 1e-300);
  });

  it('pass@k, by counting subsets', () => {
    for (const [n, c, k, expected] of fixture.passAtK) expect(passAtK(n!, c!, k!)).toBeCloseTo(expected!, 12);
  });

  it('quantiles', () => {
    const sorted = Float64Array.from(fixture.values).sort();
    for (const [share, expected] of fixture.quantiles)
      expect(quantile(sorted, share!)).toBeCloseTo(expected!, 12);
  });
});

describe('bootstrap', () => {
  it('depends on the seed only, and columns share their resamples', () => {
    const values = Array.from({ length: 50 }, (_, i) => (i * 7919) % 13);
    const [first, doubled] = bootstrapMeans([values, values.map((v) => 2 * v)], { seed: 3 });
    expect(bootstrapMeans([values], { seed: 3 })).toEqual([first]);
    expect(doubled).toEqual(first!.map((v) => 2 * v));
    expect(bootstrapMeans([values], { seed: 4 })[0]).not.toEqual(first);
  });

  it('covers the mean of what problems are drawn from in about 95 of 100 cases, samples within problems included', () => {
    // Problems differ in difficulty p ~ U(0, 1); 4 samples each; pass@2 of the population is 2/3 (1 - E(1-p)^2).
    const random = new Random('coverage');
    let covered = 0;
    const runs = 300;
    for (let run = 0; run < runs; run++) {
      const values = Array.from({ length: 60 }, () => {
        const p = random.float();
        const right = [0, 1, 2, 3].filter(() => random.float() < p).length;
        return passAtK(4, right, 2);
      });
      const [[low, high]] = bootstrapMeans([values], { seed: run, resamples: 400 }) as [[number, number]];
      if (low <= 2 / 3 && 2 / 3 <= high) covered++;
    }
    expect(covered / runs).toBeGreaterThan(0.9);
    expect(covered / runs).toBeLessThan(0.985);
  });
});

describe('majority', () => {
  const classes = (answers: (string | null)[], correct: boolean[]) =>
    answerClasses(answers, correct, sameAnswer);

  it('counts equal answers as one, whatever their form; no answer is no vote', () => {
    expect(classes(['1/2', '0.5', '3', null, '\\frac12', ' ', '3.0'], Array(7).fill(false))).toEqual([
      0, 0, 1, -1, 0, -1, 1,
    ]);
    expect(classes(['a', 'b', 'c'], [true, false, true])).toEqual([0, 1, 0]);
  });

  it('gives a tie to the answer that came first', () => {
    expect(majorityOf([0, 1, 1, 0], [0, 1, 2, 3])).toBe(0);
    expect(majorityOf([0, 1, 1, 0], [1, 2, 3])).toBe(1);
    expect(majorityOf([-1, 2, -1], [0, 1, 2])).toBe(1);
    expect(majorityOf([-1, -1], [0, 1])).toBe(-1);
  });

  it('maj@k is the mean over all subsets where they can be listed', () => {
    // Right: samples 0 and 1; the wrong answer of 2 and 3 is one class.
    const right = [true, true, false, false];
    const of = [0, 0, 1, 1];
    // Pairs: 01 right, 02 03 12 13 tie -> the earlier, right; 23 wrong.
    expect(majorityAtK(of, right, 2, 's')).toBeCloseTo(5 / 6, 12);
    // Triples: 012 013 right, 023 123 wrong.
    expect(majorityAtK(of, right, 3, 's')).toBeCloseTo(0.5, 12);
    expect(majorityAtK(of, right, 4, 's')).toBe(1);
    expect(majorityAtK(of, right, 1, 's')).toBeCloseTo(0.5, 12);
    expect(majorityAtK([-1, -1], [false, false], 2, 's')).toBe(0);
  });

  it('draws subsets with a seed where there are too many, near the true mean', () => {
    const of = Array.from({ length: 20 }, (_, i) => (i % 5 < 3 ? 0 : 1));
    const right = of.map((c) => c === 0);
    const drawn = majorityAtK(of, right, 5, 's');
    expect(majorityAtK(of, right, 5, 's')).toBe(drawn);
    expect(majorityAtK(of, right, 5, 't')).not.toBe(drawn);
    // Hypergeometric: at least 3 of 5 from 12 right of 20.
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    const exact = [3, 4, 5].reduce((sum, i) => sum + choose(12, i) * choose(8, 5 - i), 0) / choose(20, 5);
    expect(Math.abs(drawn - exact)).toBeLessThan(0.1);
  });
});

describe('a summary', () => {
  const options = { seed: 1, equal: sameAnswer };

  it('of one sample a problem has the accuracy with the interval of Wilson, lengths and groups', () => {
    const problems = [
      graded('1', [true], '', { level: '10', subject: 'b', lengths: [5] }),
      graded('2', [false], '-', { level: '9', subject: 'a', lengths: [9], truncated: [true] }),
      graded('3', [null], '-', { level: '10', subject: 'a', lengths: [10] }),
    ];
    const summary = summarise(problems, options);
    expect(summary).toMatchObject({
      problems: 3,
      samples: 1,
      accuracy: { value: 1 / 3 },
      passAt: {},
      majAt: {},
      meanLength: 8,
      meanCorrectLength: 5,
      truncated: 1 / 3,
      noAnswer: 2 / 3,
      ungraded: 1,
    });
    expect([summary.accuracy.low, summary.accuracy.high]).toEqual(wilsonInterval(1, 3));
    expect(summary.byLevel.map(({ name, problems: n, value }) => [name, n, value])).toEqual([
      ['9', 1, 0],
      ['10', 2, 0.5],
    ]);
    expect(summary.bySubject.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('of several samples has pass@k and maj@k for each k', () => {
    const problems = [graded('1', [true, false, false, false]), graded('2', [true, true, true, false])];
    const { accuracy, passAt, majAt } = summarise(problems, options);
    expect(accuracy.value).toBe(0.5);
    expect(Object.keys(passAt)).toEqual(['1', '2', '4']);
    expect(passAt['1']!.value).toBe(0.5);
    expect(passAt['2']!.value).toBeCloseTo((1 / 2 + 1) / 2, 12);
    expect(passAt['4']!.value).toBe(1);
    expect(majAt['4']!.value).toBe(0.5);
    // All right, and yet not certain.
    expect([passAt['4']!.low, passAt['4']!.high]).toEqual(wilsonInterval(2, 2));
    expect(summarise(problems, { ...options, ks: [3] }).passAt['3']!.value).toBeCloseTo((3 / 4 + 1) / 2, 12);
  });

  it('has the powers of two and the number of samples as its ks', () => {
    expect([defaultKs(1), defaultKs(8), defaultKs(12)]).toEqual([[1], [1, 2, 4, 8], [1, 2, 4, 8, 12]]);
  });

  it('groups only where there are two groups at least', () => {
    expect(
      summarise([graded('1', [true], '', { level: '1' }), graded('2', [true])], options).byLevel,
    ).toEqual([]);
  });
});

describe('a comparison', () => {
  const of = (verdicts: string, change: Partial<GradedProblem> = {}): GradedProblem[] =>
    [...verdicts].map((verdict, i) => graded(String(i), [verdict === '1'], '', change));

  it('names what flipped, tests it, and gives the paired difference', () => {
    const compared = compareGraded(of('1100000000'), of('0111110000'), { seed: 1 });
    expect(compared).toMatchObject({
      problems: 10,
      first: 0.2,
      second: 0.5,
      gained: ['2', '3', '4', '5'],
      lost: ['0'],
      onlyFirst: [],
      onlySecond: [],
      different: [],
    });
    expect(compared.difference.value).toBeCloseTo(0.3, 12);
    // 5 flips, 1 against: 2 (1 + 5) / 32, mid-p less 5 / 32.
    expect(compared.mcnemar).toEqual({
      exact: expect.closeTo(12 / 32, 12),
      midP: expect.closeTo(7 / 32, 12),
    });
    expect(compared.difference.low).toBeLessThan(0.3);
    expect(compared.difference.high).toBeGreaterThan(0.3);
  });

  it('leaves out what is not the same problem, and says so', () => {
    const second = [...of('1111'), graded('extra', [true])];
    second[1] = graded('1', [true], '', { question: 'another' });
    const compared = compareGraded([...of('0000'), graded('old', [false])], second, { seed: 1 });
    expect(compared).toMatchObject({
      problems: 3,
      different: ['1'],
      onlyFirst: ['old'],
      onlySecond: ['extra'],
    });
  });

  it('of several samples has no McNemar, and flips are majorities', () => {
    const compared = compareGraded(
      [graded('a', [true, false, false]), graded('b', [true, true, true])],
      [graded('a', [true, true, false]), graded('b', [true, true, false])],
      { seed: 1 },
    );
    expect(compared.mcnemar).toBeUndefined();
    expect([compared.gained, compared.lost]).toEqual([['a'], []]);
    expect(compared.difference.value).toBeCloseTo(0, 12);
  });
});
