/** A filter job as a process of its own, for tests that kill it: `node run-filter.ts <corpus> <out> <workers>`. */
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { corpusConfig } from './corpus.ts';

const [corpus, out, workers] = process.argv.slice(2);
await filterCorpus(corpusConfig(corpus!), {
  out: out!,
  workers: Number(workers),
  emit: (event) => {
    // A sign for the test that the job is under way.
    if (event.kind === 'start' && event.task === 'filter') process.stdout.write('started\n');
  },
});
process.exit(0);
