/** How far a run of the trainer has come and how it ended, from its folder; for what starts it again (supervise.ts, supervise-grid.ts). */
import { listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { readRecord } from '../io/run-record.ts';

/** The step of the newest whole checkpoint; -1 without one. */
export function newestStep(runFolder: string): number {
  return Number(/\d+$/.exec(listCheckpoints(runFolder).at(-1) ?? '')?.[0] ?? -1);
}

/** Whether its record says that the device was lost; false where there is no record that can be read. */
export function endedByLostDevice(runFolder: string): boolean {
  try {
    const { status, summary } = readRecord(runFolder);
    return status === 'failed' && summary.failure === 'device lost';
  } catch {
    return false;
  }
}
