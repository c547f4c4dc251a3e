/**
 * Two evaluations of the same problems, problem by problem. Pure.
 *
 * With one sample a problem: which flipped, and McNemar's exact test of the flips (mid-p beside it). With any number: the difference of the shares
 * of right samples with a paired bootstrap interval over problems. Problems are matched by id and must be the same problem: same question and
 * same reference answer.
 */
import { bootstrapMeans } from '../../src/core/bootstrap.ts';
import type { GradedProblem } from './graded-problem.ts';
import { type McNemar, mcNemar } from './mcnemar.ts';
import { rightSamples, type Share } from './summarise.ts';

export interface Comparison {
  /** Problems that both have. */
  problems: number;
  first: number;
  second: number;
  /** second - first over those problems. */
  difference: Share;
  /** With one sample on either side. */
  mcnemar?: McNemar;
  /** Ids that only the second, and only the first has right (with several samples: more than half of them). */
  gained: string[];
  lost: string[];
  /** Problems that one side alone has, and ids under which the two have different problems. */
  onlyFirst: string[];
  onlySecond: string[];
  different: string[];
}

export function compareGraded(
  first: readonly GradedProblem[],
  second: readonly GradedProblem[],
  options: { seed: number; resamples?: number },
): Comparison {
  const others = new Map(second.map((problem) => [problem.id, problem]));
  const own = new Set(first.map(({ id }) => id));
  const pairs: [GradedProblem, GradedProblem][] = [];
  const different: string[] = [];
  for (const problem of first) {
    const other = others.get(problem.id);
    if (other === undefined) continue;
    if (other.question !== problem.question || other.expected !== problem.expected)
      different.push(problem.id);
    else pairs.push([problem, other]);
  }
  const shares = (side: 0 | 1): number[] =>
    pairs.map((pair) => rightSamples(pair[side]) / pair[side].correct.length);
  const [before, after] = [shares(0), shares(1)];
  const change = after.map((share, i) => share - before[i]!);
  const [interval] = bootstrapMeans([change], options);
  const flips = (from: readonly number[], to: readonly number[]): string[] =>
    pairs.flatMap(([{ id }], i) => (from[i]! <= 0.5 && to[i]! > 0.5 ? [id] : []));
  const gained = flips(before, after);
  const lost = flips(after, before);
  const single = pairs.every(([a, b]) => a.correct.length === 1 && b.correct.length === 1);
  return {
    problems: pairs.length,
    first: mean(before),
    second: mean(after),
    difference: { value: mean(change), low: interval![0], high: interval![1] },
    ...(single && pairs.length > 0 ? { mcnemar: mcNemar(lost.length, gained.length) } : {}),
    gained,
    lost,
    onlyFirst: first.filter(({ id }) => !others.has(id)).map(({ id }) => id),
    onlySecond: second.filter(({ id }) => !own.has(id)).map(({ id }) => id),
    different,
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((a, b) => a + b, 0) / values.length;
}
