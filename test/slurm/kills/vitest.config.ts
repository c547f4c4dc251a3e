/** Settings of the tests on a real Slurm (npm run test:slurm), which the normal suite leaves out for their length. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    include: ['test/slurm/kills/**/*.test.ts'],
    globalSetup: ['test/slurm/kills/prepare.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // Nothing in them waits for a time; this ends what hangs.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
