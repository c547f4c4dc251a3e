/** What `midtrain eval` tells: the plan, the figures of a model, and a comparison, for people and as JSON. */

import type { SetComparisons } from '../../trainer/evaluation/compare-folders.ts';
import type { BenchmarkResult, EvaluationResult } from '../../trainer/evaluation/evaluate-problems.ts';
import type { EvaluationPlan } from '../../trainer/evaluation/plan-evaluation.ts';
import type { Share } from '../../trainer/evaluation/summarise.ts';
import { printable } from '../core/printable.ts';
import { percent, textOf } from './write-result.ts';

export function planFacts({ model, sets, request, warnings }: EvaluationPlan): Record<string, unknown> {
  return {
    model,
    mode: request.mode,
    samples: request.samples,
    benchmarks: sets.map(({ name, set, template, extract, longestPrompt, perPart }) => ({
      name,
      paths: set.paths,
      problems: set.problems.length,
      left_out: set.leftOut,
      template: template.name,
      few_shot: template.shots?.n ?? 0,
      extract,
      longest_prompt: longestPrompt,
      parts: Math.ceil(set.problems.length / perPart),
    })),
    warnings,
  };
}

export function planText({ model, modelConfig, sets, request, warnings }: EvaluationPlan): string {
  const { mode, samples, sampling, maxTokens } = request;
  const drawing =
    mode === 'choices'
      ? `the likeliest choice, by ${request.choiceScore}`
      : `${sampling.temperature === 0 ? 'greedy' : `${samples} samples a problem at temperature ${sampling.temperature}`}, at most ${maxTokens} tokens`;
  return textOf([
    `model      ${model} (context ${modelConfig.maxPositions})`,
    `answers    ${drawing}`,
    ...sets.flatMap(({ name, set, template, extract, longestPrompt, perPart }) => [
      `${name}: ${set.problems.length} problems${set.leftOut > 0 ? ` (${set.leftOut} left out)` : ''} in ${Math.ceil(set.problems.length / perPart)} parts`,
      `  from     ${set.paths.join(', ')}`,
      `  prompt   ${template.name}, ${template.shots === undefined ? 'no examples' : `${template.shots.n} examples (${template.shots.name})`}, longest ${longestPrompt} tokens`,
      `  answer   ${mode === 'choices' ? 'a letter' : extract}`,
    ]),
    ...warnings.map((warning) => `warning: ${warning}`),
  ]);
}

export function resultFacts(result: EvaluationResult): Record<string, unknown> {
  const { model, out, benchmarks, macroAverage, macroAverageInterval, graded, warnings } = result;
  return {
    model,
    ...(out === undefined ? {} : { out }),
    benchmarks: benchmarks.map((benchmark) => ({
      ...benchmark,
      answers: graded[benchmark.name]!.map(({ id, answers, expected, correct }) => ({
        id,
        answers,
        expected,
        correct,
      })),
    })),
    ...(macroAverage === undefined ? {} : { macroAverage, macroAverageInterval }),
    warnings,
  };
}

/** Names of groups are cut at this many characters. */
const longestGroup = 32;

export function resultText({
  model,
  out,
  benchmarks,
  macroAverage,
  macroAverageInterval,
}: EvaluationResult): string {
  const groups = benchmarks.flatMap(({ bySubject, byLevel }) => [
    ...bySubject.map(({ name }) => Math.min(longestGroup, 'subject '.length + name.length)),
    ...byLevel.map(({ name }) => Math.min(longestGroup, 'level '.length + name.length)),
  ]);
  const width = Math.max(13, ...benchmarks.map(({ name }) => name.length), ...groups.map((of) => of + 2));
  const lines = [
    model,
    `${'benchmark'.padEnd(width)}  problems  accuracy      95 % interval  tokens  cut off  no answer`,
    ...benchmarks.flatMap((benchmark) => benchmarkLines(benchmark, width)),
  ];
  if (macroAverage !== undefined) {
    const [low, high] = macroAverageInterval ?? [Number.NaN, Number.NaN];
    lines.push(
      `${'macro average'.padEnd(width)}  ${''.padStart(8)}  ${percent(macroAverage).padStart(8)}  ${interval({ value: macroAverage, low, high }).padStart(17)}`,
    );
  }
  for (const { name, noAnswer, extract } of benchmarks) {
    if (noAnswer > 0.5 && extract !== 'auto')
      lines.push(
        `${name}: ${percent(noAnswer)} of the completions hold no answer of the form "${extract}"; --extract auto takes other forms too`,
      );
  }
  if (out !== undefined) lines.push(`texts and verdicts: ${out}`);
  return printable(textOf(lines));
}

