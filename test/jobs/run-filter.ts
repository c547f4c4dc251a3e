/** A filter job as a process of its own, for tests that kill it: `node run-filter.ts <JobProcess as JSON>`. */
import { filterCorpus, filterRank } from '../../src/jobs/filter-corpus.ts';
import { corpusConfig } from './corpus.ts';
import type { JobProcess } from './kill-job.ts';
import { mixedConfig } from './mixed-corpus.ts';

const { kind, corpus, out, workers, rank } = JSON.parse(process.argv[2]!) as JobProcess;
const config = kind === 'small' ? corpusConfig(corpus) : mixedConfig(corpus, kind === 'tables');
const options = {
  out,
  workers,
  emit: (event: { kind: string; task?: string }) => {
    // A sign for the test that the job is under way.
    if (event.kind === 'start' && event.task === 'filter') process.stdout.write('started\n');
  },
};
if (rank === undefined) await filterCorpus(config, options);
else await filterRank(config, options, rank);
process.exit(0);
