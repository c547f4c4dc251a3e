/**
 * Every kind of file that a filter job writes, damaged in each of three ways after each of its stages: the next run does the work
 * again and ends with the same bytes, and `jobs status --verify` sees the damage before. A sample of it is in test/jobs/same-bytes.test.ts.
 * And death of worker threads in every step.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputHashes } from '../jobs/corpus.ts';
import { damages, isNoticed, oneOfEach, standingOf } from '../jobs/damage-files.ts';
import { copyOf, JobHarness } from '../jobs/job-harness.ts';
import { mixedConfig, writeMixedCorpus } from '../jobs/mixed-corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-damage-'));
const corpus = join(root, 'corpus');
const out = (name: string): string => join(root, name);
let harness: JobHarness;
let expected: Record<string, string>;

beforeAll(async () => {
  await writeMixedCorpus(corpus, { size: 20 });
  const limits = { unitBytes: 16 * 1024, pageUnitBytes: 4096 };
  const signals = ['gopher-quality', 'math', 'url', 'pii', 'regex', 'language'];
  harness = await JobHarness.open(mixedConfig(corpus, false, { signals, limits }));
  await harness.run(out('done'));
  expected = outputHashes(out('done'));
});
afterAll(async () => {
  await harness.close();
  rmSync(root, { recursive: true });
});

/** Damages one file of every kind in copies of `whole`; at least `kinds` of them. */
async function damageEach(whole: string, kinds: number): Promise<void> {
  const files = oneOfEach(whole);
  expect(files.size).toBeGreaterThanOrEqual(kinds);
  const standing = await standingOf(whole);
  for (const path of files.values()) {
    for (const [what, damage] of Object.entries(damages)) {
      const folder = copyOf(whole, out('damaged'));
      damage(join(folder, path));
      expect(await isNoticed(folder, path, standing), `${path} ${what}`).toBe(true);
      await harness.run(folder, { workers: 2 });
      expect(outputHashes(folder), `${path} ${what}`).toEqual(expected);
    }
  }
}

describe('a file of a job that is damaged between two runs is made again', { timeout: 1_800_000 }, () => {
  it('after the first pass', async () => {
    await harness.measure(out('measured'));
    await damageEach(out('measured'), 14);
  });

  it('after the barrier', async () => {
    copyOf(out('measured'), out('deduped'));
    await harness.dedup(out('deduped'));
    await damageEach(out('deduped'), 22);
  });

  it('after the second pass', () => damageEach(out('done'), 24));
});

describe('a filter job whose worker threads die', { timeout: 180_000 }, () => {
  it('writes the same bytes when a task of every step kills its worker thread once', async () => {
    const deaths = out('deaths');
    mkdirSync(deaths);
    process.env.MIDTRAIN_TEST_DEATHS = deaths;
    const dying = await JobHarness.open(harness.config, new URL('../jobs/dying-worker.ts', import.meta.url));
    try {
      await dying.run(out('dying'), { workers: 2 });
      expect(outputHashes(out('dying'))).toEqual(expected);
      expect(readdirSync(deaths).length).toBeGreaterThanOrEqual(5);
    } finally {
      await dying.close();
    }
  });
});
