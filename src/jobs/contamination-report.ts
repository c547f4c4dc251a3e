/** Joins what the units found of the benchmarks: `contamination.jsonl`, a line per document and item in unit order, and the counts. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type ContaminationRow,
  type ContaminationSummary,
  ContaminationTally,
} from '../decontaminate/contamination-report.ts';
import { AtomicFile, writeFileAtomic } from '../io/atomic.ts';
import { openBenchmarkIndex } from '../stages/open-benchmark-index.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { OutputFile } from '../stages/unit-report.ts';

/** Undefined for a job without decontamination. */
export async function writeContaminationReport(
  folder: string,
  plan: FilterPlan,
  outputs: readonly OutputFile[],
): Promise<ContaminationSummary | undefined> {
  if (plan.filter.decontaminate === null) return undefined;
  const { data } = openBenchmarkIndex(folder);
  const tally = new ContaminationTally(data.counts, data.options.n);
  const all = await AtomicFile.create(join(folder, 'contamination.jsonl'));
  try {
    for (const { path } of outputs) {
      if (!path.startsWith('contamination')) continue;
      for await (const line of createInterface({ input: createReadStream(join(folder, path)) })) {
        tally.add(JSON.parse(line) as ContaminationRow);
        await all.write(Buffer.from(`${line}\n`));
      }
    }
    await all.commit();
  } catch (error) {
    await all.abort();
    throw error;
  }
  const summary = tally.summary();
  await writeFileAtomic(join(folder, 'contamination.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}
