/** A filter job done in shares: the bytes of a local run, whoever does what, however often a share is killed, and whatever is damaged. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFilterBatch, prepareFilterBatch } from '../../src/jobs/batch-filter.ts';
import type { BatchStage } from '../../src/jobs/batch-job.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { jobStatus } from '../../src/jobs/job-status.ts';
import { drive, itemsOf, nothingGiven, runShare, work } from './batch-driver.ts';
import { outputHashes } from './corpus.ts';
import { damages, oneOfEach } from './damage-files.ts';
import { copyOf } from './job-harness.ts';
import { mixedConfig, writeMixedCorpus } from './mixed-corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-batch-'));
const corpus = join(root, 'corpus');
const out = (name: string): string => join(root, name);
const config = () => {
  const limits = { unitBytes: 16 * 1024, pageUnitBytes: 4096 };
  return mixedConfig(corpus, false, { signals: ['gopher-quality', 'url', 'pii', 'regex'], limits });
};
let expected: Record<string, string>;

beforeAll(async () => {
  await writeMixedCorpus(corpus, { size: 12 });
  await filterCorpus(config(), { out: out('local'), workers: 2 });
  expected = outputHashes(out('local'));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

describe('a filter job in shares', { timeout: 120_000 }, () => {
  it('leaves the bytes of a local run: ranks in any order, side by side, killed and done again, drained', async () => {
    const folder = out('shares');
    const job = await prepareFilterBatch(config(), { out: folder });
    const given = new Map<string, BatchStage>();
    const first = await job.survey(given);
    expect(first).toMatchObject({ stage: { name: 'measure', alone: false }, passed: [], losses: [] });
    const measure = first.stage!;
    given.set('measure', measure);

    // Two processes at a time, of which the other is killed when a unit is through.
    const [a, b] = [itemsOf(measure, 0, 2), itemsOf(measure, 1, 2)];
    const [killed, other] = await Promise.all([
      runShare({ folder, stage: 'measure', items: a, dieAfter: 1 }),
      work(job, 'measure', b),
    ]);
    expect(killed).toBeUndefined();
    expect(other).toEqual({ done: b.length, left: 0 });
    const status = await jobStatus(folder);
    expect(status.holders).toMatchObject([{ lock: expect.stringMatching(/^share-measure-/), alive: false }]);
    const { left } = await job.survey(given);
    expect(left.every((id) => a.includes(id))).toBe(true);

    // A share that is drained before it begins does nothing, and the next does the rest.
    expect(await work(job, 'measure', left, AbortSignal.abort())).toEqual({ done: 0, left: left.length });
    expect(await work(job, 'measure', a)).toEqual({ done: left.length, left: 0 });

    const compared = await drive(job, { ranks: 2, until: 'dedup', given });
    expect(compared.seen).toEqual(['compare']);
    expect(compared.ledger!.in).toBe(compared.ledger!.kept + sumOf(compared.ledger!.dropped));
    // A process that only knows the folder goes on.
    const end = await drive(await openFilterBatch(folder), { ranks: 2, given });
    expect(end.seen).toEqual(['dedup', 'finish', 'conclude']);
    expect(end.problems).toEqual([]);
    expect(end.passed.map(({ name }) => name)).toEqual(['measure', 'compare', 'dedup', 'finish', 'conclude']);
    expect(outputHashes(folder)).toEqual(expected);
    expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ status: 'done' });
    expect(await jobStatus(folder, { verify: true })).toMatchObject({ state: 'done', holders: [] });
  });

  it('finds what was damaged where it is relied on, and goes back to the stage that makes it', async () => {
    const folder = out('damaged');
    const job = await prepareFilterBatch(config(), { out: folder });
    const given = new Map<string, BatchStage>();
    await drive(job, { until: 'compare', given });
    const damage = async (...kinds: string[]): Promise<void> => {
      const { stage } = await job.survey(given);
      for (const kind of kinds)
        damages['with a flipped bit'](join(folder, oneOfEach(folder).get(kind) ?? kind));
      // A survey reads no contents.
      expect((await job.survey(given)).stage?.name).toBe(stage!.name);
    };
    const goOn = async (until: string): Promise<string[]> => (await drive(job, { until, given })).seen;
    await damage('dedup/minhash/signatures');
    expect(await goOn('dedup')).toEqual(['compare', 'measure', 'compare']);
    await damage('dedup/minhash/edges/00-0-of-1.edges', 'dedup/survivors', 'signals/parquet');
    expect(await goOn('finish')).toEqual(['dedup', 'measure', 'dedup', 'compare', 'dedup']);
    await damage('work/parquet', 'dedup/drops');
    expect(await goOn('conclude')).toEqual(['finish', 'measure', 'dedup', 'finish']);
    expect(await goOn('')).toEqual(['conclude']);
    expect(outputHashes(folder)).toEqual(expected);
  });

  it('loses of a stage only what has no marker', async () => {
    const folder = copyOf(out('local'), out('markers'));
    const job = await openFilterBatch(folder);
    expect((await job.survey(nothingGiven)).stage).toBeUndefined();
    const again = async (path: string): Promise<[string | undefined, number]> => {
      rmSync(join(folder, path));
      const { stage, left } = await job.survey(nothingGiven);
      return [stage?.name, left.length];
    };
    expect(await again('ledger.json')).toEqual(['conclude', 1]);
    expect(await again(oneOfEach(folder).get('units/ledger.json')!)).toEqual(['measure', 1]); // work/ is gone
    expect(await again('dedup/done.json')).toEqual(['dedup', 1]);
    const end = await drive(job);
    expect(end.stage).toBeUndefined();
    expect(outputHashes(folder)).toEqual(expected);
  });
});

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
