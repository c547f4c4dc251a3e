/**
 * Group-normalised advantages (GRPO, Shao et al. 2024; TRL's `scale_rewards`). Rewards of one prompt's samples are compared with each
 * other: A = (r - mean of the group) / (std + epsilon), std with n - 1. `batch` divides by the std of the whole batch, `none` by nothing (Dr.
 * GRPO). A reward that is null (it could not be had) is left out of means and deviations and gets advantage 0, as in TRL.
 */
export const rewardScales = ['group', 'batch', 'none'] as const;
export type RewardScale = (typeof rewardScales)[number];

/** TRL's constant. verl's is 1e-6. */
export const advantageEpsilon = 1e-4;

/** Mean and sample standard deviation (n - 1; 0 for fewer than two values). */
export function meanAndStd(values: readonly number[]): { mean: number; std: number } {
  const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  if (values.length < 2) return { mean, std: 0 };
  const square = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(square / (values.length - 1)) };
}

export const scored = (rewards: readonly (number | null)[]): number[] => rewards.filter((r) => r !== null);

/** Advantages of rewards that lie group after group, `groupSize` each. */
export function groupAdvantages(
  rewards: readonly (number | null)[],
  groupSize: number,
  scale: RewardScale,
  epsilon = advantageEpsilon,
): number[] {
  const batchStd = meanAndStd(scored(rewards)).std;
  return groupsOf(rewards, groupSize).flatMap((group) => {
    const { mean, std } = meanAndStd(scored(group));
    const divisor = scale === 'none' ? 1 : (scale === 'group' ? std : batchStd) + epsilon;
    // Exactly: the mean of equal numbers may differ from them in the last bit, and epsilon is small.
    if (isFlat(group)) return group.map(() => 0);
    return group.map((reward) => (reward === null ? 0 : (reward - mean) / divisor));
  });
}

/**
 * Several rewards normalised apart before they are added (GDPO; TRL's `multi_objective_aggregation: normalize_then_sum`): each by its
 * group, the weighted sum by the mean and deviation of the batch. `components` are lists of one reward each, null where it did not apply.
 */
export function separateAdvantages(
  components: readonly { weight: number; rewards: readonly (number | null)[] }[],
  groupSize: number,
  epsilon = advantageEpsilon,
): number[] {
  const normalised = components.map(({ weight, rewards }) => ({
    rewards,
    weighted: groupAdvantages(rewards, groupSize, 'group', epsilon).map((a) => weight * a),
  }));
  const count = components[0]?.rewards.length ?? 0;
  const sums = Array.from({ length: count }, (_, i) =>
    normalised.every(({ rewards }) => rewards[i] === null)
      ? null
      : normalised.reduce((total, { weighted }) => total + weighted[i]!, 0),
  );
  const { mean, std } = meanAndStd(scored(sums));
  return sums.map((sum) => (sum === null ? 0 : (sum - mean) / (std + epsilon)));
}

/** True when a group teaches nothing: fewer than two rewards in it, or all equal. */
export function isFlat(rewards: readonly (number | null)[]): boolean {
  const known = scored(rewards);
  return known.length < 2 || known.every((reward) => reward === known[0]);
}

/** Share of flat groups. */
export function shareOfFlatGroups(rewards: readonly (number | null)[], groupSize: number): number {
  const groups = groupsOf(rewards, groupSize);
  return groups.length > 0 ? groups.filter(isFlat).length / groups.length : 0;
}

export function groupsOf<T>(values: readonly T[], groupSize: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / groupSize) }, (_, i) =>
    values.slice(i * groupSize, (i + 1) * groupSize),
  );
}
