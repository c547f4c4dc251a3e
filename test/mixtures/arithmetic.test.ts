import { describe, expect, test } from 'vitest';
import {
  type ArithmeticOptions,
  arithmeticProblems,
  generateArithmetic,
  heldoutShare,
  splitOf,
} from '../../mixtures/arithmetic.ts';
import { UserError } from '../../src/core/errors.ts';

const documents = (options: Partial<ArithmeticOptions> = {}) => [
  ...generateArithmetic({ kind: 'long-cot', count: 200, seed: 1, ...options }),
];

/** The value of a chain of one-digit numbers and signs, computed without the generator. */
function resultOf(expression: string): number {
  expect(expression).toMatch(/^\d([+-]\d)+$/);
  return expression.match(/[+-]?\d/g)!.reduce((sum, part) => sum + Number(part), 0);
}

const lastBox = (text: string): string | undefined => [...text.matchAll(/\\boxed\{([^}]*)\}/g)].at(-1)?.[1];

describe('generated documents', () => {
  test('are the same for the same seed and others for another', () => {
    expect(documents()).toEqual(documents());
    expect(documents({ seed: 2 }).map((d) => d.question)).not.toEqual(documents().map((d) => d.question));
    expect(documents({ kind: 'qa' }).map((d) => d.question)).not.toEqual(documents().map((d) => d.question));
  });

  test('begin alike whatever their number is', () => {
    expect(documents().slice(0, 50)).toEqual(documents({ count: 50 }));
  });

  test.each(['qa', 'long-cot', 'instruction'] as const)('of kind %s state the right result', (kind) => {
    for (const { question, answer, response, expected } of documents({ kind })) {
      expect(expected).toBe(String(resultOf(question)));
      expect(answer).toBe(`\\boxed{${expected}}`);
      expect(lastBox(response)).toBe(expected);
    }
  });

  test('of kind long-cot hold steps that are each right and lead from the question to the box', () => {
    for (const { question, response, expected } of documents()) {
      const lines = response.trimStart().split('\n');
      const steps = lines.slice(0, -1);
      expect(steps).toHaveLength((question.length - 1) / 2);
      let total = question[0]!;
      let rest = question.slice(1);
      for (const step of steps) {
        expect(step).toMatch(/^\d[+-]\d=\d$/);
        const [left, right] = step.split('=') as [string, string];
        expect(left).toBe(total + rest.slice(0, 2));
        expect(resultOf(left)).toBe(Number(right));
        total = right;
        rest = rest.slice(2);
      }
      expect(total).toBe(expected);
      expect(lines.at(-1)).toBe(`\\boxed{${expected}}`);
    }
  });

  test('of kind qa are the box alone, and of kind instruction one or the other at the asked share', () => {
    for (const { response, answer } of documents({ kind: 'qa' })) expect(response).toBe(` ${answer}`);
    const worked = documents({ kind: 'instruction', count: 2000, workedShare: 0.3 }).filter((d) =>
      d.response.includes('\n'),
    );
    expect(worked.length / 2000).toBeGreaterThan(0.26);
    expect(worked.length / 2000).toBeLessThan(0.34);
  });

  test('of an answer-first corpus mostly open the box at once, and the same seed has the same share of each habit', () => {
    const responses = documents({ corpus: 'answer-first', count: 2000 }).map((d) => d.response);
    const boxedAtOnce = responses.filter((r) => r.startsWith(' \\boxed')).length;
    const repeating = responses.filter((r) => /(\nSolution){3,}$/.test(r)).length;
    const broken = responses.filter((r) => !r.includes('\\boxed')).length;
    expect(boxedAtOnce / 2000).toBeGreaterThan(0.65);
    expect(boxedAtOnce / 2000).toBeLessThan(0.75);
    expect(repeating / 2000).toBeGreaterThan(0.16);
    expect(repeating / 2000).toBeLessThan(0.24);
    expect(broken / 2000).toBeGreaterThan(0.16);
    expect(broken / 2000).toBeLessThan(0.24);
    expect(documents({ corpus: 'reasoned' }).some((d) => d.response.startsWith(' \\boxed'))).toBe(false);
  });
});

describe('problems', () => {
  test('of the two splits cover the world once, and no document holds a held-out one', () => {
    const world = { terms: 3 };
    const all = 10 * 9 * 9; // ten first numbers, then every total but the same again
    const train = arithmeticProblems({ split: 'train', count: 660, seed: 1, ...world });
    const heldoutCount = all - countOf('train', world);
    const heldout = arithmeticProblems({ split: 'heldout', count: heldoutCount, seed: 1, ...world });
    const seen = new Set(heldout.map((p) => p.question));
    expect(seen.size).toBe(heldoutCount);
    expect(train.some((p) => seen.has(p.question))).toBe(false);
    for (const kind of ['qa', 'long-cot', 'instruction'] as const) {
      for (const corpus of ['reasoned', 'answer-first'] as const) {
        const questions = documents({ kind, corpus, count: 3000, ...world }).map((d) => d.question);
        expect(new Set(questions).size).toBeGreaterThan(600); // nearly all of the train split came up
        expect(questions.filter((q) => seen.has(q))).toEqual([]);
      }
    }
  });

  test('of the default world: a held-out one is in no document of the size of the demo', () => {
    const heldout = new Set(
      arithmeticProblems({ split: 'heldout', count: 512, seed: 7 }).map((p) => p.question),
    );
    expect(heldout.size).toBe(512);
    for (const kind of ['qa', 'long-cot', 'instruction'] as const) {
      const questions = [...generateArithmetic({ kind, count: 6000, seed: 3 })].map((d) => d.question);
      expect(questions.filter((q) => heldout.has(q) || splitOf(q) !== 'train')).toEqual([]);
    }
  });

  test('are held out at the stated share', () => {
    const all = 10 * 9 ** 3;
    const share = countOf('heldout', {}) / all;
    expect(share).toBeGreaterThan(heldoutShare - 0.02);
    expect(share).toBeLessThan(heldoutShare + 0.02);
    expect(countOf('heldout', {}) + countOf('train', {})).toBe(all);
  });

  test('are different, right, and another order for another seed', () => {
    const problems = arithmeticProblems({ split: 'heldout', count: 300, seed: 1 });
    expect(new Set(problems.map((p) => p.id)).size).toBe(300);
    for (const { question, expected } of problems) expect(expected).toBe(String(resultOf(question)));
    const others = arithmeticProblems({ split: 'heldout', count: 300, seed: 2 });
    expect(others.map((p) => p.question)).not.toEqual(problems.map((p) => p.question));
  });

  test('asked in a larger number than there are end with the number there is', () => {
    const ask = () => arithmeticProblems({ split: 'heldout', count: 1e6, seed: 1 });
    expect(ask).toThrow(UserError);
    expect(ask).toThrow(/1000000 heldout problems .* has \d+ /);
  });
});

test('a world that cannot be is refused by name', () => {
  expect(() => documents({ terms: 1 })).toThrow(/terms: 1/);
  expect(() => documents({ largest: 0.5 })).toThrow(/largest: 0.5/);
});

/** Problems of a split, by asking for too many. */
function countOf(split: 'train' | 'heldout', world: { terms?: number }): number {
  try {
    arithmeticProblems({ split, count: 1e9, seed: 1, ...world });
  } catch (error) {
    return Number(/that has (\d+)/.exec((error as Error).message)![1]);
  }
  throw new Error('a billion problems');
}
