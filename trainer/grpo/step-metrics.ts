/** The row of metrics.jsonl of one GRPO step, from its rollouts and updates. Names are TRL's where TRL has one. */
import type { Rollout } from '../rollout.ts';
import { meanAndStd, shareOfFlatGroups } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import type { UpdateStats } from './update.ts';

export function stepMetrics(
  config: GrpoConfig,
  rollouts: readonly Rollout[],
  update: UpdateStats,
  allowedLength: number,
): Record<string, number> {
  const rewards = rollouts.map((r) => r.reward);
  const lengths = rollouts.map((r) => r.tokens.length);
  const ended = rollouts.filter((r) => !r.truncated).map((r) => r.tokens.length);
  const { mean, std } = meanAndStd(rewards);
  const share = (of: (r: Rollout) => boolean) => rollouts.filter(of).length / rollouts.length;
  return {
    reward: mean,
    reward_std: std,
    accuracy: share((r) => r.correct),
    frac_reward_zero_std: shareOfFlatGroups(rewards, config.num_generations),
    loss: update.loss,
    entropy: update.entropy,
    grad_norm: update.gradNorm,
    'clip_ratio/region_mean': update.clippedLow + update.clippedHigh,
    'clip_ratio/low_mean': update.clippedLow,
    'clip_ratio/high_mean': update.clippedHigh,
    'sampling/sampling_logp_difference/max': update.logpDifferenceMax,
    'sampling/sampling_logp_difference/mean': update.logpDifferenceMean,
    'completions/mean_length': meanAndStd(lengths).mean,
    'completions/max_length': lengths.reduce((a, b) => Math.max(a, b), 0),
    'completions/min_length': lengths.reduce((a, b) => Math.min(a, b), Infinity),
    ...(ended.length > 0 ? { 'completions/mean_terminated_length': meanAndStd(ended).mean } : {}),
    'completions/clipped_ratio': share((r) => r.truncated),
    'completions/max_allowed_length': allowedLength,
    ...(update.skippedUpdates > 0 ? { skipped: update.skippedUpdates } : {}),
  };
}
