/** One share of a mixture in a process of its own; with `kill` it ends by SIGKILL as soon as something is tokenised. */
import '../jobs/compile-cache.ts';
import { openMixBatch } from '../../src/jobs/batch-mix.ts';

interface Asked {
  folder: string;
  stage: string;
  items: string[];
  kill: boolean;
}

const { folder, stage, items, kill } = JSON.parse(process.argv[2]!) as Asked;
const drain = new AbortController();
await (await openMixBatch(folder)).work({
  stage,
  items,
  workers: 1,
  drain: drain.signal,
  emit(event) {
    if (kill && event.kind === 'progress' && event.task === 'tokenise' && event.done > 0)
      process.kill(process.pid, 'SIGKILL');
  },
});
