/**
 * A share of a filter job as a process of its own: `node run-share.ts <ShareProcess as JSON>`. With `dieAfter` it kills itself as soon as so
 * many units of the folder have their first marker.
 */
import { readdirSync } from 'node:fs';
import { openFilterBatch } from '../../src/jobs/batch-filter.ts';
import type { ShareProcess } from './batch-driver.ts';

const { folder, stage, items, dieAfter } = JSON.parse(process.argv[2]!) as ShareProcess;
const measured = (): number =>
  readdirSync(`${folder}/units`).filter((name) => name.endsWith('.measured.json')).length;
const job = await openFilterBatch(folder);
const counts = await job.work({
  stage,
  items,
  workers: 1,
  drain: new AbortController().signal,
  // Told at least once after every unit.
  emit: ({ kind }) => {
    if (kind === 'progress' && measured() >= (dieAfter ?? Number.POSITIVE_INFINITY))
      process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${JSON.stringify(counts)}\n`);
process.exit(0);
