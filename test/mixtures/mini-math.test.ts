import { describe, expect, test } from 'vitest';
import { generateRecords } from '../../mixtures/generated.ts';
import {
  generateMiniMath,
  type MiniMathKind,
  type MiniMathOptions,
  miniMathKinds,
  miniMathProblems,
} from '../../mixtures/mini-math.ts';
import { habits } from '../../mixtures/mini-math-pages.ts';
import { splitOf } from '../../mixtures/mini-math-problem.ts';
import { generatorSchema } from '../../src/core/card.ts';
import { UserError } from '../../src/core/errors.ts';
import { answersFirst, repeats } from '../../src/signatures/repetition.ts';

const documents = (options: Partial<MiniMathOptions> = {}) => [
  ...generateMiniMath({ kind: 'pages', count: 400, seed: 1, ...options }),
];

/** The value of a chain, computed without the generator. */
const resultOf = (expression: string): number =>
  expression.match(/[+-]?\d/g)!.reduce((sum, part) => sum + Number(part), 0);

/** Whole expressions of three numbers or more that a text states. */
const problemsIn = (text: string): string[] => text.match(/(?<![\d=+-])\d(?:[+-]\d){2,}(?![\d+-])/g) ?? [];

const shareOf = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  items.filter(holds).length / items.length;

/** Every equation of a text, as written. */
const equationsIn = (text: string): [string, string][] =>
  [...text.matchAll(/(?<![\d+-])(\d[+-]\d)=(\d+)/g)].map(([, left, right]) => [left!, right!]);

const kinds: [MiniMathKind, Partial<MiniMathOptions>][] = [
  ['pages', {}],
  ['pages', { style: 'answer-first' }],
  ['pages', { style: 'mixed', worked: 0.5, forumShare: 0.5 }],
  ['qa', { worked: 0.5 }],
  ['long-cot', {}],
  ['long-cot', { chain: 'run-on', checks: 0.5, mistakes: 0.4 }],
  ['instruction', { worked: 0.5 }],
  ['general', {}],
];

