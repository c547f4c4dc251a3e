/**
 * Group-normalised advantages (GRPO, Shao et al. 2024; TRL's `scale_rewards`). Rewards of one prompt's samples are compared with each
 * other: A = (r - mean of the group) / (std + 1e-4), std with n - 1. `batch` divides by the std of the whole batch, `none` by nothing (Dr. GRPO).
 */
export const rewardScales = ['group', 'batch', 'none'] as const;
export type RewardScale = (typeof rewardScales)[number];

const epsilon = 1e-4;

/** Mean and sample standard deviation (n - 1; 0 for fewer than two values). */
export function meanAndStd(values: readonly number[]): { mean: number; std: number } {
  const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  if (values.length < 2) return { mean, std: 0 };
  const square = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(square / (values.length - 1)) };
}

/** Advantages of rewards that lie group after group, `groupSize` each. */
export function groupAdvantages(rewards: readonly number[], groupSize: number, scale: RewardScale): number[] {
  const batchStd = meanAndStd(rewards).std;
  const advantages: number[] = [];
  for (let first = 0; first < rewards.length; first += groupSize) {
    const group = rewards.slice(first, first + groupSize);
    const { mean, std } = meanAndStd(group);
    const divisor = scale === 'none' ? 1 : (scale === 'group' ? std : batchStd) + epsilon;
    for (const reward of group) advantages.push((reward - mean) / divisor);
  }
  return advantages;
}

/** Share of groups whose rewards are all equal: they teach nothing. */
export function shareOfFlatGroups(rewards: readonly number[], groupSize: number): number {
  let flat = 0;
  const groups = rewards.length / groupSize;
  for (let g = 0; g < groups; g++) {
    const group = rewards.slice(g * groupSize, (g + 1) * groupSize);
    if (group.every((reward) => reward === group[0])) flat++;
  }
  return groups > 0 ? flat / groups : 0;
}
