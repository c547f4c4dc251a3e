/**
 * The paper's reward (recipe 4.3): the last \boxed{...} of the completion equals the reference: +1, else -1; no box: -1.
 * Found and compared by src/grader.
 */
import { gradeBatch } from './grade.ts';
import type { RewardPart } from './reward.ts';

export const boxedReward: RewardPart = {
  name: 'boxed',
  score: (batch) => {
    const graded = gradeBatch(batch, 'boxed');
    return { ...graded, values: graded.correct.map((right) => (right ? 1 : -1)) };
  },
};
