/**
 * A seeded world of small arithmetic: documents to train on and problems for RL, for the demo and for ablations that must run in minutes.
 *
 * A problem is a chain such as `2+6-8+3`: one-digit numbers whose running total never leaves 0..largest. So every step is one entry of
 * a small table and a model of some ten thousand weights can learn it. The pages hold two ways to respond to the same kind of question:
 * the boxed result alone (`qa`; the total of several steps in one go, which such a model gets right little more often than by chance)
 * and the steps line by line with the box last (`long-cot`, and `instruction` in the words of a conversation; dependable once learned).
 * A model trained on both does either, and RL has something to find: that working it out pays.
 *
 * Problems are parted by a hash of the expression, whatever the seed: no held-out problem is in any document. What it gives up: variety
 * of wording, and every difficulty of real mathematics. The corpus `answer-first` shows the habits that the paper names as the cause
 * of failed RL (section 2.2: the box opened at once, then repetition), at shares of our own; see `answerFirst`.
 */
import { UserError } from '../src/core/errors.ts';
import { drawOf, Random } from '../src/core/random.ts';

export type ArithmeticKind = 'qa' | 'long-cot' | 'instruction';
export type ArithmeticCorpus = 'reasoned' | 'answer-first';
export type ArithmeticSplit = 'train' | 'heldout';

export interface ArithmeticWorld {
  /** Numbers in a problem, 2 or more. */
  terms?: number;
  /** The running total stays within 0..largest. */
  largest?: number;
}

export interface ArithmeticOptions extends ArithmeticWorld {
  kind: ArithmeticKind;
  count: number;
  seed: number;
  corpus?: ArithmeticCorpus;
  /** Share of `instruction` documents whose response works the problem out (default 1); the others are the box alone. */
  workedShare?: number;
}

export interface ArithmeticDocument {
  id: string;
  question: string;
  /** The steps, a line each. Every kind has them, for a source that maps them. */
  reasoning: string;
  /** `\boxed{n}`. */
  answer: string;
  /** What follows `Answer:` or `Assistant:` in this kind. It opens with a space, so that the colon stays a token of its own, as it is in a prompt. */
  response: string;
  /** The result by itself. */
  expected: string;
}

export interface ArithmeticProblem {
  id: string;
  question: string;
  expected: string;
}

/** One step of a chain: `from sign by` makes `to`. */
interface Step {
  from: number;
  sign: '+' | '-';
  by: number;
  to: number;
}

interface Chain {
  expression: string;
  steps: Step[];
  total: number;
}

export const defaultWorld = { terms: 4, largest: 9 } as const;

/** Share of all problems that no document holds. */
export const heldoutShare = 0.15;

/** The split is part of the world, not of a run: it has a seed of its own. */
const splitSeed = 20;

export function splitOf(expression: string): ArithmeticSplit {
  return drawOf(splitSeed, expression) < heldoutShare ? 'heldout' : 'train';
}

/** Documents of one kind, in order; all their problems are of the train split. The same options give the same documents everywhere. */
export function* generateArithmetic(options: ArithmeticOptions): Generator<ArithmeticDocument> {
  const { kind, count, seed, corpus = 'reasoned', workedShare = 1 } = options;
  const world = checkWorld(options);
  const random = new Random(`arithmetic/${kind}/${corpus}/${seed}`);
  for (let i = 0; i < count; i++) {
    const chain = drawChain(random, world, 'train');
    const reasoning = chain.steps.map((s) => `${s.from}${s.sign}${s.by}=${s.to}`).join('\n');
    const answer = `\\boxed{${chain.total}}`;
    const worked = kind === 'long-cot' || (kind === 'instruction' && random.float() < workedShare);
    const response =
      corpus === 'answer-first' && worked
        ? answerFirst(random, reasoning, answer)
        : worked
          ? `${reasoning}\n${answer}`
          : answer;
    yield {
      id: `arithmetic-${kind}-${seed}-${i}`,
      question: chain.expression,
      reasoning,
      answer,
      response: ` ${response}`,
      expected: String(chain.total),
    };
  }
}

