/** The stages of a filter job beyond rules: ranks, near-duplicates with a priority, decontamination, gates, masking, transforms. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { type Ledger, sumCounts } from '../../src/core/ledger.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { filterCorpus, filterRank } from '../../src/jobs/filter-corpus.ts';
import { readJobConfig } from '../../src/jobs/job-folder.ts';
import { jobStatus } from '../../src/jobs/job-status.ts';
import { takeLock } from '../../src/jobs/lock.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';
import { corpusConfig, outputHashes, prose, writeCorpus } from './corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-stages-'));
const out = (name: string): string => join(root, name);
afterAll(() => rmSync(root, { recursive: true }));

type Row = Record<string, unknown>;

async function rowsOf(folder: string, sub: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of readdirSync(join(folder, sub)).sort()) {
    const file = await openParquet(join(folder, sub, name));
    for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length])) {
      if (item.kind === 'failed') throw new Error(item.problem);
      rows.push(...asObjects(item.records));
    }
    await file.handle.close();
  }
  return rows;
}

function asObjects(records: RecordBatch): Row[] {
  return Array.from({ length: records.numRows }, (_, row) =>
    Object.fromEntries(
      records.schema.fields.map(({ name }) => [name, records.getChild(name)!.get(row) as unknown]),
    ),
  );
}

function writeLines(name: string, records: readonly object[]): string {
  mkdirSync(root, { recursive: true });
  const path = join(root, name);
  writeFileSync(path, `${records.map((record) => JSON.stringify(record)).join('\n')}\n`);
  return path;
}

/** That they give the same bytes: same-bytes.test.ts. */
describe('ranks', { timeout: 120_000 }, () => {
  const corpus = join(root, 'corpus');
  const config = () => corpusConfig(corpus, { dedup: ['exact', { step: 'minhash', preset: 'datatrove' }] });
  let expected: Record<string, string>;

  beforeAll(async () => {
    await writeCorpus(corpus);
    await filterCorpus(config(), { out: out('whole'), workers: 1 });
    expected = outputHashes(out('whole'));
  }, 120_000);

  it('work side by side, tell their state, and give way to no run of the whole job, which completes theirs', async () => {
    const folder = out('side');
    const share = (rank: number) => filterRank(config(), { out: folder, workers: 1 }, { rank, ranks: 3 });
    const shares = await Promise.all([share(0), share(1)]);
    const between = await jobStatus(folder);
    expect(between).toMatchObject({ state: 'unfinished', finished: 0, holders: [] });
    expect(between.measured).toBe(shares[0]!.own + shares[1]!.own);
    expect(between.measured).toBeLessThan(between.units);
    const held = takeLock(folder, 'rank-1-of-3.lock');
    await expect(filterCorpus(config(), { out: folder })).rejects.toThrow(/rank-1-of-3/);
    held.release();
    const stored = readJobConfig(folder);
    const text = readFileSync(join(folder, 'pipeline.yaml'), 'utf8');
    await filterCorpus(stored.config, { out: folder, workers: 1, text });
    expect(outputHashes(folder)).toEqual(expected);
    const after = await jobStatus(folder, { verify: true });
    expect(after).toMatchObject({ state: 'done', finished: after.units, damaged: [], holders: [] });
    // With the barrier done a rank finds its units finished.
    expect((await share(2)).finished).toBe(after.units);
    rmSync(join(folder, 'kept', readdirSync(join(folder, 'kept'))[0]!));
    expect((await jobStatus(folder, { verify: true })).damaged).toHaveLength(1);
  });
});

