/** One share of a mixture in a process of its own; with `kill` it ends by SIGKILL as soon as more than `after` of a task is done. */
import '../jobs/compile-cache.ts';
import { openMixBatch } from '../../src/jobs/batch-mix.ts';

interface Asked {
  folder: string;
  stage: string;
  items: string[];
  kill?: { task: string; after: number };
}

const { folder, stage, items, kill } = JSON.parse(process.argv[2]!) as Asked;
const drain = new AbortController();
await (await openMixBatch(folder)).work({
  stage,
  items,
  workers: 1,
  drain: drain.signal,
  emit(event) {
    if (event.kind === 'progress' && event.task === kill?.task && event.done > kill.after)
      process.kill(process.pid, 'SIGKILL');
  },
});