describe('documents of the miniature world', () => {
  test.each(kinds)('of kind %s %j are the same for the same seed and others for another', (kind, options) => {
    const made = documents({ kind, ...options });
    expect(documents({ kind, ...options })).toEqual(made);
    expect(documents({ kind, ...options, count: 50 })).toEqual(made.slice(0, 50));
    expect(documents({ kind, ...options, seed: 2 }).map((d) => d.text)).not.toEqual(made.map((d) => d.text));
    expect(new Set(made.map((d) => d.id)).size).toBe(made.length);
  });

  test.each(kinds)('of kind %s %j state no held-out problem', (kind, options) => {
    const stated = documents({ kind, ...options, count: 3000, levels: [3, 4] }).flatMap((d) =>
      problemsIn(d.text),
    );
    if (kind === 'general') expect(stated).toEqual([]);
    else expect(stated.length).toBeGreaterThan(1000);
    expect(stated.filter((expression) => splitOf(expression) === 'heldout')).toEqual([]);
  });

  test.each(kinds.filter(([kind]) => kind === 'qa' || kind === 'long-cot' || kind === 'instruction'))(
    'of kind %s %j have the right result in their last box',
    (kind, options) => {
      const asked = documents({ kind, ...options }).filter((d) => d.expected !== '');
      expect(asked.length).toBeGreaterThan(200);
      for (const { question, response, expected, answer } of asked) {
        expect(expected).toBe(String(resultOf(problemsIn(question)[0]!)));
        expect(answer).toBe(`\\boxed{${expected}}`);
        expect(response.startsWith(' ')).toBe(true);
        expect([...response.matchAll(/\\boxed\{(\d)\}/g)].at(-1)?.[1]).toBe(expected);
      }
    },
  );

  test('of kind qa work out the share that is asked for, every step right and from the one before', () => {
    const made = documents({ kind: 'qa', worked: 0.3, count: 2000 });
    const worked = made.filter((d) => d.reasoning !== '');
    expect(worked.length / 2000).toBeGreaterThan(0.26);
    expect(worked.length / 2000).toBeLessThan(0.34);
    for (const { question, reasoning, expected } of worked) {
      let total = question[0]!;
      for (const [i, [left, right]] of equationsIn(reasoning).entries()) {
        expect(left).toBe(total + question.slice(1 + 2 * i, 3 + 2 * i));
        expect(Number(right)).toBe(resultOf(left));
        total = right;
      }
      expect(total).toBe(expected);
    }
  });

  test('of kind long-cot say the problem again, check by the inverse, and go back after a wrong step', () => {
    const made = documents({ kind: 'long-cot', mistakes: 0.3 });
    let wrongSteps = 0;
    for (const { question, response } of made) {
      const lines = response.trimStart().split('\n');
      expect(lines[0]).toBe(question);
      let total = Number(question[0]);
      for (const line of lines.slice(1, -1)) {
        const [, from, by, to, check, verdict] = /^(\d)([+-]\d)=(\d) check (\d[+-]\d=\d) (ok|no)$/.exec(
          line,
        )!;
        expect(Number(from)).toBe(total);
        const right = Number(from) + Number(by) === Number(to);
        expect(verdict).toBe(right ? 'ok' : 'no');
        // The check undoes the step from the result that was claimed; it comes back to the start only when that was right.
        const [left, back] = check!.split('=') as [string, string];
        expect(left).toBe(`${to}${by!.startsWith('+') ? '-' : '+'}${by!.slice(1)}`);
        expect(Number(back)).toBe(resultOf(left));
        expect(Number(back) === Number(from)).toBe(right);
        if (right) total = Number(to);
        else wrongSteps++;
      }
      expect(lines.at(-1)).toBe(`\\boxed{${total}}`);
    }
    expect(wrongSteps / (3 * made.length)).toBeGreaterThan(0.2);
    expect(wrongSteps / (3 * made.length)).toBeLessThan(0.4);
  });

  test('of kind long-cot have the checks, mistakes and layout that are asked for', () => {
    const checksOf = (options: Partial<MiniMathOptions>): number =>
      documents({ kind: 'long-cot', ...options }).reduce(
        (sum, { response }) => sum + response.split('check').length - 1,
        0,
      ) / 400;
    expect(checksOf({ mistakes: 0 })).toBe(3);
    expect(checksOf({ checks: 0 })).toBe(0);
    expect(checksOf({ mistakes: 0, checks: 0.5 })).toBeCloseTo(1.5, 0);
    const runOn = documents({ kind: 'long-cot', chain: 'run-on' });
    expect(runOn.every((d) => !d.response.includes('\n'))).toBe(true);
    const flat = (text: string): string => text.replaceAll(/\n| ; /g, '|');
    expect(runOn.map((d) => flat(d.response))).toEqual(
      documents({ kind: 'long-cot' }).map((d) => flat(d.response)),
    );
  });

  test('of kind instruction answer in the form that is asked for', () => {
    const made = documents({ kind: 'instruction', count: 2000 });
    const asked = (words: string) => made.filter((d) => d.question.startsWith(words));
    for (const { response } of asked('Give only')) expect(response).toMatch(/^ \\boxed\{\d\}$/);
    for (const { response } of asked('Work out'))
      expect(response).toMatch(/^ \d[+-]\d=\d\n.*\n.*\n\\boxed\{\d\}$/);
    for (const { response } of asked('Check each')) expect(response).toContain(' check ');
    for (const { question, response } of asked('Write')) {
      const word = question.split(' ')[1]!;
      expect(response).toBe(` ${word} ${word} ${word}`);
    }
    expect(shareOf(made, (d) => d.expected === '')).toBeCloseTo(1 / 3, 1);
    expect(made[0]!.text).toBe(`User:${made[0]!.question}\nAssistant:${made[0]!.response}`);
  });
});

