/**
 * Problems to scored samples: fills the template, generates on the device, cuts at stop strings, scores. Seeds come from (run seed, what for,
 * problem, sample), so a sample does not depend on the batch it is drawn in.
 */
import { hash32 } from '../src/core/random.ts';
import type { Tokenizer } from '../src/tokens/tokenizer.ts';
import { fillTemplate, type PromptTemplate } from './grpo/templates.ts';
import type { Problem } from './problems.ts';
import type { Reward, RewardResult } from './rewards/reward.ts';
import type { Sampler } from './sampler.ts';

export interface Rollout extends RewardResult {
  problem: Problem;
  promptTokens: readonly number[];
  /** Completion tokens, the end-of-text token included when it was drawn. */
  tokens: readonly number[];
  logps: readonly number[];
  completion: string;
  truncated: boolean;
}

export interface RolloutSettings {
  sampler: Sampler;
  tokenizer: Tokenizer;
  template: PromptTemplate;
  reward: Reward;
  stopStrings: readonly string[];
  /** Token put before the prompt, as documents begin in training. */
  prefix: number | undefined;
  seed: number;
}

/** Draws `samples` completions of each problem; results lie problem after problem. `purpose` keeps training and evaluation draws apart. */
export async function rollOut(
  settings: RolloutSettings,
  problems: readonly Problem[],
  samples: number,
  maxTokens: number,
  purpose: string,
  signal?: AbortSignal,
): Promise<Rollout[]> {
  const { sampler, tokenizer, reward, stopStrings } = settings;
  const prompts = problems.map((problem) => promptTokens(settings, problem));
  const requests = problems.flatMap((problem, prompt) =>
    Array.from({ length: samples }, (_, i) => ({
      prompt,
      seed: hash32(`${settings.seed}/${purpose}/${problem.id}/${i}`),
    })),
  );
  const textOf = (tokens: readonly number[]) => tokenizer.decode(tokens, { special: false });
  const stopped = (tokens: readonly number[]) => {
    const text = textOf(tokens);
    return stopStrings.some((stop) => text.includes(stop));
  };
  const drawn = await sampler.generate(prompts, requests, {
    maxTokens,
    ...(stopStrings.length > 0 ? { stopped } : {}),
    ...(signal ? { signal } : {}),
  });
  return drawn.map((sample) => {
    const problem = problems[sample.prompt]!;
    const end =
      stopStrings.length > 0 && stopped(sample.tokens)
        ? firstStop(sample.tokens, stopped)
        : sample.tokens.length;
    const tokens = sample.tokens.slice(0, end);
    const truncated = end === sample.tokens.length && sample.truncated;
    const completion = cutAtStop(textOf(tokens), stopStrings);
    const result = reward.score({
      question: problem.question,
      completion,
      expected: problem.expected,
      truncated,
    });
    return {
      ...result,
      problem,
      promptTokens: prompts[sample.prompt]!,
      tokens,
      logps: sample.logps.slice(0, end),
      completion,
      truncated,
    };
  });
}

export function promptTokens(
  settings: Pick<RolloutSettings, 'tokenizer' | 'template' | 'prefix'>,
  problem: Problem,
): number[] {
  const ids = [
    ...settings.tokenizer.encode(fillTemplate(settings.template, problem.question), { special: false }),
  ];
  return settings.prefix === undefined ? ids : [settings.prefix, ...ids];
}

/** The fewest tokens that hold a stop string; the text only grows with tokens, so this can be bisected. */
function firstStop(tokens: readonly number[], stopped: (tokens: readonly number[]) => boolean): number {
  let lo = 1;
  let hi = tokens.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (stopped(tokens.slice(0, mid))) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

function cutAtStop(text: string, stopStrings: readonly string[]): string {
  const at = Math.min(...stopStrings.map((stop) => text.indexOf(stop)).map((i) => (i === -1 ? Infinity : i)));
  return Number.isFinite(at) ? text.slice(0, at) : text;
}
