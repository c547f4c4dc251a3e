/**
 * The figures of one benchmark from its graded problems. Pure, so that a folder of parts can be summarised again.
 *
 * Accuracy is the share of right samples. With one sample a problem its interval is Wilson's; with several, samples of a problem are not
 * independent and the interval is a bootstrap over problems, as are those of pass@k (unbiased, Chen et al. 2021, arXiv 2107.03374) and maj@k.
 * Where every problem counts 0 or 1 (pass@n of n samples) the interval is Wilson's again: resampling problems that are all right gives no width.
 */

import { bootstrapMeans } from '../../src/core/bootstrap.ts';
import { passAtK, wilsonInterval } from './accuracy.ts';
import type { GradedProblem } from './graded-problem.ts';
import { answerClasses, majorityAtK } from './majority.ts';

/** A share with its 95 % interval. */
export interface Share {
  value: number;
  low: number;
  high: number;
}

export interface GroupShare extends Share {
  name: string;
  problems: number;
}

export interface Summary {
  problems: number;
  samples: number;
  accuracy: Share;
  /** Unbiased pass@k and maj@k by k, where there are several samples. */
  passAt: Record<string, Share>;
  majAt: Record<string, Share>;
  bySubject: GroupShare[];
  byLevel: GroupShare[];
  /** Tokens a completion: of all, and of the right ones (null where none is right). */
  meanLength: number;
  meanCorrectLength: number | null;
  /** Shares of samples that hit the length limit, and that hold no answer. */
  truncated: number;
  noAnswer: number;
  /** Samples that could not be graded; they count as not right. */
  ungraded: number;
}

export interface SummaryOptions {
  /** The ks of pass@k and maj@k; by default 1, 2, 4 ... up to the samples. */
  ks?: readonly number[];
  seed: number;
  resamples?: number;
  equal: (a: string, b: string) => boolean;
}

/** 1, 2, 4, ... and the number of samples itself. */
export function defaultKs(samples: number): number[] {
  const ks: number[] = [];
  for (let k = 1; k < samples; k *= 2) ks.push(k);
  return [...ks, samples];
}

export function summarise(problems: readonly GradedProblem[], options: SummaryOptions): Summary {
  const samples = problems[0]?.correct.length ?? 0;
  const ks = (options.ks ?? defaultKs(samples)).filter((k) => k <= samples);
  const hits = problems.map(rightSamples);
  const shares = hits.map((right) => right / samples);
  const pass = ks.map((k) => hits.map((right) => passAtK(samples, right, k)));
  const maj = ks.map((k) => problems.map((problem) => voteOf(problem, k, options)));
  const several = samples > 1;
  const [accuracy, ...intervals] = intervalsOf(several ? [shares, ...pass, ...maj] : [shares], options);
  const byK = (columns: readonly number[][], first: number): Record<string, Share> =>
    several
      ? Object.fromEntries(ks.map((k, i) => [String(k), shareOf(mean(columns[i]!), intervals[first + i]!)]))
      : {};
  const all = problems.flatMap(({ lengths }) => lengths);
  const rightLengths = problems.flatMap(({ lengths, correct }) =>
    lengths.filter((_, i) => correct[i] === true),
  );
  const total = problems.length * samples;
  const countIn = (test: (problem: GradedProblem, sample: number) => boolean): number =>
    problems.reduce((n, problem) => n + problem.correct.filter((_, i) => test(problem, i)).length, 0);
  return {
    problems: problems.length,
    samples,
    accuracy: shareOf(mean(shares), accuracy!),
    passAt: byK(pass, 0),
    majAt: byK(maj, ks.length),
    bySubject: groupsOf(problems, ({ subject }) => subject, options),
    byLevel: groupsOf(problems, ({ level }) => level, options),
    meanLength: mean(all),
    meanCorrectLength: rightLengths.length === 0 ? null : mean(rightLengths),
    truncated: countIn(({ truncated }, i) => truncated[i] === true) / total,
    noAnswer: countIn(({ answers }, i) => answers[i] === null) / total,
    ungraded: countIn(({ correct }, i) => correct[i] === null),
  };
}

export function rightSamples({ correct }: GradedProblem): number {
  return correct.filter((right) => right === true).length;
}

function voteOf(problem: GradedProblem, k: number, { seed, equal }: SummaryOptions): number {
  if (problem.correct.length === 1) return rightSamples(problem);
  const classes = answerClasses(problem.answers, problem.correct, equal);
  return majorityAtK(classes, problem.correct, k, `${seed}/${problem.id}`);
}

/** Accuracy by a column, where there are at least two values of it; at most 200 groups, those of most problems. Ordered by name, numbers by size. */
function groupsOf(
  problems: readonly GradedProblem[],
  nameOf: (problem: GradedProblem) => string | null,
  options: SummaryOptions,
): GroupShare[] {
  const groups = new Map<string, GradedProblem[]>();
  for (const problem of problems) {
    const name = nameOf(problem);
    if (name === null) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [problem]);
    else group.push(problem);
  }
  if (groups.size < 2) return [];
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, 200)
    .sort(([a], [b]) => Number(a) - Number(b) || (a < b ? -1 : 1))
    .map(([name, members]) => {
      const samples = members[0]!.correct.length;
      const hits = members.map(rightSamples);
      const seed = `${options.seed}/${name}`;
      const [interval] = intervalsOf([hits.map((right) => right / samples)], { ...options, seed });
      return {
        name,
        problems: members.length,
        ...shareOf(sumOf(hits) / (members.length * samples), interval!),
      };
    });
}

/** Wilson's of a column of 0 and 1, else the bootstrap's. */
function intervalsOf(
  columns: readonly (readonly number[])[],
  options: { seed: number | string; resamples?: number },
): [number, number][] {
  const drawn = columns.every(isBinary) ? [] : bootstrapMeans(columns, options);
  return columns.map((column, i) =>
    isBinary(column) ? wilsonInterval(sumOf(column), column.length) : drawn[i]!,
  );
}

function isBinary(values: readonly number[]): boolean {
  return values.every((value) => value === 0 || value === 1);
}

function shareOf(value: number, [low, high]: readonly [number, number]): Share {
  return { value, low, high };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : sumOf(values) / values.length;
}
