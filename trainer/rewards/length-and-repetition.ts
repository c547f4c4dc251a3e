/**
 * Penalties for text that runs on: repeated n-grams (Yeo et al. 2025, arXiv 2502.03373, appendix C.2) and DAPO's soft overlong punishment
 * (arXiv 2503.14476, equation 13). Names and values are TRL's (trl/rewards/other_rewards.py).
 */
import { z } from 'zod';
import type { RewardInput, RewardPart } from './reward.ts';

export const repetitionOptions = z.strictObject({
  ngram_size: z.int().positive().default(3),
  /** Reward of a completion that is nothing but repetition. */
  max_penalty: z.number().max(0).default(-1),
  /** Language of the words when token ids are not at hand; only `zh` changes how text is cut. */
  language: z.string().default('en'),
});

/** max_penalty times the share of n-grams that repeat an earlier one. */
export function repetitionPenaltyReward(options: z.input<typeof repetitionOptions> = {}): RewardPart {
  const settings = repetitionOptions.parse(options);
  return {
    name: 'repetition_penalty_reward',
    score: (batch) => ({
      values: batch.map((input) => {
        const tokens = input.completionIds ?? wordsOf(input, settings.language);
        const total = tokens.length - settings.ngram_size + 1;
        if (total < 1) return 0;
        const different = new Set<string>();
        for (let i = 0; i < total; i++)
          different.add(tokens.slice(i, i + settings.ngram_size).join('\u0001'));
        const repeated = 1 - different.size / total;
        return repeated === 0 ? 0 : repeated * settings.max_penalty;
      }),
    }),
  };
}

function wordsOf(input: RewardInput, language: string): string[] {
  const text = input.completion.toLowerCase();
  if (language !== 'zh') return text.split(/\s+/).filter((word) => word !== '');
  return [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)]
    .map(({ segment }) => segment)
    .filter((word) => word.trim() !== '');
}

export const softOverlongOptions = z
  .strictObject({
    max_completion_len: z.int().positive(),
    /** Tokens before max_completion_len over which the punishment grows from 0 to -1. */
    soft_punish_cache: z.int().min(0),
  })
  .refine(
    (options) => options.soft_punish_cache <= options.max_completion_len,
    'soft_punish_cache is above max_completion_len',
  );

/** 0 up to max_completion_len - soft_punish_cache tokens, then falling in a line to -1 at max_completion_len and beyond. */
export function softOverlongPunishment(options: z.input<typeof softOverlongOptions>): RewardPart {
  const { max_completion_len: longest, soft_punish_cache: cache } = softOverlongOptions.parse(options);
  return {
    name: 'soft_overlong_punishment',
    score: (batch) => ({
      values: batch.map(({ completionTokens: length }) => {
        if (length <= longest - cache) return 0;
        return length <= longest ? (longest - cache - length) / cache : -1;
      }),
    }),
  };
}
