/** What a shared filter job says and does about inputs that changed, are damaged or were mended, counts that are wrong, and who may prepare it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { openFilterBatch, prepareFilterBatch } from '../../src/jobs/batch-filter.ts';
import type { BatchJob, BatchStage } from '../../src/jobs/batch-job.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { prepareFolder } from '../../src/jobs/job-folder.ts';
import { takeShareLock } from '../../src/jobs/job-locks.ts';
import { takeLock } from '../../src/jobs/lock.ts';
import { type MeasuredMarker, readMarker, writeMarker } from '../../src/jobs/markers.ts';
import { planCorpus } from '../../src/jobs/plan-corpus.ts';
import { reopenFilter } from '../../src/jobs/retry-filter.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';
import { drive, nothingGiven, work } from './batch-driver.ts';
import { outputHashes, prose } from './corpus.ts';
import { damages } from './damage-files.ts';
import { copyOf } from './job-harness.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-batch-losses-'));
const out = (name: string): string => join(root, name);
const jsonl = join(root, 'a.jsonl');
const parquet = join(root, 'b.parquet');
const pages = join(root, 'pages');
const page = join(pages, 'p1.html');
let good: Buffer;

beforeAll(async () => {
  const lines = [1, 2, 3, 12].map((n) => `${JSON.stringify({ id: `a${n}`, text: prose(n, 8) })}\n`);
  writeFileSync(jsonl, lines.join(''));
  const batch = batchFromVectors({ text: utf8Vector([11, 12, 13, 14].map((n) => prose(n, 8))) });
  const output = new ParquetOutput(parquet, batch.schema);
  await output.write(batch);
  await output.finish();
  good = readFileSync(parquet);
  mkdirSync(pages);
  for (const n of [0, 1, 2])
    writeFileSync(join(pages, `p${n}.html`), `<html><body><p>${prose(20 + n, 8)}</p></body></html>`);
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (change: object = {}) =>
  filterConfigSchema.parse({
    name: 'losses',
    inputs: [jsonl, parquet, pages].map((path) => ({ path })),
    signals: ['gopher-quality'],
    dedup: ['exact'],
    ...change,
  });

async function stageOf(job: BatchJob): Promise<BatchStage> {
  return (await job.survey(nothingGiven)).stage!;
}

describe('inputs of a shared job', { timeout: 60_000 }, () => {
  it('that changed since the plan are refused by name, by whoever measures them and nobody else', async () => {
    const job = await prepareFilterBatch(config(), { out: out('changed') });
    const [a, b, html] = (await stageOf(job)).items.map(({ id }) => id);
    const attempt = (id: string) => work(job, 'measure', [id]);
    const restore = [jsonl, parquet, page].map((path) => [path, readFileSync(path)] as const);
    writeFileSync(jsonl, readFileSync(jsonl, 'utf8').replace('prime', 'prima'));
    await expect(attempt(a!)).rejects.toThrow(`${jsonl} has another content than when the job was planned`);
    truncateSync(parquet, 900);
    await expect(attempt(b!)).rejects.toThrow(/b\.parquet had \d+ bytes .* has 900/);
    rmSync(parquet);
    await expect(attempt(b!)).rejects.toThrow(/b\.parquet cannot be read any more/);
    writeFileSync(page, readFileSync(page, 'utf8').replace('prime', 'prima'));
    await expect(attempt(html!)).rejects.toThrow(`${pages} has pages of another content`);
    writeFileSync(page, '');
    await expect(attempt(html!)).rejects.toThrow(/pages that had \d+ bytes/);
    rmSync(page);
    await expect(attempt(html!)).rejects.toThrow(/p1\.html cannot be read any more/);
    for (const [path, bytes] of restore) writeFileSync(path, bytes);
    // Files that were put back as they were have not changed, whatever their dates.
    expect(await work(job, 'measure', [a!, b!, html!])).toEqual({ done: 3, left: 0 });
    // What is measured does not need its input any more.
    truncateSync(parquet, 900);
    expect(await work(job, 'measure', [b!])).toEqual({ done: 0, left: 0 });
    writeFileSync(parquet, good);
  });

  it('are pages of unequal sizes in several units: each is compared with what was planned', async () => {
    const uneven = join(root, 'uneven');
    mkdirSync(uneven);
    for (const n of [1, 2, 3, 4])
      writeFileSync(join(uneven, `p${n}.html`), `<html><body><p>${prose(n, n * n * 5)}</p></body></html>`);
    const limits = { pageUnitBytes: statSync(join(uneven, 'p4.html')).size };
    // Two patterns below one folder: the fingerprint of all its pages is of neither, so sizes alone tell.
    for (const inputs of [[uneven], [join(uneven, 'p[12].html'), join(uneven, 'p[34].html')]]) {
      const name = `uneven-${inputs.length}`;
      const paths = inputs.map((path) => ({ path }));
      const job = await prepareFilterBatch(config({ inputs: paths, limits }), { out: out(name) });
      const items = (await stageOf(job)).items.map(({ id }) => id);
      expect(items.length).toBeGreaterThan(1);
      const last = join(uneven, 'p4.html');
      const was = readFileSync(last);
      writeFileSync(last, 'short');
      await expect(work(job, 'measure', items)).rejects.toThrow(/has pages that had \d+ bytes/);
      writeFileSync(last, was);
      expect(await work(job, 'measure', items)).toEqual({ done: items.length, left: 0 });
    }
  });

  it('that are damaged are a loss that holds nothing up; a retry, and a mended file, make it good', async () => {
    const bytes = Buffer.from(good);
    bytes.fill(0xff, 40, 400);
    writeFileSync(parquet, bytes);
    await filterCorpus(config(), { out: out('torn-local'), workers: 1 });
    const job = await prepareFilterBatch(config(), { out: out('torn') });
    const end = await drive(job);
    expect(end.seen).toEqual(['measure', 'compare', 'dedup', 'finish', 'conclude']);
    expect(end.losses).toMatchObject([{ item: '0001-b-parquet-rg0-1', file: parquet }]);
    expect(end.ledger).toMatchObject({ in: 11, failed: { unreadable: 4 } });
    expect(outputHashes(out('torn'))).toEqual(outputHashes(out('torn-local')));
    expect(await reopenFilter(out('torn'))).toEqual([end.losses[0]!.item]);
    const again = await job.survey(nothingGiven);
    expect(again).toMatchObject({ stage: { name: 'measure' }, left: [end.losses[0]!.item] });

    writeFileSync(parquet, good);
    const mended = await prepareFilterBatch(config(), { out: out('torn') });
    expect(mended.plan).not.toBe(job.plan);
    expect((await drive(mended)).losses).toEqual([]);
    await filterCorpus(config(), { out: out('whole'), workers: 1 });
    expect(outputHashes(out('torn'))).toEqual(outputHashes(out('whole')));
  });
});

describe('a survey', { timeout: 60_000 }, () => {
  it('refuses counts that do not balance, by unit and by number', async () => {
    const whole = await openFilterBatch(out('whole'));
    expect((await whole.survey(nothingGiven)).stage).toBeUndefined();
    const wrong = async (change: (ledger: MeasuredMarker['report']['ledger']) => void): Promise<BatchJob> => {
      const folder = copyOf(out('whole'), out('wrong'));
      const path = join(folder, 'units', '0000-a-jsonl-all.measured.json');
      const marker = readMarker<MeasuredMarker>(path, whole.plan)!;
      change(marker.report.ledger);
      await writeMarker(path, marker);
      return openFilterBatch(folder);
    };
    const off = await wrong((ledger) => ledger.kept--);
    await expect(off.survey(nothingGiven)).rejects.toThrow(
      /unit 0000-a-jsonl-all does not balance: 4 documents in, 3 kept, 0 dropped, 0 failed: 1 unaccounted/,
    );
    const fewer = await wrong((ledger) => {
      ledger.in--;
      ledger.kept--;
    });
    await expect(fewer.survey(nothingGiven)).rejects.toThrow(
      /0000-a-jsonl-all of .*a\.jsonl .* knows 4 documents in it, and 3 were measured/,
    );
  });
});

describe('a retry with a look at every file', { timeout: 60_000 }, () => {
  it('opens what is damaged, and nothing else', async () => {
    const folder = copyOf(out('whole'), out('bad'));
    const job = await openFilterBatch(folder);
    expect(await reopenFilter(folder, { verify: true })).toEqual([]);
    expect((await job.survey(nothingGiven)).stage).toBeUndefined();
    damages['with a flipped bit'](join(folder, 'kept', '0000-a-jsonl-all.parquet'));
    expect(await reopenFilter(folder)).toEqual([]);
    expect((await job.survey(nothingGiven)).stage).toBeUndefined();
    expect(await reopenFilter(folder, { verify: true })).toEqual(['0000-a-jsonl-all']);
    expect(await job.survey(nothingGiven)).toMatchObject({
      stage: { name: 'measure' },
      left: ['0000-a-jsonl-all'],
    });
  });
});

describe('preparing a shared job', { timeout: 60_000 }, () => {
  const at = out('prepared');

  it('refuses a limit, and beside ranks at work everything but the job they work on', async () => {
    await expect(prepareFilterBatch(config(), { out: at, limit: 3 })).rejects.toThrow(
      /--limit cannot be shared/,
    );
    const job = await prepareFilterBatch(config(), { out: at });
    const share = { stage: 'measure', items: ['x'] };
    const lock = await takeShareLock(at, share, new AbortController().signal);
    const written = statSync(join(at, 'plan.json')).ino;
    expect((await prepareFilterBatch(config(), { out: at })).plan).toBe(job.plan);
    expect(statSync(join(at, 'plan.json')).ino).toBe(written);
    await expect(prepareFilterBatch(config(), { out: at, fresh: true })).rejects.toThrow(
      /share-measure-.*fresh/,
    );
    const other = config({ dedup: [] });
    await expect(prepareFilterBatch(other, { out: at })).rejects.toThrow(/another plan/);
    lock.release();
    await expect(prepareFilterBatch(other, { out: at })).rejects.toThrow(/holds a job with another plan/);
    expect((await prepareFilterBatch(other, { out: at, fresh: true })).plan).not.toBe(job.plan);
  });

  it('is refused where a job with a limit lies, and work beside a run of the whole job', async () => {
    mkdirSync(out('limited'));
    await prepareFolder(out('limited'), await planCorpus(config(), { limit: 3 }), config(), {});
    await expect(openFilterBatch(out('limited'))).rejects.toThrow(/cannot be shared/);
    const job = await openFilterBatch(out('whole'));
    const lock = takeLock(out('whole'));
    await expect(work(job, 'conclude', ['conclude'])).rejects.toThrow(/another run/);
    lock.release();
    await expect(work(job, 'measure', ['0009-nothing'])).rejects.toThrow(/no unit 0009-nothing/);
    await expect(work(job, 'compare', ['exact/00-0-of-x'])).rejects.toThrow(/no part exact/);
  });

  it('gives a job without dedup steps three stages', async () => {
    const job = await openFilterBatch(at);
    expect((await drive(job)).seen).toEqual(['measure', 'finish', 'conclude']);
    await filterCorpus(config({ dedup: [] }), { out: out('plain'), workers: 1 });
    expect(outputHashes(at)).toEqual(outputHashes(out('plain')));
    await expect(work(job, 'dedup', ['dedup'])).resolves.toEqual({ done: 0, left: 0 });
  });
});