describe('dedup steps', { timeout: 60_000 }, () => {
  const long = (seed: number): string => prose(seed, 30);
  const near = (text: string, extra: string): string => `${text}\n${extra}.`;
  const records = [
    { id: 'a', url: 'http://x.org/a', text: long(1) },
    { id: 'a-longer', url: 'http://x.org/a2', text: near(long(1), 'and a point') },
    { id: 'a-same', url: 'http://x.org/a3', text: long(1) },
    { id: 'b', url: 'http://x.org/b', text: long(2) },
    { id: 'c', url: 'HTTP://X.org:80/b', text: long(3) },
    { id: 'short', url: null, text: 'the of' },
    { id: 'd', url: null, text: long(4) },
  ];

  it('drop by step and reason, keep the copy with priority, and store clusters of all documents', async () => {
    const path = writeLines('copies.jsonl', records);
    const config = filterConfigSchema.parse({
      name: 'copies',
      inputs: [{ path }],
      signals: ['gopher-quality'],
      thresholds: { use: ['gopher-quality'] },
      dedup: ['exact', 'url', { step: 'minhash', keep: 'longest' }],
      output: { dropped: true },
    });
    const { summary } = await filterCorpus(config, { out: out('copies'), workers: 1 });
    expect(summary.ledger.dropped).toEqual({
      duplicate_exact: 1,
      duplicate_minhash: 1,
      duplicate_url: 1,
      gopher_short_doc: 1,
    });
    const kept = await rowsOf(out('copies'), 'kept');
    expect(kept.map((row) => row.id)).toEqual(['a-longer', 'b', 'd']);
    const [a, b, d] = kept;
    expect(a).toMatchObject({ 'dedup.minhash.cluster': 0n, 'dedup.minhash.size': 3 });
    expect(b).toMatchObject({ 'dedup.url.cluster': 3n, 'dedup.url.size': 2, 'dedup.exact.size': 1 });
    expect(d).toMatchObject({ 'dedup.minhash.cluster': 6n, 'dedup.minhash.size': 1 });
    const dropped = await rowsOf(out('copies'), 'dropped');
    expect(Object.fromEntries(dropped.map((row) => [row.id, row['verdict.reason']]))).toEqual({
      a: 'duplicate_minhash',
      'a-same': 'duplicate_exact',
      c: 'duplicate_url',
      short: 'gopher_short_doc',
    });
    expect(summary.stages.map(({ name, ledger }) => [name, ledger.in, ledger.kept])).toEqual([
      ['rules', 7, 6],
      ['dedup exact', 6, 5],
      ['dedup url', 5, 4],
      ['dedup minhash', 4, 3],
    ]);
    const stored = JSON.parse(readFileSync(join(out('copies'), 'ledger.json'), 'utf8')) as Ledger;
    expect(stored.in).toBe(stored.kept + sumCounts(stored.dropped));
  });

  it('writes a row of signals for every document, with margins beside the kept ones', async () => {
    const signals = await rowsOf(out('copies'), 'signals');
    expect(signals.map((row) => row.id)).toEqual(records.map(({ id }) => id));
    expect(signals[0]!['text.bytes']).toBe(Buffer.byteLength(records[0]!.text));
    expect(signals[5]!['gopher.word_count']).toBe(2);
    const [kept] = await rowsOf(out('copies'), 'kept');
    expect(kept!['margin.gopher_short_doc']).toBeCloseTo((kept!['gopher.word_count'] as number) - 50, 3);
  });
});

describe('decontamination', { timeout: 60_000 }, () => {
  it('drops what shares an n-gram with an item, and says which', async () => {
    const problem =
      'Marta keeps forty two pigeons in a loft behind the mill and sells every third one of them at the autumn fair how many are left';
    const benchmark = writeLines('bench.jsonl', [
      { question: problem, answer: 'She keeps twenty eight of them. #### 28' },
    ]);
    const path = writeLines('dirty.jsonl', [
      { id: 'clean', text: prose(7, 12) },
      { id: 'dirty', text: `${prose(8, 6)}\n${problem}?\n${prose(9, 6)}` },
    ]);
    const config = filterConfigSchema.parse({
      name: 'decontaminate',
      inputs: [{ path }],
      signals: ['gopher-quality'],
      decontaminate: { benchmarks: [{ card: 'pigeons', path: benchmark }] },
    });
    const { summary } = await filterCorpus(config, { out: out('clean'), workers: 1 });
    expect(summary.ledger.dropped).toEqual({ contaminated: 1 });
    expect(summary.contamination!.documents.exact).toBe(1);
    const lines = readFileSync(join(out('clean'), 'contamination.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      id: 'dirty',
      benchmark: 'pigeons',
      item: '0',
      kind: 'exact',
    });
  });
});

