/** Which copy of a cluster stays, as a number per document: the signal that decides, and on which side of it the better copies are. */
import type { DedupStep } from './resolved-filter.ts';

/** The column that decides; null: the first copy stays. */
export function prioritySignal(keep: DedupStep['keep']): string | null {
  if (keep === 'first') return null;
  return keep === 'longest' ? 'text.bytes' : keep.signal;
}

/** What the column is multiplied by, so that the highest stays. */
export function prioritySign(keep: DedupStep['keep']): 1 | -1 {
  return typeof keep === 'object' && keep.prefer === 'low' ? -1 : 1;
}
