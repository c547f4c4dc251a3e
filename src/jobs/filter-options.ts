/** What a caller may say about a filter job beside its pipeline. */
import type { Emit } from '../core/events.ts';

export interface FilterOptions {
  /** The run folder. */
  out: string;
  /** Worker threads; by default one per core. The output does not depend on it. */
  workers?: number;
  /** Read at most this many documents, in unit order. */
  limit?: number;
  /** Delete what an earlier run of another plan left in `out`. */
  fresh?: boolean;
  emit?: Emit;
  signal?: AbortSignal;
  /** The pipeline's file name, for errors, and its text, kept beside the output. */
  file?: string;
  text?: string;
}