describe('gates and transforms', { timeout: 60_000 }, () => {
  const records = [
    { id: 'good', text: `${prose(21, 12)}\nWrite to anna.berg@uni-mainz.de now.`, quality: 4 },
    { id: 'poor', text: prose(22, 12), quality: 1 },
    { id: 'short', text: 'the of', quality: 5 },
  ];

  it('measure behind the gate only what the rules leave; elsewhere the signal is null', async () => {
    const path = writeLines('scored.jsonl', records);
    const config = filterConfigSchema.parse({
      name: 'gate',
      inputs: [{ path }],
      signals: ['gopher-quality', 'pii'],
      classifiers: [{ name: 'quality', model: 'column:quality', label: 'good' }],
      thresholds: {
        use: ['gopher-quality'],
        set: { 'classifier.quality': { min: 3, reason: 'low_quality' } },
      },
      transform: ['mask-pii'],
      output: { dropped: true },
    });
    const { summary } = await filterCorpus(config, { out: out('gate'), workers: 1 });
    expect(summary.ledger.dropped).toEqual({ gopher_short_doc: 1, low_quality: 1 });
    const signals = await rowsOf(out('gate'), 'signals');
    expect(signals.map((row) => row['classifier.quality'])).toEqual([4, 1, null]);
    const [kept] = await rowsOf(out('gate'), 'kept');
    expect(kept!['pii.email_count']).toBe(1);
    expect(kept!.text).not.toContain('anna.berg');
    expect(String(kept!.text).startsWith(prose(21, 12))).toBe(true);
  });

  it('refuse a classifier column that is not there or holds no numbers', async () => {
    const path = writeLines(
      'unscored.jsonl',
      records.map(({ id, text }) => ({ id, text })),
    );
    const parsed = (column: string) =>
      filterConfigSchema.parse({
        name: 'gate',
        inputs: [{ path }],
        signals: ['gopher-quality'],
        classifiers: [{ name: 'quality', model: `column:${column}`, label: 'good', gate: 'none' }],
      });
    await expect(filterCorpus(parsed('quality'), { out: out('g1'), workers: 1 })).rejects.toThrow(/quality/);
    await expect(filterCorpus(parsed('text'), { out: out('g2'), workers: 1 })).rejects.toBeInstanceOf(
      UserError,
    );
  });

  it('say what rules would have dropped without masking', async () => {
    const formula = String.raw`\begin{align} a_1 &= b_1 + c_1 \\ a_2 &= b_2 + c_2 \\ a_3 &= b_3 + c_3 \end{align}`;
    const text = `${prose(31, 6)}\n${Array.from({ length: 6 }, () => `So we have that ${formula}.`).join('\n')}\n${prose(32, 6)}`;
    const path = writeLines('derivation.jsonl', [
      { id: 'derivation', text },
      { id: 'plain', text: prose(33, 12) },
    ]);
    const config = filterConfigSchema.parse({
      name: 'masks',
      inputs: [{ path }],
      signals: ['gopher-quality', 'gopher-repetition', 'c4'],
      math: 'masked',
      thresholds: { use: ['gopher-repetition', 'c4-fineweb'] },
    });
    const { summary } = await filterCorpus(config, { out: out('masks'), workers: 1 });
    const curly = summary.rules.find((rule) => rule.reason === 'curly_bracket')!;
    expect([curly.failing, curly.unmasked]).toEqual([0, 1]);
    expect(summary.keptByMasking).toBe(summary.ledger.kept === 2 ? 1 : 0);
  });
});
