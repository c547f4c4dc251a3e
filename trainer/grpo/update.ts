/**
 * The updates of one rollout batch: advantages over groups, mini-batches of prompts, packed micro-batches, one optimizer step each. Old
 * log-probabilities are the sampler's own: it runs the trainer's kernels, and their largest difference is measured in the first mini-batch,
 * where weights have not changed yet and every ratio should be 1.
 */
import type { Learner } from '../learner.ts';
import type { Rollout } from '../rollout.ts';
import type { GrpoConfig } from './config.ts';
import { tokenShares } from './normaliser.ts';
import { packRollouts } from './pack-rollouts.ts';

export interface UpdateStats {
  loss: number;
  entropy: number;
  gradNorm: number;
  /** Share of tokens whose ratio was clipped, and on which side. */
  clippedLow: number;
  clippedHigh: number;
  /** |log ratio| of the first mini-batch: sampler against trainer. */
  logpDifferenceMax: number;
  logpDifferenceMean: number;
  skippedUpdates: number;
  updates: number;
}

export async function updatePolicy(
  learner: Learner,
  config: GrpoConfig,
  rollouts: readonly Rollout[],
  advantages: readonly number[],
  maxCompletionLength: number,
  learningRate: number,
): Promise<UpdateStats> {
  const perUpdate = (config.mini_batch_prompts ?? config.prompts_per_step) * config.num_generations;
  const stats: UpdateStats = {
    loss: 0,
    entropy: 0,
    gradNorm: 0,
    clippedLow: 0,
    clippedHigh: 0,
    logpDifferenceMax: 0,
    logpDifferenceMean: 0,
    skippedUpdates: 0,
    updates: 0,
  };
  let tokens = 0;
  for (let iteration = 0; iteration < config.num_iterations; iteration++) {
    for (let first = 0; first < rollouts.length; first += perUpdate) {
      const part = rollouts.slice(first, first + perUpdate);
      const counted = part.map((r) =>
        config.mask_truncated_completions && r.truncated ? 0 : r.tokens.length,
      );
      const shares = tokenShares(config.loss_type, counted, maxCompletionLength);
      const items = part.map((r, i) => ({
        promptTokens: r.promptTokens,
        tokens: r.tokens,
        logps: r.logps,
        advantage: advantages[first + i]!,
        share: shares[i]!,
      }));
      const onPolicy = iteration === 0 && first === 0;
      learner.begin();
      let measured = 0;
      for (const batch of packRollouts(items, learner.shape.batch, learner.shape.seq)) {
        learner.accumulatePolicy(batch.rows, batch.inputs);
        const terms = await learner.readPolicyTerms();
        for (let row = 0; row * 4 < terms.length; row++) {
          if (batch.inputs[row * 4 + 2] === 0) continue;
          stats.loss += terms[row * 4]!;
          if (terms[row * 4 + 1] === 1) stats.clippedLow++;
          if (terms[row * 4 + 1] === 2) stats.clippedHigh++;
          tokens++;
          if (!onPolicy) continue;
          const difference = Math.abs(Math.log(terms[row * 4 + 3]!));
          stats.logpDifferenceMax = Math.max(stats.logpDifferenceMax, difference);
          stats.logpDifferenceMean += difference;
          measured++;
        }
      }
      if (onPolicy && measured > 0) stats.logpDifferenceMean /= measured;
      const result = await learner.step(learningRate);
      stats.updates++;
      stats.gradNorm += result.gradNorm;
      stats.entropy += result.entropy;
      if (result.skipped) stats.skippedUpdates++;
    }
  }
  stats.loss /= stats.updates;
  stats.gradNorm /= stats.updates;
  stats.entropy /= stats.updates;
  stats.clippedLow /= Math.max(1, tokens);
  stats.clippedHigh /= Math.max(1, tokens);
  return stats;
}
