/**
 * What share of the loss a completion token has, by loss type: TRL's normalisers (GRPOTrainer._compute_loss). With them the loss is a plain
 * weighted sum over tokens, whatever the micro-batches.
 *   grpo     mean over sequences of the mean over tokens: 1 / (length * sequences)
 *   bnpo     mean over tokens of the batch: 1 / tokens
 *   dr_grpo  sum over a constant: 1 / (sequences * max completion length)
 *   dapo     like bnpo over all tokens of the accumulated batch: 1 / tokens; here both see the whole update's batch
 */
export const lossTypes = ['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const;
export type LossType = (typeof lossTypes)[number];

/** One value per sequence, from the number of tokens that count in each. 0 for a sequence without tokens. */
export function tokenShares(
  lossType: LossType,
  lengths: readonly number[],
  maxCompletionLength: number,
): number[] {
  const sequences = lengths.length;
  const tokens = Math.max(
    1,
    lengths.reduce((a, b) => a + b, 0),
  );
  return lengths.map((length) => {
    if (length === 0) return 0;
    if (lossType === 'grpo') return 1 / (length * sequences);
    if (lossType === 'dr_grpo') return 1 / (sequences * maxCompletionLength);
    return 1 / tokens;
  });
}
