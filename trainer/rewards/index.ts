/** The rewards that `reward:` of a GRPO config can name. */
import { nearest } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import { boxedReward } from './boxed.ts';
import type { Reward } from './reward.ts';

export const rewards: readonly Reward[] = [boxedReward];

export function findReward(name: string): Reward {
  const found = rewards.find((reward) => reward.name === name);
  if (found) return found;
  const names = rewards.map((reward) => reward.name);
  throw new UserError(`no reward "${name}"`, {
    hint: `known: ${names.join(', ')}${nearest(name, names) ? `; did you mean "${nearest(name, names)}"?` : ''}`,
  });
}
