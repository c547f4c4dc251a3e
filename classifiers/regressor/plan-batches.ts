/**
 * Which texts go through a model together: sorted by length, so that little is padding, and cut where a batch has enough texts or, padded
 * to its longest, enough tokens. A function of the lengths alone: the same texts give the same batches, whatever ran before or beside.
 */

export interface BatchLimits {
  /** Texts in a batch at most. */
  texts: number;
  /** Tokens in a batch at most, padding counted; a longer text has a batch of its own. */
  tokens: number;
}

/** Indexes into `lengths`, batch by batch, longest first (the largest buffers are made once); equal lengths in order. */
export function planBatches(lengths: readonly number[], limits: BatchLimits): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const i of order) {
    const width = lengths[batch[0] ?? i]!;
    if (batch.length > 0 && (batch.length >= limits.texts || (batch.length + 1) * width > limits.tokens)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(i);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
