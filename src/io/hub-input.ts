/**
 * An input on the Hub, file by file: which files it means at one commit, and the reading of one of them, which is fetched for that. For
 * what may need only a few of many files; `planRead` fetches them all.
 *
 * Each file is planned by itself, so the column types of JSON records are those of its own file.
 */
import type { HubFile } from './hub.ts';
import { ParquetInspector } from './inspect-file.ts';
import { listHubInput, planHubFiles } from './plan-hub.ts';
import type { PlanContext } from './plan-unit.ts';
import type { InputSpec, PlanReadOptions, ReadPlan } from './read-unit-types.ts';

/** The files that `hf://datasets/...` means, with the commit that its revision stands for now. Throws when there are none. */
export function hubInputFiles(
  input: InputSpec,
  options: PlanReadOptions = {},
): Promise<{ commit: string; files: HubFile[] }> {
  return listHubInput({ input, options });
}

/**
 * Fetches one of these files and plans its reading; of a large Parquet file only the footer, and its row groups when they are read. A file that
 * cannot be had or read is a failure of the plan.
 */
export async function planHubFile(
  input: InputSpec,
  file: HubFile,
  options: PlanReadOptions = {},
): Promise<ReadPlan> {
  const plan: ReadPlan = { units: [], inputs: [], failures: [], warnings: [], notes: [] };
  const inspector = new ParquetInspector(options);
  const context: PlanContext = { input, plan, inspector, options };
  try {
    await planHubFiles(context, input.path.split('/').slice(3, 5).join('/'), [file]);
  } finally {
    await inspector.close();
  }
  return plan;
}