function benchmarkLines(benchmark: BenchmarkResult, width: number): string[] {
  const {
    name,
    problems,
    samples,
    accuracy,
    meanLength,
    truncated,
    noAnswer,
    passAt,
    majAt,
    bySubject,
    byLevel,
    ungraded,
  } = benchmark;
  const cells = [
    name.padEnd(width),
    String(problems).padStart(8),
    percent(accuracy.value).padStart(8),
    interval(accuracy).padStart(17),
    meanLength.toFixed(1).padStart(6),
    percent(truncated).padStart(7),
    percent(noAnswer).padStart(9),
  ];
  const atK = (what: string, shares: Readonly<Record<string, Share>>): string[] =>
    Object.entries(shares).map(
      ([k, share]) =>
        `  ${`${what}@${k}`.padEnd(width + 8)}  ${percent(share.value).padStart(8)}${interval(share).padStart(19)}`,
    );
  const groups = (what: string, of: typeof bySubject): string[] =>
    of.map(
      (group) =>
        `  ${`${what} ${group.name}`.slice(0, width - 2).padEnd(width - 2)}${String(group.problems).padStart(10)}  ${percent(group.value).padStart(8)}${interval(group).padStart(19)}`,
    );
  return [
    cells.join('  '),
    ...(samples > 1 ? [`  ${samples} samples a problem`] : []),
    ...atK('pass', passAt),
    ...atK('maj', majAt),
    ...groups('level', byLevel),
    ...groups('subject', bySubject),
    ...(ungraded > 0 ? [`  ${ungraded} samples could not be graded`] : []),
  ];
}

function interval({ low, high }: Share): string {
  return `${percent(low)} to ${percent(high)}`;
}

/** Ids that are listed at most. */
const mostIds = 12;

export function comparisonText(
  first: string,
  second: string,
  { benchmarks, onlyFirst, onlySecond, settings = [] }: SetComparisons,
): string {
  const lines = [`${first} -> ${second}`, ...settings.map((setting) => `made differently: ${setting}`)];
  for (const [name, compared] of Object.entries(benchmarks)) {
    const { difference, mcnemar, gained, lost } = compared;
    lines.push(
      `${name}: ${percent(compared.first)} -> ${percent(compared.second)} on ${compared.problems} problems; difference ${percent(difference.value)} (95 % interval ${interval(difference)}, paired bootstrap)`,
      ...(mcnemar === undefined
        ? []
        : [`  McNemar exact p ${pValue(mcnemar.exact)} (mid-p ${pValue(mcnemar.midP)})`]),
      `  gained ${gained.length}${mcnemar === undefined ? ' (now more than half of the samples right)' : ''}${idList(gained)}`,
      `  lost ${lost.length}${idList(lost)}`,
    );
    const { onlyFirst: before, onlySecond: after, different } = compared;
    if (before.length + after.length > 0)
      lines.push(`  ${before.length} problems only the first has, ${after.length} only the second; left out`);
    if (different.length > 0)
      lines.push(
        `  ${different.length} ids name different problems in the two; left out${idList(different)}`,
      );
  }
  for (const [names, which] of [
    [onlyFirst, 'first'],
    [onlySecond, 'second'],
  ] as const)
    if (names.length > 0) lines.push(`only the ${which} has ${names.join(', ')}`);
  return printable(textOf(lines));
}

function idList(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  return `: ${ids.slice(0, mostIds).join(', ')}${ids.length > mostIds ? ` and ${ids.length - mostIds} more (--json lists them)` : ''}`;
}

function pValue(p: number): string {
  return p >= 0.0001 ? p.toFixed(4) : p.toExponential(1);
}
