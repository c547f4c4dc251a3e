/** What a filter job refuses, and what it says about input that it cannot read. */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imbalance, type Ledger } from '../../src/core/ledger.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { corpusConfig, writeCorpus } from './corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-refuse-'));
const corpus = join(root, 'corpus');
const out = (name: string): string => join(root, name);
beforeAll(() => writeCorpus(corpus));
afterAll(() => rmSync(root, { recursive: true }));

describe('filterCorpus', { timeout: 120_000 }, () => {
  it('refuses a second run in the same folder', async () => {
    const first = filterCorpus(corpusConfig(corpus), { out: out('twice'), workers: 1 });
    const second = filterCorpus(corpusConfig(corpus), { out: out('twice'), workers: 1 });
    const results = await Promise.allSettled([first, second]);
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(String((failed[0] as PromiseRejectedResult).reason)).toContain('another run');
    expect(readRecord(out('twice')).status).toBe('done');
  });

  it('refuses a folder that holds a job with another plan, says what changed, and starts anew with fresh', async () => {
    const changed = corpusConfig(corpus, {
      thresholds: { use: ['gopher-quality'], set: { 'gopher.word_count': { min: 5 } } },
    });
    await expect(filterCorpus(changed, { out: out('twice') })).rejects.toThrow(/gopher.word_count min 5/);
    await filterCorpus(changed, { out: out('twice'), fresh: true, workers: 1 });
    const { summary } = readRecord(out('twice'));
    expect(Object.keys((summary.ledger as Ledger).dropped).sort()).toEqual(['duplicate_exact', 'empty_text']);
  });

  it('refuses a folder that is not a filter job', async () => {
    const folder = mkdtempSync(join(root, 'mine-'));
    writeFileSync(join(folder, 'thesis.txt'), 'years of work');
    await expect(filterCorpus(corpusConfig(corpus), { out: folder, fresh: true })).rejects.toThrow(
      /thesis.txt/,
    );
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
  });

  it('counts what it cannot read, goes on with the rest, and tries it again in the next run', async () => {
    const bad = join(root, 'bad');
    cpSync(corpus, bad, { recursive: true });
    const parquet = readFileSync(join(bad, 'b.parquet'));
    parquet.fill(0xff, 2000, 2400); // inside a row group; the footer stays whole
    writeFileSync(join(bad, 'b.parquet'), parquet);
    appendFileSync(join(bad, 'a.jsonl'), '{"text": cut\n');
    cpSync(join(corpus, 'b.parquet'), join(bad, 'c.parquet'));
    truncateSync(join(bad, 'c.parquet'), 3000);
    const config = corpusConfig(bad);
    config.inputs.push({ path: join(bad, 'c.parquet'), format: 'auto', columns: {} });
    const result = await filterCorpus(config, { out: out('bad-run'), workers: 2 });
    expect(result.complete).toBe(false);
    const { ledger, failures } = result.summary;
    expect(imbalance(ledger)).toBe(0);
    // 90 documents, one line that is not JSON, one file that cannot be opened.
    expect(ledger.in).toBe(92);
    expect(ledger.failed.unreadable).toBeGreaterThanOrEqual(3);
    expect(
      failures.some(({ file, problem }) => file.endsWith('c.parquet') && problem.includes('cut short')),
    ).toBe(true);
    expect(failures.some(({ file, place }) => file.endsWith('a.jsonl') && place === 'line 41')).toBe(true);
    expect(
      failures.some(({ file, place }) => file.endsWith('b.parquet') && place!.includes('row group')),
    ).toBe(true);
    expect(result.summary.unfinishedUnits).toBeGreaterThanOrEqual(1);
    const again = await filterCorpus(config, { out: out('bad-run'), workers: 1 });
    expect(again.summary.ledger).toEqual(ledger);
  });
});
