/** The end of a filter job whose units are all finished: what it comes to, and what lies about no more. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant } from '../core/errors.ts';
import { folders } from '../stages/run-layout.ts';
import type { OutputFile, UnitReport } from '../stages/unit-report.ts';
import type { BarrierResult } from './dedup-markers.ts';
import { sweepEdges, sweepLeftovers, sweepOutputs } from './unit-files.ts';
import type { UnitStates } from './unit-states.ts';

export interface JobResult {
  /** Of all units, in unit order. */
  reports: UnitReport[];
  outputs: OutputFile[];
  barrier: BarrierResult;
}

/** Removes what only the passes needed and what no unit has any more. Call with the job's lock held. */
export async function sweepJob(units: UnitStates, barrier: BarrierResult): Promise<JobResult> {
  const finished = units.all.flatMap((state) => state.finished ?? []);
  invariant(finished.length === units.all.length, 'a job ends when all its units are finished');
  const outputs = finished.flatMap((unit) => unit.outputs);
  await rm(join(units.folder, folders.work), { recursive: true, force: true });
  sweepOutputs(units.folder, new Set(outputs.map(({ path }) => path)));
  await sweepLeftovers(units.folder);
  sweepEdges(units.folder);
  return { reports: finished.map(({ report }) => report), outputs, barrier };
}
