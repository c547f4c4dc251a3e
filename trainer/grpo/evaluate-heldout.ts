/**
 * Accuracy and lengths on the held-out problem sets of a GRPO run, one draw a problem, always with the same seeds (so changes are paired).
 * Names are `eval_<set>_...`, as the Hugging Face Trainer names several sets; the first set also stands under the plain `eval_...` that curves,
 * reports and signatures follow. Prompts of another template than the run's are told apart by `eval_<set>@<template>_...`.
 */
import { wilsonInterval } from '../evaluation/accuracy.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { meanAndStd } from './advantage.ts';
import { type Rollout, type RolloutSettings, rollOut } from './rollout.ts';

export interface Benchmark {
  /** As in metric names; empty for the only set of a config that gives one path. */
  name: string;
  /** The set asked with another prompt than that of the run: its template's name. */
  label?: string | undefined;
  problems: readonly Problem[];
  settings: RolloutSettings;
}

export interface HeldoutEvaluation {
  /** 1 or 0 for each problem of the first set. */
  correct: number[];
  metrics: Record<string, number>;
}

export async function evaluateHeldout(
  benchmarks: readonly Benchmark[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<HeldoutEvaluation> {
  const metrics: Record<string, number> = {};
  let first: number[] | undefined;
  for (const { name, label, problems, settings } of benchmarks) {
    const drawn = await rollOut(settings, problems, 1, maxTokens, 'eval', signal);
    const measured = evaluationMetrics(drawn);
    const prefixes = label === undefined && first === undefined ? [''] : [];
    if (name !== '' || label !== undefined)
      prefixes.push(`${name}${label === undefined ? '' : `@${label}`}_`);
    for (const prefix of prefixes)
      for (const [key, value] of Object.entries(measured)) metrics[`eval_${prefix}${key}`] = value;
    if (label === undefined) first ??= drawn.map((r) => (r.correct ? 1 : 0));
  }
  return { correct: first ?? [], metrics };
}

/** Accuracy with Wilson's interval, and lengths in tokens of all responses and of the correct ones, as the paper's curves have them. */
export function evaluationMetrics(drawn: readonly Rollout[]): Record<string, number> {
  const right = drawn.filter((r) => r.correct);
  const [low, high] = wilsonInterval(right.length, drawn.length);
  const unscored = drawn.filter((r) => r.correct === null).length;
  const meanLength = (of: readonly Rollout[]) => meanAndStd(of.map((r) => r.tokens.length)).mean;
  return {
    accuracy: right.length / drawn.length,
    accuracy_low: low,
    accuracy_high: high,
    'completions/mean_length': meanLength(drawn),
    ...(right.length > 0 ? { 'completions/mean_correct_length': meanLength(right) } : {}),
    'completions/clipped_ratio': drawn.filter((r) => r.truncated).length / drawn.length,
    ...(unscored > 0 ? { unscored } : {}),
  };
}
