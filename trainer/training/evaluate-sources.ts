/** Held-out loss by source: mean negative log-likelihood per token, in nats, over the first sequences of each source. */
import type { Learner } from '../learner/learner.ts';
import type { TokenData } from './token-data.ts';

/** `eval_loss/<source>` for every source and `eval_loss`, the mean over all their tokens. */
export async function evaluateSources(
  learner: Learner,
  sources: ReadonlyMap<string, TokenData>,
  mostSequences: number,
  documentMask: boolean,
): Promise<Record<string, number>> {
  const { batch, seq } = learner.shape;
  const losses: Record<string, number> = {};
  let total = 0;
  let tokens = 0;
  for (const [source, data] of sources) {
    const count = Math.min(mostSequences, data.sequences);
    let sum = 0;
    let counted = 0;
    for (let first = 0; first < count; first += batch) {
      // The last batch is filled up from the beginning; only its new sequences count.
      const rows = await data.rows(first, batch, documentMask);
      const stats = await learner.evaluate(rows);
      const fresh = Math.min(batch, count - first) * seq;
      for (let row = 0; row < fresh; row++) {
        if (rows.counts[row] === 0) continue;
        sum -= stats[row * 4]!;
        counted++;
      }
    }
    if (counted === 0) continue;
    losses[`eval_loss/${source}`] = sum / counted;
    total += sum;
    tokens += counted;
  }
  if (tokens > 0) losses.eval_loss = total / tokens;
  return losses;
}
