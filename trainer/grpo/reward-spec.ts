/** The part of a GRPO config that says what is rewarded. */
import { type RewardSpec, rewardConfigShape } from '../rewards/index.ts';
import type { GrpoConfig } from './config.ts';

export function rewardSpec(config: GrpoConfig): RewardSpec {
  const keys = Object.keys(rewardConfigShape) as (keyof RewardSpec)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]]));
}
