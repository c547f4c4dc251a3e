/** How much of their input the running units have read, for progress. */
import type { ReadUnit } from '../io/read-plan.ts';
import type { LocalPool } from '../stages/local-pool.ts';

/** In stored bytes; judged by their documents, or by the text that came out where the number of documents is unknown. */
export function bytesInFlight(
  { inFlight }: Pick<LocalPool, 'inFlight'>,
  reads: ReadonlyMap<string, ReadUnit>,
): number {
  let bytes = 0;
  for (const [id, progress] of inFlight) {
    const read = reads.get(id);
    if (read === undefined) continue;
    const { documents, textBytes } = progress.counters;
    const share =
      read.rows === undefined ? textBytes / Math.max(1, read.bytes) : documents / Math.max(1, read.rows);
    bytes += read.bytes * Math.min(0.99, share);
  }
  return bytes;
}
