/** Test runner settings: one process per test file (Dawn wants one device per process), few at once on small machines. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/crash/**', 'test/oracles/**', 'test/slurm/kills/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
