/** Inputs that could not be read: what `jobs status` says, and the retry after they were mended, which must end as a run that never saw the damage. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { type FilterResult, filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { readJobConfig } from '../../src/jobs/job-folder.ts';
import { jobStatus } from '../../src/jobs/job-status.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';
import { outputHashes, prose } from './corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-retry-'));
const out = (name: string): string => join(root, name);
const good = join(root, 'good.parquet');
const input = join(root, 'b.parquet');
let expected: Record<string, string>;

/** Of the files before the damaged one, in it, a single copy of one of its texts, and after that. */
beforeAll(async () => {
  const lines = (name: string, seeds: number[]): void =>
    writeFileSync(
      join(root, name),
      seeds.map((n) => `${JSON.stringify({ id: `${name}${n}`, text: prose(n, 8) })}\n`).join(''),
    );
  lines('a.jsonl', [1, 2, 3]);
  lines('c.jsonl', [12]);
  lines('d.jsonl', [20, 21, 22]);
  const batch = batchFromVectors({ text: utf8Vector([11, 12, 13, 14].map((n) => prose(n, 8))) });
  const output = new ParquetOutput(good, batch.schema);
  await output.write(batch);
  await output.finish();
  copyFileSync(good, input);
  expected = outputHashes((await run('whole')).folder);
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

const config = () =>
  filterConfigSchema.parse({
    name: 'retry',
    inputs: ['a.jsonl', 'b.parquet', 'c.jsonl', 'd.jsonl'].map((name) => ({ path: join(root, name) })),
    signals: ['gopher-quality'],
    dedup: ['exact'],
    output: { dropped: true },
  });

function run(name: string): Promise<FilterResult> {
  return filterCorpus(config(), { out: out(name), workers: 1 });
}

/** As `midtrain jobs retry` does it. */
function retry(name: string): Promise<FilterResult> {
  const text = readFileSync(join(out(name), 'pipeline.yaml'), 'utf8');
  return filterCorpus(readJobConfig(out(name)).config, { out: out(name), workers: 1, text });
}

describe('a retry', { timeout: 120_000 }, () => {
  it('after a damaged row group was mended also changes units that had a copy of what is in it', async () => {
    const bytes = readFileSync(good);
    bytes.fill(0xff, 40, 400);
    writeFileSync(input, bytes);
    const { complete } = await run('torn');
    expect(complete).toBe(false);
    const before = await jobStatus(out('torn'), { verify: true });
    expect(before).toMatchObject({ state: 'partial', units: 4, finished: 4, damaged: [] });
    expect(before.failing).toHaveLength(1);
    expect(before.failing[0]!.failures[0]).toMatchObject({
      file: input,
      place: expect.stringContaining('row group'),
    });
    const copies = join(out('torn'), 'kept', '0002-c-jsonl-all.parquet');
    expect(existsSync(copies)).toBe(true);
    const untouched = join(out('torn'), 'kept', '0000-a-jsonl-all.parquet');
    const { ino } = statSync(untouched);
    copyFileSync(good, input);
    expect((await retry('torn')).complete).toBe(true);
    expect(existsSync(copies)).toBe(false);
    expect(statSync(untouched).ino).toBe(ino);
    expect(outputHashes(out('torn'))).toEqual(expected);
    expect((await jobStatus(out('torn'), { verify: true })).state).toBe('done');
  });

  it('after a truncated file was replaced does it and the units behind it, and no other', async () => {
    truncateSync(input, 900);
    expect((await run('cut')).complete).toBe(false);
    const before = await jobStatus(out('cut'));
    expect(before).toMatchObject({ state: 'partial', units: 3, finished: 3 });
    expect(before.failing[0]).toMatchObject({ unit: input });
    expect(before.failing[0]!.failures[0]!.problem).toMatch(/cut short/);
    const untouched = join(out('cut'), 'kept', '0000-a-jsonl-all.parquet');
    const { ino } = statSync(untouched);
    copyFileSync(good, input);
    expect((await retry('cut')).complete).toBe(true);
    expect(statSync(untouched).ino).toBe(ino);
    expect(outputHashes(out('cut'))).toEqual(expected);
  });

  it('is refused when an input changed that had been read', async () => {
    truncateSync(input, 900);
    const before = outputHashes(out('cut'));
    await expect(retry('cut')).rejects.toThrow(/b\.parquet had \d+ bytes and has 900/);
    expect(outputHashes(out('cut'))).toEqual(before);
  });
});
