/** Two evaluations compared, benchmark by benchmark: from their folders, or as they are in memory. */
import { UserError } from '../../src/core/errors.ts';
import { type Comparison, compareGraded } from './compare.ts';
import type { GradedProblem } from './graded-problem.ts';
import { readEvaluation } from './read-evaluation.ts';
import { differentSettings } from './resume.ts';

export interface SetComparisons {
  benchmarks: Record<string, Comparison>;
  /** Benchmarks that only one of the two has. */
  onlyFirst: string[];
  onlySecond: string[];
  /** What the two were made with that is not the same, beside the model: the difference is then not the model's alone. */
  settings?: string[];
}

/** Throws a `UserError` where a folder is none of `midtrain eval --out`, or the two have no benchmark in common. */
export async function compareFolders(first: string, second: string, seed: number): Promise<SetComparisons> {
  const [a, b] = [await readEvaluation(first), await readEvaluation(second)];
  const compared = compareResults(Object.fromEntries(a), Object.fromEntries(b), seed);
  if (Object.keys(compared.benchmarks).length === 0) {
    throw new UserError(
      `the two evaluations have no problem in common: ${[...a.keys()].join(', ')} in ${first}, ${[...b.keys()].join(', ')} in ${second}`,
      { hint: 'evaluate both models on the same problem sets' },
    );
  }
  return { ...compared, settings: differentSettings(first, second) };
}

type Graded = Readonly<Record<string, readonly GradedProblem[]>>;

export function compareResults(first: Graded, second: Graded, seed: number): SetComparisons {
  const benchmarks: Record<string, Comparison> = {};
  for (const [name, graded] of Object.entries(first)) {
    const other = second[name];
    if (other === undefined) continue;
    const compared = compareGraded(graded, other, { seed });
    if (compared.problems > 0) benchmarks[name] = compared;
  }
  return {
    benchmarks,
    onlyFirst: Object.keys(first).filter((name) => benchmarks[name] === undefined),
    onlySecond: Object.keys(second).filter((name) => benchmarks[name] === undefined),
  };
}