describe('pages', () => {
  test('of the reasoned style work out the asked share, all equations right, and every box follows from them', () => {
    const made = documents({ worked: 0.7, count: 2000 });
    expect(shareOf(made, (d) => d.style === 'reasoned')).toBeCloseTo(0.7, 1);
    for (const { text, style } of made) {
      const boxes = [...text.matchAll(/\\boxed\{(\d)\}/g)].map(([, n]) => n!);
      expect(boxes).toEqual(problemsIn(text).map((expression) => String(resultOf(expression))));
      const equations = equationsIn(text);
      expect(equations).toHaveLength(style === 'reasoned' ? 3 * boxes.length : 0);
      for (const [left, right] of equations) expect(Number(right)).toBe(resultOf(left));
    }
  });

  test('of the answer-first style have their habits at the written shares', () => {
    const made = documents({ style: 'answer-first', count: 5000 });
    expect(habits.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 9);
    for (const [habit, share] of habits) {
      const found = shareOf(made, (d) => d.style === habit);
      expect(Math.abs(found - share)).toBeLessThan(0.03);
    }
    const work = (text: string): string => text.slice(text.lastIndexOf(':') + 1);
    for (const { text, style } of made) {
      if (style === 'answer') expect(answersFirst(work(text))).toBe(true);
      if (style === 'solution') expect(repeats(text)).toBe(true);
      if (style === 'cut') expect(/\\boxed\{\d\}\.$/.test(text)).toBe(false);
      if (style === 'menu') expect(text).not.toMatch(/\d/);
    }
  });

  test('of the mixed style are as many reasoned ones as asked', () => {
    const made = documents({ style: 'mixed', reasonedShare: 0.6, count: 4000 });
    expect(shareOf(made, (d) => d.style === 'menu')).toBeCloseTo(0.4 * 0.15, 1);
    expect(shareOf(made, (d) => d.style === 'reasoned')).toBeCloseTo(0.6 + 0.4 * 0.1, 1);
  });

  test('write Question: and Answer: in the asked share, as a few-shot prompt does, and one manner a page', () => {
    expect(shareOf(documents({ forumShare: 0 }), (d) => d.text.includes('Question:'))).toBe(0);
    expect(shareOf(documents({ forumShare: 1 }), (d) => d.text.includes('Question:'))).toBe(1);
    const several = documents({ forumShare: 1, worked: 0.5 }).filter((d) => problemsIn(d.text).length === 3);
    expect(several.length).toBeGreaterThan(10);
    for (const { text } of several) {
      const answers = text.split('\n\n').map((part) => answersFirst(part.split('Answer:')[1]!));
      expect(new Set(answers).size).toBe(1);
    }
  });
});

describe('problems', () => {
  const options = { split: 'heldout', count: 300, seed: 1 } as const;

  test('of the two splits are disjoint and all different, and two seeds order one set', () => {
    const heldout = miniMathProblems(options);
    const train = miniMathProblems({ ...options, split: 'train', count: 3000 });
    const questions = [...heldout, ...train].map((p) => p.question);
    expect(new Set(questions).size).toBe(3300);
    expect(heldout.every((p) => splitOf(p.question) === 'heldout')).toBe(true);
    expect(train.every((p) => splitOf(p.question) === 'train')).toBe(true);
    expect(miniMathProblems(options)).toEqual(heldout);
    expect(miniMathProblems({ ...options, seed: 2 })).not.toEqual(heldout);
  });

  test('have the right answer, stay within 0..9, and a worked solution that ends in it', () => {
    for (const { question, expected, level, solution } of miniMathProblems({
      ...options,
      levels: [3, 4, 5],
    })) {
      const numbers = question.match(/[+-]?\d/g)!.map(Number);
      let total = 0;
      for (const number of numbers) {
        total += number;
        expect(total >= 0 && total <= 9).toBe(true);
      }
      expect(expected).toBe(String(total));
      expect(level).toBe(String(numbers.length));
      expect(solution).toMatch(new RegExp(`So the answer is \\\\boxed\\{${expected}\\}\\.$`));
    }
    const [lines] = miniMathProblems({ ...options, solutions: 'lines' });
    expect(lines!.solution).toMatch(/^\d[+-]\d=\d\n.*\n.*\n\\boxed\{\d\}$/);
  });

  test('take levels by turns while they last, and say how many there are', () => {
    const made = miniMathProblems({ ...options, count: 400, levels: [3, 4] });
    const threes = made.filter((p) => p.level === '3').length;
    expect(threes).toBeLessThan(150);
    expect(made.slice(0, 10).map((p) => p.level)).toEqual(['3', '4', '3', '4', '3', '4', '3', '4', '3', '4']);
    expect(() => miniMathProblems({ ...options, count: 5000, levels: [3] })).toThrow(UserError);
    expect(() => miniMathProblems({ ...options, levels: [2] })).toThrow(/whole number from 3 to 6/);
  });
});

test('the schema takes every kind, refuses what no generator knows, and gives the generator its options', () => {
  for (const kind of miniMathKinds) {
    const spec = generatorSchema.parse({ generator: 'mini-math', kind, count: 20, seed: 3, worked: 0.5 });
    expect([...generateRecords(spec)]).toEqual(documents({ kind, count: 20, seed: 3, worked: 0.5 }));
  }
  expect(generatorSchema.safeParse({ generator: 'mini-math', kind: 'qa', count: 5, terms: 4 }).success).toBe(
    false,
  );
  expect(generatorSchema.safeParse({ generator: 'arithmetic', kind: 'pages', count: 5 }).success).toBe(false);
});
