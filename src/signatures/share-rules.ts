/**
 * The four signatures that are shares of a step's responses or prompts.
 *
 * - repetition_loop: the paper's regular expression (recipe 4.3) in 30 % of responses. Of correct reasoning well under 2 % matches; a base model that
 *   has not learnt to stop may loop for some steps, hence four steps together.
 * - premature_answer: half of the responses begin with the box (paper 2.2: Llama-3.2-3B and FineMath-4plus do, before they repeat themselves).
 *   Eight steps, since RL often leaves the habit within a few (the demo does).
 * - length_explosion: half of the responses are cut off at the allowed length. They cannot earn, so the batch teaches mostly length.
 * - zero_variance_groups: four fifths of the prompts have one reward for all responses: their advantage is zero, the batch teaches little.
 */
import { pooledShareRule, shareSchema } from './pooled-share.ts';

export const repetitionLoop = pooledShareRule({
  name: 'repetition_loop',
  title: 'Repetition loop',
  schema: shareSchema(0.3, 4),
  of: (seen) => seen.repeating,
  what: 'of responses hold a unit of 5 or more characters five times in a row',
  reason: 'Sound reasoning hardly ever does.',
});

export const prematureAnswer = pooledShareRule({
  name: 'premature_answer',
  title: 'Premature answer',
  schema: shareSchema(0.5, 8),
  of: (seen) => seen.answerFirst,
  what: 'of responses begin with the boxed answer',
  reason: 'Nothing is worked out before the answer.',
});

export const lengthExplosion = pooledShareRule({
  name: 'length_explosion',
  title: 'Length explosion',
  schema: shareSchema(0.5, 8),
  of: (seen) => seen.truncated,
  what: 'of responses are cut off at the allowed length',
  reason: 'A response that is cut off cannot earn.',
});

export const zeroVarianceGroups = pooledShareRule({
  name: 'zero_variance_groups',
  title: 'Zero-variance groups',
  schema: shareSchema(0.8, 8),
  of: (seen) => seen.flatGroups,
  what: 'of prompts have the same reward for all of their responses',
  because: ({ accuracy }) =>
    accuracy === undefined
      ? ''
      : accuracy >= 0.5
        ? ', mostly all right: the problems are too easy now'
        : ', mostly all wrong: the problems are too hard, or the answers are not found',
  reason: 'Their advantages are zero.',
});
