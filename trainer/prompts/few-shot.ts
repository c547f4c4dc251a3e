/**
 * Which worked examples go in front of a problem: the first n of a set of our own, or n drawn with a seed from a file with solutions (a training
 * part). The draw is one order for the whole run; a problem takes the first n of it that are not the problem itself, so an example never
 * gives away its own answer. Two questions are the same when their letters and digits are.
 */
import { UserError } from '../../src/core/errors.ts';
import { type ExemplarSet, exemplarSets } from '../../src/core/evaluation.ts';
import { Random } from '../../src/core/random.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { type Exemplar, exemplars } from './exemplars.ts';

export interface FewShot {
  n: number;
  /** For people and run.json: `gsm`, or the file. */
  name: string;
  /** In the order they are taken. */
  pool: readonly Exemplar[];
}

/** The first n examples of a set of our own. Throws where it has fewer. */
export function builtInShots(set: ExemplarSet, n: number): FewShot {
  const pool = exemplars[set];
  if (pool === undefined) {
    throw new UserError(`no set of examples "${String(set)}"`, { hint: `use ${exemplarSets.join(', ')}` });
  }
  if (n > pool.length) {
    throw new UserError(`few-shot ${n}: the set ${set} has ${pool.length} examples`, {
      hint: `use at most ${pool.length}, or draw examples from a file of problems with solutions`,
    });
  }
  return { n, name: set, pool };
}

/** n examples of a file's problems, in an order that the seed decides. A problem without a worked solution is no example. */
export function drawnShots(problems: readonly Problem[], n: number, seed: number, name: string): FewShot {
  const usable = problems.filter(({ solution }) => solution !== undefined && solution.trim() !== '');
  // One more than asked for, so that a problem that is among them can be passed over.
  if (usable.length <= n) {
    throw new UserError(
      `${name}: ${usable.length} of its ${problems.length} problems have a worked solution; ${n} examples need ${n + 1}`,
      {
        hint: 'name a file with solutions (GSM8K train, MATH train), or ask for fewer examples',
      },
    );
  }
  const order = new Random(`${seed}/few-shot`).shuffle([...usable]);
  return {
    n,
    name,
    // Enough that every problem finds n of them.
    pool: order
      .slice(0, n * 2 + 8)
      .map(({ question, solution }) => ({ question, solution: solution!.trim() })),
  };
}

/** The examples of one problem. */
export function shotsFor(shots: FewShot | undefined, question: string): readonly Exemplar[] {
  if (shots === undefined || shots.n === 0) return [];
  const own = fold(question);
  return shots.pool.filter((shot) => fold(shot.question) !== own).slice(0, shots.n);
}

function fold(question: string): string {
  return question.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}
