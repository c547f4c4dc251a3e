/** A filter job with every stage and every kind of input: the same bytes for any number of workers and ranks, whatever is damaged in between. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputHashes } from './corpus.ts';
import { damages, isNoticed, oneOfEach, standingOf } from './damage-files.ts';
import { copyOf, JobHarness } from './job-harness.ts';
import { mixedConfig, writeMixedCorpus } from './mixed-corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-bytes-'));
const corpus = join(root, 'corpus');
const out = (name: string): string => join(root, name);
let harness: JobHarness;
let expected: Record<string, string>;

beforeAll(async () => {
  await writeMixedCorpus(corpus, { size: 16 });
  // Fewer signals than npm run test:crash has: each is a column in many small files.
  const signals = ['gopher-quality', 'url', 'pii', 'regex'];
  const limits = { unitBytes: 16 * 1024, pageUnitBytes: 4096 };
  harness = await JobHarness.open(mixedConfig(corpus, false, { signals, limits }));
  await harness.run(out('one'), { workers: 1 });
  expected = outputHashes(out('one'));
}, 120_000);
afterAll(async () => {
  await harness.close();
  rmSync(root, { recursive: true });
});

describe('a filter job', { timeout: 180_000 }, () => {
  it('has all kinds of output and several units', () => {
    const kinds = oneOfEach(out('one'));
    for (const kind of [
      'kept/parquet',
      'dropped/parquet',
      'dropped/duplicates.parquet',
      'signals/parquet',
      'contamination/jsonl',
    ])
      expect(kinds.has(kind), kind).toBe(true);
    expect(harness.plan.units.length).toBeGreaterThanOrEqual(6);
    expect(new Set(harness.plan.units.map(({ read }) => read.format)).size).toBe(5);
  });

  it('writes the same bytes with 2 and 8 workers', async () => {
    for (const workers of [2, 8]) {
      await harness.run(out(`w${workers}`), { workers });
      expect(outputHashes(out(`w${workers}`))).toEqual(expected);
    }
  });

  it('writes the same bytes for 3 and 5 ranks, at the same time or one after the other', async () => {
    for (const ranks of [3, 5]) {
      const folder = out(`r${ranks}`);
      const runs = Array.from(
        { length: ranks },
        (_, rank) => () => harness.run(folder, { rank: { rank, ranks } }),
      );
      if (ranks === 3) await Promise.all(runs.map((run) => run()));
      else for (const run of runs) await run();
      if (ranks === 5) await harness.dedup(folder);
      if (ranks === 5) for (const run of runs) await run(); // the second pass by ranks too
      await harness.run(folder);
      expect(outputHashes(folder), `${ranks} ranks`).toEqual(expected);
    }
  });
});

/** Kind of file and damage; all kinds, after every stage: test/crash/damage.test.ts. */
const early: [string, keyof typeof damages][] = [
  ['units/measured.json', 'with a flipped bit'],
  ['work/parquet', 'with a flipped bit'],
  ['dedup/survivors', 'missing'],
  ['benchmarks.index', 'with a flipped bit'],
  ['plan.json', 'cut short'],
];
const late: typeof early = [
  ['dedup/minhash/clusters', 'with a flipped bit'],
  ['dedup/drops', 'cut short'],
  ['kept/parquet', 'with a flipped bit'],
];

describe('a file that is damaged between two runs', { timeout: 180_000 }, () => {
  const each = async (whole: string, cases: typeof early): Promise<void> => {
    const standing = await standingOf(whole);
    for (const [kind, what] of cases) {
      const path = oneOfEach(whole).get(kind)!;
      const folder = copyOf(whole, out('damaged'));
      damages[what](join(folder, path));
      expect(await isNoticed(folder, path, standing), `${path} ${what}`).toBe(true);
      await harness.run(folder, { workers: 1 });
      expect(outputHashes(folder), `${path} ${what}`).toEqual(expected);
    }
  };

  it('is made again, in the middle of a job (whose first pass one rank did alone)', async () => {
    await harness.measure(out('measured'));
    await each(out('measured'), early);
  });

  it('is made again when the job was done', () => each(out('one'), late));
});
