/**
 * The problems of the miniature mathematical world: chains such as `2+6-8+3`, one-digit numbers whose running total never leaves 0..9, as
 * in arithmetic.ts. Every step is one entry of a table of 90, so a model of some ten thousand weights learns it; how many numbers a chain
 * has is its level. Which split a problem belongs to is decided by a hash of its expression, whatever the seed.
 */
import { UserError } from '../src/core/errors.ts';
import { drawOf, type Random } from '../src/core/random.ts';

export type MiniMathSplit = 'train' | 'heldout';

/** One step of a chain: `from sign by` makes `to`. */
export interface Step {
  from: number;
  sign: '+' | '-';
  by: number;
  to: number;
}

export interface Chain {
  expression: string;
  /** Numbers in it. */
  level: number;
  steps: readonly Step[];
  total: number;
}

/** Numbers in a problem, where nothing else is asked for. One level: with two a model of 35,000 weights learns the steps on some seeds only. */
export const defaultLevels: readonly number[] = [4];

/** Share of all problems that no document holds. */
export const heldoutShare = 0.15;

/** Part of the world, not of a run. */
const splitSeed = 8;

export function splitOf(expression: string): MiniMathSplit {
  return drawOf(splitSeed, expression) < heldoutShare ? 'heldout' : 'train';
}

/** A chain of the split at one of the levels, drawn step by step: every reachable next total is equally likely. */
export function drawChain(random: Random, levels: readonly number[], split: MiniMathSplit): Chain {
  for (;;) {
    const level = random.pick(levels);
    const first = random.int(10);
    const steps: Step[] = [];
    let total = first;
    while (steps.length < level - 1) {
      const step = random.pick(nextSteps(total));
      steps.push(step);
      total = step.to;
    }
    const chain = chainOf(first, steps);
    if (splitOf(chain.expression) === split) return chain;
  }
}

/** Every chain of a level, in a fixed order: 10 x 9^(level - 1) of them. */
export function allChains(level: number): Chain[] {
  let partial = Array.from({ length: 10 }, (_, first) => ({ first, steps: [] as Step[] }));
  for (let i = 1; i < level; i++) {
    partial = partial.flatMap(({ first, steps }) =>
      nextSteps(steps.at(-1)?.to ?? first).map((step) => ({ first, steps: [...steps, step] })),
    );
  }
  return partial.map(({ first, steps }) => chainOf(first, steps));
}

/** Throws a `UserError` for a level that is no whole number from 3 to 6, or an empty list. */
export function checkLevels(levels: readonly number[] = defaultLevels): readonly number[] {
  const wrong = levels.find((level) => !Number.isInteger(level) || level < 3 || level > 6);
  if (levels.length === 0 || wrong !== undefined) {
    throw new UserError(`mini-math levels: ${wrong ?? '[]'} is not a whole number from 3 to 6`, {
      hint: `a level is how many numbers a problem has; leave it out for [${defaultLevels.join(', ')}]`,
    });
  }
  return levels;
}

function chainOf(first: number, steps: readonly Step[]): Chain {
  const expression = first + steps.map((s) => s.sign + s.by).join('');
  return { expression, level: steps.length + 1, steps, total: steps.at(-1)?.to ?? first };
}

/** The nine steps from a total that add or take a digit 1..9 and stay within 0..9. */
function nextSteps(from: number): Step[] {
  const steps: Step[] = [];
  for (let by = 1; by <= 9; by++) {
    if (from + by <= 9) steps.push({ from, sign: '+', by, to: from + by });
    if (from - by >= 0) steps.push({ from, sign: '-', by, to: from - by });
  }
  return steps;
}
