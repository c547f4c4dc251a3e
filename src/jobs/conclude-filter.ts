/** The end of a filter job: what all units come to, in `ledger.json` and `contamination.json*`, and as a summary for `run.json`. */
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import type { Run } from '../io/run-record.ts';
import { type RunStart, startRun } from '../io/run-record.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import { writeContaminationReport } from './contamination-report.ts';
import type { JobResult } from './job-result.ts';
import { type FilterSummary, summarise } from './summary.ts';

export interface FilterResult {
  folder: string;
  plan: FilterPlan;
  summary: FilterSummary;
  outputs: OutputFile[];
  /** True when every input could be read, false when some failed (exit code 2). */
  complete: boolean;
}

export type JobSpeed = Pick<FilterSummary, 'documentsPerSecond' | 'megabytesPerSecond'>;
export const unknownSpeed: JobSpeed = { documentsPerSecond: 0, megabytesPerSecond: 0 };

/** Begins the record of a filter job. */
export function startFilterRun(folder: string, plan: FilterPlan, config: FilterConfig): Run {
  const start: RunStart = {
    command: 'filter',
    name: plan.name,
    config,
    fingerprint: plan.hash,
    inputs: plan.inputs.map(({ path, bytes, fingerprint }) => ({ path, bytes, fingerprint })),
  };
  return startRun(folder, start);
}

/** Writes what the job comes to, and ends its record. Throws a `UserError` when its ledger does not balance. */
export async function concludeFilter(
  run: Run,
  plan: FilterPlan,
  { reports, outputs, barrier }: JobResult,
  numbers: JobSpeed & { workers: number },
): Promise<FilterResult> {
  const folder = run.dir;
  const bytesOut = outputs.filter((o) => o.path.startsWith('kept')).reduce((sum, o) => sum + o.bytes, 0);
  const summary: FilterSummary = { ...summarise(plan, reports, barrier, bytesOut), ...numbers };
  const contamination = await writeContaminationReport(folder, plan, outputs);
  if (contamination !== undefined) summary.contamination = contamination;
  const { ledger, stages, bySource } = summary;
  await writeFileAtomic(
    join(folder, 'ledger.json'),
    `${JSON.stringify({ ...ledger, stages, bySource }, null, 2)}\n`,
  );
  const failed = Object.values(ledger.failed).reduce((a, b) => a + b, 0);
  const failures = summary.failures.slice(0, 20).map(({ file, problem }) => `${file}: ${problem}`);
  run.update({ warnings: [...plan.warnings, ...failures] });
  run.finish('done', { ...summary });
  return { folder, plan, summary, outputs, complete: failed === 0 && summary.unfinishedUnits === 0 };
}
