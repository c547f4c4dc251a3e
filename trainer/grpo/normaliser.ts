/**
 * What share of the loss a completion token has, by loss type: TRL's normalisers (GRPOTrainer._compute_loss). With them the loss is a plain
 * weighted sum over tokens, whatever the micro-batches.
 *   grpo     mean over sequences of the mean over tokens: 1 / (length * sequences)
 *   bnpo     mean over the tokens of the update: 1 / tokens
 *   dr_grpo  sum over a constant: 1 / (sequences * max completion length)
 *   dapo     mean over the tokens of the whole rollout batch, a part per update: updates / tokens of the batch
 * bnpo and dapo differ when a rollout batch is learned from in several updates of unlike length. TRL's values for
 * `gradient_accumulation_steps: 1`, that is, with the update as the local batch.
 */
export const lossTypes = ['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const;
export type LossType = (typeof lossTypes)[number];

export interface ShareOptions {
  /** Most tokens a completion could have. */
  maxCompletionLength: number;
  /** Tokens that count in the whole rollout batch, over the number of updates one pass over it takes. */
  batchTokensPerUpdate: number;
}

/** One value per sequence of an update, from the number of tokens that count in each. 0 for a sequence without tokens. */
export function tokenShares(
  lossType: LossType,
  lengths: readonly number[],
  { maxCompletionLength, batchTokensPerUpdate }: ShareOptions,
): number[] {
  const sequences = lengths.length;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  return lengths.map((length) => {
    if (length === 0) return 0;
    if (lossType === 'grpo') return 1 / (length * sequences);
    if (lossType === 'dr_grpo') return 1 / (sequences * maxCompletionLength);
    return 1 / Math.max(lossType === 'bnpo' ? tokens : batchTokensPerUpdate, Number.MIN_VALUE);
  });
}
