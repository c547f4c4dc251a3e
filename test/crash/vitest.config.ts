/** Settings of the crash tests (npm run test:crash), which the normal suite leaves out for their length. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/crash/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    hookTimeout: 120_000,
  },
});
