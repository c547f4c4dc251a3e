/**
 * The paper's reward (recipe 4.3): the last \boxed{...} of the completion equals the reference: +1, else -1; no box: -1.
 * Equality is src/text/math-answer.ts: normalised text, then exact rational value.
 */
import { answersEqual, extractBoxed } from '../../src/text/math-answer.ts';
import type { Reward } from './reward.ts';

export const boxedReward: Reward = {
  name: 'boxed',
  score: ({ completion, expected }) => {
    const answer = extractBoxed(completion);
    const correct = answer !== undefined && answersEqual(expected, answer);
    return { reward: correct ? 1 : -1, answer, correct };
  },
};
