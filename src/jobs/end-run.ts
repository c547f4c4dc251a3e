/** Leaves the record of a job that an error or Ctrl-C ended. */
import { InterruptedError } from '../core/errors.ts';
import type { Run } from '../io/run-record.ts';

/** Never throws: a disk that is full or read-only cannot take the record either, and what stopped the job is the error to tell. */
export function endRun(run: Run | undefined, error: unknown): void {
  try {
    run?.finish(error instanceof InterruptedError ? 'interrupted' : 'failed');
  } catch {
    // as said above
  }
}
