/**
 * Problems to scored samples: fills the template, generates on the device, cuts at stop strings, scores. Seeds come from (run seed, what for,
 * problem, sample), so a sample does not depend on the batch it is drawn in.
 */
import { hash32 } from '../../src/core/random.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { encodePrompt } from '../prompts/encode-prompt.ts';
import type { PromptTemplate } from '../prompts/templates.ts';
import type { Reward } from '../rewards/reward.ts';
import type { Sampler } from '../sampler/sampler.ts';
import type { SamplingParams } from '../sampler/sampling.ts';
import { cutAtStop, stopWatch } from '../sampler/token-text.ts';
import type { RewardFailures } from './reward-failures.ts';

export interface Rollout {
  problem: Problem;
  /** The text the model saw. */
  prompt: string;
  promptTokens: readonly number[];
  /** Completion tokens, the end-of-text token included when it was drawn. */
  tokens: readonly number[];
  logps: readonly number[];
  completion: string;
  truncated: boolean;
  /** Null: could not be scored (trainer/rewards/reward.ts). */
  reward: number | null;
  correct: boolean | null;
  answer: string | undefined;
  /** Unweighted values of the reward's parts. */
  components: Readonly<Record<string, number | null>>;
}

export interface RolloutSettings {
  sampler: Sampler;
  tokenizer: Tokenizer;
  template: PromptTemplate;
  reward: Reward;
  stopStrings: readonly string[];
  /** Other than the sampler's temperature and no cuts. */
  sampling?: Partial<SamplingParams>;
  /** Token put before the prompt, as documents begin in training. */
  prefix: number | undefined;
  /** Tokens that end a sample. */
  endTokens: readonly number[];
  seed: number;
  /** Counts the parts of the reward that fail for a batch. */
  failures?: RewardFailures;
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
  const encoded = problems.map((problem) => encodePrompt(settings, problem));
  const prompts = encoded.map(({ tokens }) => tokens);
  const requests = problems.flatMap((problem, prompt) =>
    Array.from({ length: samples }, (_, i) => ({
      prompt,
      seed: hash32(`${settings.seed}/${purpose}/${problem.id}/${i}`),
    })),
  );
  const drawn = await sampler.generate(prompts, requests, {
    maxTokens,
    endTokens: settings.endTokens,
    ...(settings.sampling && { sampling: settings.sampling }),
    ...(stopStrings.length > 0 && { watch: () => stopWatch(tokenizer, stopStrings) }),
    ...(signal && { signal }),
  });
  const finished = drawn.map((sample) => {
    const problem = problems[sample.prompt]!;
    const { tokens, logps, truncated } = sample;
    const completion = cutAtStop(tokenizer.decode(tokens, { special: false }), stopStrings);
    return {
      problem,
      prompt: encoded[sample.prompt]!.text,
      promptTokens: prompts[sample.prompt]!,
      tokens,
      logps,
      completion,
      truncated,
    };
  });
  const scores = await reward.score(
    finished.map(({ problem, prompt, tokens, completion, truncated }) => ({
      question: problem.question,
      prompt,
      completion,
      expected: problem.expected,
      truncated,
      completionTokens: tokens.length,
      completionIds: tokens,
      ...(problem.choices && { choices: problem.choices }),
      row: problem.row,
    })),
    signal,
  );
  for (const [part, why] of Object.entries(scores.failures ?? {}))
    settings.failures?.note(part, why, scores.timedOut?.includes(part) ?? false);
  return finished.map((sample, i) => ({
    ...sample,
    reward: scores.reward[i]!,
    correct: scores.correct[i]!,
    answer: scores.answers[i],
    components: Object.fromEntries(
      Object.entries(scores.components).map(([name, values]) => [name, values[i]!]),
    ),
  }));
}

export function promptTokens(
  settings: Pick<RolloutSettings, 'tokenizer' | 'template' | 'prefix'>,
  problem: Problem,
): number[] {
  return encodePrompt(settings, problem).tokens;
}
