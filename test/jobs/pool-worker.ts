/** A worker that behaves as its payload says: the pool's tests start it. */
import { serveUnits } from '../../src/stages/serve-units.ts';

serveUnits(async (payload, progress, skip) => {
  const {
    documents = 1,
    hangAt = -1,
    crashAt = -1,
    growAt = -1,
    dieOutside = false,
    throws,
  } = payload as {
    documents?: number;
    hangAt?: number;
    crashAt?: number;
    growAt?: number;
    dieOutside?: boolean;
    throws?: string;
  };
  if (throws !== undefined)
    throw Object.assign(new Error(throws), throws === 'full' ? { code: 'ENOSPC' } : {});
  if (dieOutside) process.exit(3);
  const skipped: number[] = [];
  for (let i = 0; i < documents; i++) {
    progress.begin(i);
    if (skip[i] !== undefined) {
      skipped.push(i);
      continue;
    }
    if (i === hangAt) for (;;);
    if (i === crashAt) process.exit(7);
    if (i === growAt) {
      const kept: unknown[] = [];
      for (;;) kept.push(new Array(1000).fill(Math.random()));
    }
    progress.end(100, true);
  }
  return { documents, skipped };
});