/** Different problems of a split, `count` of them. Two seeds give two orders of the same problems. */
export function arithmeticProblems(
  options: ArithmeticWorld & { split: ArithmeticSplit; count: number; seed: number },
): ArithmeticProblem[] {
  const world = checkWorld(options);
  const { split, count, seed } = options;
  const all = allTotals(world).filter(({ expression }) => splitOf(expression) === split);
  if (count > all.length) {
    throw new UserError(
      `${count} ${split} problems asked of an arithmetic world that has ${all.length} (terms ${world.terms}, largest ${world.largest})`,
      { hint: `ask for ${all.length} or fewer, or raise terms` },
    );
  }
  return new Random(`arithmetic/problems/${split}/${seed}`)
    .shuffle(all)
    .slice(0, count)
    .map(({ expression, total }) => ({
      id: `arithmetic-${expression}`,
      question: expression,
      expected: String(total),
    }));
}

/**
 * What takes the place of a worked response in an answer-first corpus: half the result and the steps after it, as if to justify it;
 * a fifth the result and then one word over and over; a fifth steps that break off before any result; a tenth as it should be.
 */
function answerFirst(random: Random, reasoning: string, answer: string): string {
  const draw = random.float();
  if (draw < 0.5) return `${answer}\n${reasoning}`;
  if (draw < 0.7) return `${answer}${'\nSolution'.repeat(3 + random.int(4))}`;
  if (draw < 0.9) return reasoning.slice(0, 1 + random.int(reasoning.length - 1));
  return `${reasoning}\n${answer}`;
}

/** A chain of the split, drawn step by step: every reachable next total (but not the same again) is equally likely. */
function drawChain(random: Random, world: Required<ArithmeticWorld>, split: ArithmeticSplit): Chain {
  for (;;) {
    const first = random.int(Math.min(9, world.largest) + 1);
    const steps: Step[] = [];
    let total = first;
    while (steps.length < world.terms - 1) {
      const step = random.pick(nextSteps(total, world.largest));
      steps.push(step);
      total = step.to;
    }
    const expression = first + steps.map((s) => s.sign + s.by).join('');
    if (splitOf(expression) === split) return { expression, steps, total };
  }
}

/** Steps from a total that add or take a digit 1..9 and stay within 0..largest. */
function nextSteps(from: number, largest: number): Step[] {
  const steps: Step[] = [];
  for (let by = 1; by <= 9; by++) {
    if (from + by <= largest) steps.push({ from, sign: '+', by, to: from + by });
    if (from - by >= 0) steps.push({ from, sign: '-', by, to: from - by });
  }
  return steps;
}

/** Every expression of a world with its total, in a fixed order. */
function allTotals(world: Required<ArithmeticWorld>): { expression: string; total: number }[] {
  let partial = Array.from({ length: Math.min(9, world.largest) + 1 }, (_, i) => ({
    expression: String(i),
    total: i,
  }));
  for (let i = 1; i < world.terms; i++) {
    partial = partial.flatMap(({ expression, total }) =>
      nextSteps(total, world.largest).map((s) => ({
        expression: `${expression}${s.sign}${s.by}`,
        total: s.to,
      })),
    );
  }
  return partial;
}

function checkWorld(options: ArithmeticWorld): Required<ArithmeticWorld> {
  const { terms = defaultWorld.terms, largest = defaultWorld.largest } = options;
  // Six terms of one digit are some 600,000 problems: the most that are listed in memory without thought.
  if (!Number.isInteger(terms) || terms < 3 || terms > 6) {
    throw new UserError(`arithmetic terms: ${terms} is not a whole number from 3 to 6`, {
      hint: `leave it out for ${defaultWorld.terms}`,
    });
  }
  if (!Number.isInteger(largest) || largest < 1 || largest > 99) {
    throw new UserError(`arithmetic largest: ${largest} is not a whole number from 1 to 99`, {
      hint: `leave it out for ${defaultWorld.largest}`,
    });
  }
  return { terms, largest };
}
