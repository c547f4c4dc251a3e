/**
 * The row of metrics.jsonl of one GRPO step, from its rollouts and updates. Names are TRL's where TRL has one, else verl's. Rewards that could not
 * be had are left out of every mean, as in TRL, and counted in `rewards/unscored`; answers that nobody could judge count as not right, and in
 * `accuracy/unjudged`.
 */

import { meanAndStd, scored, shareOfFlatGroups } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import type { DrawnBatch } from './draw-batch.ts';
import type { Rollout } from './rollout.ts';
import type { UpdateStats } from './update-tally.ts';

export function stepMetrics(
  config: GrpoConfig,
  batch: DrawnBatch,
  update: UpdateStats,
  allowedLength: number,
): Record<string, number> {
  const { rollouts } = batch;
  const rewards = rollouts.map((r) => r.reward);
  const { mean, std } = meanAndStd(scored(rewards));
  const share = (of: (r: Rollout) => boolean) => rollouts.filter(of).length / rollouts.length;
  const lengths = (of: readonly Rollout[]) => {
    const values = of.map((r) => r.tokens.length);
    return {
      mean: meanAndStd(values).mean,
      min: values.reduce((a, b) => Math.min(a, b), values[0] ?? 0),
      max: values.reduce((a, b) => Math.max(a, b), 0),
    };
  };
  const all = lengths(rollouts);
  const ended = lengths(rollouts.filter((r) => !r.truncated));
  return {
    ...rewardParts(rollouts),
    ...(scored(rewards).length > 0 ? { reward: mean, reward_std: std } : {}),
    ...(rewards.includes(null) ? { 'rewards/unscored': share((r) => r.reward === null) } : {}),
    accuracy: share((r) => r.correct === true),
    ...(rollouts.some((r) => r.correct === null)
      ? { 'accuracy/unjudged': share((r) => r.correct === null) }
      : {}),
    frac_reward_zero_std: shareOfFlatGroups(rewards, config.num_generations),
    ...(config.filter_groups?.enable
      ? {
          'train/num_gen_batches': batch.rounds,
          dynamic_filtering_pass_rate: batch.varied / batch.groups,
        }
      : {}),
    loss: update.loss,
    ...(config.entropy_coef > 0 ? { policy_loss: update.policyLoss, entropy_coef: config.entropy_coef } : {}),
    entropy: update.entropy,
    ...(config.beta > 0 ? { kl: update.kl } : {}),
    grad_norm: update.gradNorm,
    'clip_ratio/region_mean': update.clipLow + update.clipHigh,
    'clip_ratio/low_mean': update.clipLow,
    'clip_ratio/low_min': update.clipLowMin,
    'clip_ratio/high_mean': update.clipHigh,
    'clip_ratio/high_max': update.clipHighMax,
    ...(config.delta === undefined ? {} : { 'actor/pg_clipfrac_lower': update.clipDelta }),
    'sampling/sampling_logp_difference/max': update.logpDifferenceMax,
    'sampling/sampling_logp_difference/mean': update.logpDifferenceMean,
    'completions/mean_length': all.mean,
    'completions/min_length': all.min,
    'completions/max_length': all.max,
    'completions/mean_terminated_length': ended.mean,
    'completions/min_terminated_length': ended.min,
    'completions/max_terminated_length': ended.max,
    'completions/clipped_ratio': share((r) => r.truncated),
    'completions/max_allowed_length': allowedLength,
    ...(update.skippedUpdates > 0 ? { skipped: update.skippedUpdates } : {}),
  };
}

/** Mean and deviation of every part of the reward over the rollouts that it scored, and the share that it did not. */
function rewardParts(rollouts: readonly Rollout[]): Record<string, number> {
  const names = [...new Set(rollouts.flatMap((r) => Object.keys(r.components)))].sort();
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = scored(rollouts.map((r) => r.components[name] ?? null));
      const without = 1 - values.length / rollouts.length;
      const unscored: [string, number][] = without > 0 ? [[`rewards/${name}/unscored`, without]] : [];
      if (values.length === 0) return unscored;
      const { mean, std } = meanAndStd(values);
      return [...unscored, [`rewards/${name}/mean`, mean], [`rewards/${name}/std`, std]];
    }),
  );
}
