/**
 * Rewards that ask whether the answer is right. Names and values are TRL's (trl/rewards/accuracy_rewards.py) and open-r1's (rewards.py).
 * A row without a reference answer does not apply: null. What is equal is src/grader's: of a list without brackets the order does not count, of a point
 * or tuple it does.
 */
import { z } from 'zod';
import { extractions } from '../../src/core/evaluation.ts';
import { isMathAnswer } from '../../src/grader/grade-answer.ts';
import { gradeBatch } from './grade.ts';
import type { RewardInput, RewardPart } from './reward.ts';

const extract = z.enum(extractions).default('auto');
const missing = (input: RewardInput): boolean => input.expected.trim() === '';

export const accuracyOptions = z.strictObject({ extract });

/** 1 for a right answer, 0 for a wrong or missing one. */
export function accuracyReward(options: z.input<typeof accuracyOptions> = {}): RewardPart {
  const settings = accuracyOptions.parse(options);
  return {
    name: 'accuracy_reward',
    score: (batch) => {
      const graded = gradeBatch(batch, settings.extract);
      return {
        ...graded,
        values: batch.map((input, i) => (missing(input) ? null : graded.correct[i] ? 1 : 0)),
      };
    },
  };
}

export const reasoningAccuracyOptions = z.strictObject({
  extract,
  /** The answer stands behind the last of these; a completion without one earns 0. */
  reasoning_delimiters: z.array(z.string().min(1)).min(1).default(['</think>']),
});

/** As accuracy_reward, over what follows the reasoning: an unfinished thought is 0, whatever it holds. */
export function reasoningAccuracyReward(options: z.input<typeof reasoningAccuracyOptions> = {}): RewardPart {
  const settings = reasoningAccuracyOptions.parse(options);
  return {
    name: 'reasoning_accuracy_reward',
    score: (batch) => {
      const behind = batch.map((input) => {
        const delimiter = settings.reasoning_delimiters.find((one) => input.completion.includes(one));
        if (delimiter === undefined) return { ...input, completion: '' };
        const at = input.completion.lastIndexOf(delimiter) + delimiter.length;
        return { ...input, completion: input.completion.slice(at) };
      });
      const graded = gradeBatch(behind, settings.extract);
      return {
        ...graded,
        // What is no mathematical answer is not judged, as in TRL.
        values: batch.map((input, i) => (!isMathAnswer(input.expected) ? null : graded.correct[i] ? 1 : 0)),
      };
    },
  };
}

export const cosineScaledOptions = z.strictObject({
  extract,
  /** Tokens at which the schedule ends; longer completions stay at its end. */
  max_len: z.number().positive(),
  min_value_wrong: z.number().default(-1),
  max_value_wrong: z.number().default(-0.5),
  min_value_correct: z.number().default(0.5),
  max_value_correct: z.number().default(1),
});

/**
 * Correctness scaled by length (Yeo et al. 2025, arXiv 2502.03373, appendix C.1): a short right answer earns more than a long one, a short
 * wrong one less than a long one. v = low + (high - low) (1 + cos(pi min(len / max_len, 1))) / 2, the bounds swapped for wrong answers.
 */
export function cosineScaledReward(options: z.input<typeof cosineScaledOptions>): RewardPart {
  const settings = cosineScaledOptions.parse(options);
  return {
    name: 'cosine_scaled_reward',
    score: (batch) => {
      const graded = gradeBatch(batch, settings.extract);
      const values = batch.map((input, i) => {
        if (missing(input)) return null;
        const cosine = Math.cos(Math.PI * Math.min(input.completionTokens / settings.max_len, 1));
        const [low, high] = graded.correct[i]
          ? [settings.min_value_correct, settings.max_value_correct]
          : [settings.max_value_wrong, settings.min_value_wrong];
        return low + 0.5 * (high - low) * (1 + cosine);
      });
      return { ...graded, values };
    },
  };
}

export const lengthOptions = z.strictObject({ extract });

/**
 * Kimi k1.5's length reward (arXiv 2501.12599, 2.3.3) over the whole batch it is given: 0.5 - (len - shortest) / (longest - shortest) for a
 * right answer, at most 0 for a wrong one, 0 when all are equally long. A reference that is no mathematical answer counts as met, as in
 * open-r1's len_reward.
 */
export function lengthReward(options: z.input<typeof lengthOptions> = {}): RewardPart {
  const settings = lengthOptions.parse(options);
  return {
    name: 'len_reward',
    score: (batch) => {
      const graded = gradeBatch(batch, settings.extract);
      const lengths = batch.map((input) => input.completionTokens);
      const shortest = lengths.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
      const values = batch.map((input, i) => {
        if (longest === shortest) return 0;
        const lambda = 0.5 - (lengths[i]! - shortest) / (longest - shortest);
        return graded.correct[i] || !isMathAnswer(input.expected) ? lambda : Math.min(0, lambda);
      });
      return { ...graded, values };
    },
  };
}
