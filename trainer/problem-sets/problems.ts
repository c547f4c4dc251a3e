/**
 * Problems with a known answer, for RL and evaluation, and the order in which RL walks through them. Reading is trainer/problem-sets; it takes
 * JSONL, JSON, Parquet (verl's too), Arrow, patterns, `hf://` and the names of data cards.
 */
import { Random } from '../../src/core/random.ts';
import { type LoadOptions, loadProblemSet } from './load-problem-set.ts';
import type { Problem } from './problem.ts';
import type { Problems } from './selection.ts';

export type { Problem } from './problem.ts';

/** The problems of a file, a pattern, a data card by its name, or a selection of one of these. Never empty. */
export async function readProblems(problems: Problems, options: LoadOptions = {}): Promise<Problem[]> {
  return (await loadProblemSet(problems, options)).problems;
}

/** Problem number `n` (0, 1, 2, ...) of an endless walk: every epoch is a fresh seeded order of all problems. */
export class ProblemOrder {
  private readonly count: number;
  private readonly seed: number;
  private epoch = -1;
  private order = new Uint32Array();

  constructor(count: number, seed: number) {
    this.count = count;
    this.seed = seed;
  }

  at(n: number): number {
    const epoch = Math.floor(n / this.count);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.order = new Random(`${this.seed}/problems/${epoch}`).shuffle(
        Uint32Array.from({ length: this.count }, (_, i) => i),
      );
    }
    return this.order[n % this.count]!;
  }
}
