/**
 * The worker of a filter job that dies once in some tasks, some milliseconds after the task came: what a thread that runs out of memory
 * looks like. `MIDTRAIN_TEST_DEATHS` is a folder where tasks
 * that have had their death are noted.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { UnitRequest } from '../../src/stages/local-pool.ts';
import '../../src/jobs/unit-worker.ts';

let death: NodeJS.Timeout | undefined;
parentPort!.on('message', ({ payload }: UnitRequest) => {
  clearTimeout(death);
  const { step, task } = payload as { step: string; task: Record<string, unknown> };
  const name = `${step}-${String(task.name ?? task.output ?? '').replace(/.*\//, '')}`;
  // In few tasks, since each death costs a new thread: one unit in each pass, and all of the barrier.
  if (!/^(measure-0001|finish-0003|edges|cluster|choose)/.test(name)) return;
  try {
    writeFileSync(join(process.env.MIDTRAIN_TEST_DEATHS!, name), '', { flag: 'wx' });
  } catch {
    return; // it died of this task before
  }
  const [byte] = createHash('sha256').update(name).digest();
  death = setTimeout(() => process.exit(5), byte! / 4);
});
