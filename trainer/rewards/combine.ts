/**
 * The weighted sum of several rewards, as TRL's `reward_funcs` and `reward_weights`: a part that is null for a row (it does not apply) is left
 * out of that row's sum, and a row for which all are null has no reward. A part that failed for the batch (threw, ran out of time) takes
 * the reward of every row with it: a sum without it would teach what the other parts want, which nobody asked for.
 */
import { gradeBatch } from './grade.ts';
import type { PartScores, Reward, RewardInput, RewardPart } from './reward.ts';

export interface WeightedPart {
  readonly part: RewardPart;
  readonly weight: number;
}

export function combineRewards(name: string, parts: readonly WeightedPart[]): Reward {
  return {
    name,
    async score(batch, signal) {
      const scores: PartScores[] = [];
      for (const { part } of parts) scores.push(await part.score(batch, signal));
      const failures: Record<string, string> = {};
      for (const [i, { failure }] of scores.entries())
        if (failure !== undefined) failures[parts[i]!.part.name] = failure;
      const failed = Object.keys(failures).length > 0;
      const timedOut = parts.flatMap(({ part }, i) => (scores[i]!.timedOut ? [part.name] : []));
      const judged = scores.find((score) => score.correct !== undefined) ?? byGrader(batch);
      return {
        reward: batch.map((_, row) => (failed ? null : weighted(parts, scores, row))),
        correct: [...judged.correct!],
        answers: judged.answers === undefined ? batch.map(() => undefined) : [...judged.answers],
        components: Object.fromEntries(parts.map(({ part }, i) => [part.name, scores[i]!.values])),
        ...(failed && { failures }),
        ...(timedOut.length > 0 && { timedOut }),
      };
    },
    async close() {
      for (const { part } of parts) await part.close?.();
    },
  };
}

/** Where no part says whether an answer is right (format, length, a user's module), the grader does: accuracy is measured all the same. */
function byGrader(batch: readonly RewardInput[]): Pick<PartScores, 'correct' | 'answers'> {
  const { correct, answers } = gradeBatch(batch, 'auto');
  return { correct: batch.map(({ expected }, i) => (expected.trim() === '' ? null : correct[i]!)), answers };
}

function weighted(parts: readonly WeightedPart[], scores: readonly PartScores[], row: number): number | null {
  let sum: number | null = null;
  for (const [i, { weight }] of parts.entries()) {
    const value = scores[i]!.values[row] ?? null;
    if (value !== null) sum = (sum ?? 0) + weight * value;
  }
  return sum;
}
