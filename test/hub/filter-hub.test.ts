/**
 * A filter job over a large Parquet file on the Hub: footers when it is planned, then each unit's row groups by range requests, through a
 * network that fails; the bytes of the local run, nothing left in the cache, nothing asked for again that is done, and a file that
 * changed is refused.
 */
import '../jobs/compile-cache.ts';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { batchFromVectors, bytesOf, utf8Vector } from '../../src/core/batch.ts';
import type { Emit } from '../../src/core/events.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { filterCorpus, filterRank } from '../../src/jobs/filter-corpus.ts';
import { isOfRank } from '../../src/jobs/rank.ts';
import { sampleDocuments } from '../../src/stages/classify-sample.ts';
import { type FilterConfig, filterConfigSchema } from '../../src/stages/filter-config.ts';
import { scratchFolder } from '../io/scratch.ts';
import { prose } from '../jobs/corpus.ts';
import { type Fault, LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
const groups = 6;
const rowsAGroup = 10;
/** A column that does not compress and lies far enough from the others. */
const rawBytes = 512 * 1024;
const local = join(root, 'local/big.parquet');
const address = 'hf://datasets/me/big/data';
let content: Buffer;
let hub: LoopbackHub;
let commit: string;
let homes = 0;

beforeAll(async () => {
  mkdirSync(join(root, 'local'));
  const batches = Array.from({ length: groups }, (_, group) => {
    const rows = Array.from({ length: rowsAGroup }, (_, i) => group * rowsAGroup + i);
    return batchFromVectors({
      id: utf8Vector(rows.map((i) => `d${i}`)),
      text: utf8Vector(rows.map((i) => prose(i, 30))),
      raw: utf8Vector(rows.map(() => randomBytes(rawBytes / rowsAGroup).toString('latin1'))),
    });
  });
  const output = new ParquetOutput(local, batches[0]!.schema, {
    rowGroupBytes: Math.max(...batches.map(bytesOf)),
  });
  for (const batch of batches) await output.write(batch);
  await output.finish();
  content = readFileSync(local);
  await filterCorpus(pipeline(local), { out: join(root, 'here'), workers: 2 });
}, 60_000);

beforeEach(async () => {
  hub = await new LoopbackHub().start();
  const repository = hub.repository('dataset', 'me/big');
  commit = hub.commit(repository, 'main', new Map([['data/big.parquet', content]]));
  for (const name of ['HF_HUB_CACHE', 'HF_TOKEN', 'HF_HUB_OFFLINE']) vi.stubEnv(name, undefined);
  vi.stubEnv('MIDTRAIN_HUB_PARTS_FROM', '1000000');
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_HOME', join(root, `home-${homes++}`));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
});

/** A unit is a row group. */
function pipeline(path: string): FilterConfig {
  return filterConfigSchema.parse({
    name: 'big',
    inputs: [{ path, source: 'big' }],
    signals: ['gopher-quality'],
    thresholds: { use: [] },
    dedup: 'none',
    limits: { unitBytes: 1024 },
  });
}

/** What the units kept, in unit order. */
function kept(out: string): string[] {
  return readdirSync(join(out, 'kept'))
    .sort()
    .map((name) =>
      createHash('sha256')
        .update(readFileSync(join(out, 'kept', name)))
        .digest('hex'),
    );
}

const storage: Fault['on'] = ({ host, path }) => host === 'storage' && path.includes('/objects/');
/** Ranges that the storage was asked for, in bytes. */
const ranges = (): [number, number][] =>
  hub.log.filter(storage).map(({ range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')!;
    return [Number(from), Number(to)];
  });
const sent = (): number => hub.log.filter(storage).reduce((sum, one) => sum + one.sent, 0);
const cached = (): string[] => {
  const folder = join(process.env.HF_HOME!, 'hub');
  const all = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return all
    .filter((entry) => entry.isFile() && entry.parentPath.includes('/ranges/'))
    .map(({ name }) => name);
};

describe('a filter over a large Parquet file on the Hub', () => {
  it('streams its row groups through every fault to the bytes of the local run', async () => {
    const refuse =
      (code: number): Fault['act'] =>
      (response) => {
        response.writeHead(code, { 'retry-after': '0' }).end();
        return true;
      };
    // Not the footer: it is the last range.
    const ofPart: Fault['on'] = (request) =>
      storage(request) && !request.range!.endsWith(`-${content.length - 1}`);
    hub.faults.push(
      { name: '429', on: ({ path }) => path.includes('/resolve/'), act: refuse(429) },
      { name: '503', on: ofPart, act: refuse(503) },
      {
        name: 'cut',
        on: ofPart,
        act(response, { status, headers, body }) {
          response.writeHead(status, { ...headers, 'content-length': String(body.length) });
          response.write(body.subarray(0, body.length >> 1), () => response.destroy());
          return true;
        },
      },
      {
        name: 'wrong length',
        on: ofPart,
        act(_response, answer) {
          answer.body = answer.body.subarray(0, 1000);
          return false;
        },
      },
    );
    const out = join(root, 'streamed');
    const { plan, complete } = await filterCorpus(pipeline(address), { out, workers: 2 });
    expect(complete).toBe(true);
    expect(hub.injected.sort()).toEqual(['429', '503', 'cut', 'wrong length']);
    expect(kept(out)).toEqual(kept(join(root, 'here')));
    expect(hub.log.filter(storage).every(({ range }) => range !== undefined)).toBe(true);
    // What was read is not kept here; the footer is.
    expect(cached()).toEqual(['footer.parquet']);
    const pinned = `hf://datasets/me/big@${commit}/data/big.parquet`;
    expect(plan.inputs.map(({ path }) => path)).toEqual([pinned]);
    for (const name of ['plan.json', 'run.json']) {
      const text = readFileSync(join(out, name), 'utf8');
      expect(text).toContain(pinned);
      expect(text).not.toContain(process.env.HF_HOME);
    }
  }, 60_000);

  it('reads the first documents by their row group alone, and the columns that are asked for', async () => {
    const out = join(root, 'limited');
    const { summary } = await filterCorpus(pipeline(address), { out, limit: 5 });
    expect(summary.ledger.in).toBe(5);
    // The footer is looked for in the last 256 KiB.
    expect(sent()).toBeLessThan(256 * 1024 + content.length / (groups - 1));
    hub.log.length = 0;
    const drawn = await sampleDocuments({
      inputs: [{ path: address }],
      count: 7,
      stratifyBy: 'none',
      allocation: 'equal',
      minCharacters: 0,
      seed: 1,
      out: join(root, 'sample.parquet'),
      emit: () => {},
    });
    expect(drawn.documents).toBe(7);
    // All texts, and none of the large column.
    expect(sent()).toBeLessThan(content.length / 20);
  }, 60_000);

  it('goes on at the commit it began with, on a machine with another cache, and reads nothing twice', async () => {
    const out = join(root, 'resumed');
    const rank = { rank: 0, ranks: 2 };
    const first = await filterRank(pipeline(address), { out, workers: 2 }, rank);
    expect(first.own).toBeGreaterThan(0);
    expect(first.own).toBeLessThan(groups);
    const done = ranges();
    hub.log.length = 0;
    const other = Buffer.concat([content.subarray(0, 100), randomBytes(content.length)]);
    hub.commit(hub.repositories.get('datasets/me/big')!, 'main', new Map([['data/big.parquet', other]]));
    vi.stubEnv('HF_HOME', join(root, `home-${homes++}`));
    const said: string[] = [];
    const emit: Emit = (event) => void (event.kind === 'message' && said.push(event.text));
    const { plan } = await filterCorpus(pipeline(address), { out, workers: 2, emit });
    expect(said.join('\n')).toContain(`${address} is read at commit ${commit}`);
    expect(plan.inputs[0]!.path).toContain(commit);
    expect(kept(out)).toEqual(kept(join(root, 'here')));
    const isFooter = ([, to]: [number, number]): boolean => to === content.length - 1;
    const again = ranges().filter((range) => !isFooter(range));
    expect(again.length).toBe(plan.units.filter(({ name }) => !isOfRank(name, rank)).length);
    for (const [from, to] of again)
      for (const [start, end] of done.filter((range) => !isFooter(range)))
        expect(to < start || from > end).toBe(true);
    // Anew, it is the other file, which is none.
    await expect(
      filterCorpus(pipeline(address), { out, workers: 2, fresh: true }).then(({ plan }) => plan.unreadable),
    ).resolves.toEqual([
      expect.objectContaining({ problem: expect.stringContaining('not a Parquet file') as string }),
    ]);
  }, 60_000);

  it('is killed in a row group: what came of it is there, and what was read to its end is gone', async () => {
    const out = join(root, 'stopped');
    const stop = new AbortController();
    let parts = 0;
    hub.faults.push({
      name: 'stop',
      times: groups,
      on: (request) => storage(request) && !request.range!.endsWith(`-${content.length - 1}`) && ++parts > 2,
      act() {
        stop.abort();
        return false;
      },
    });
    await expect(filterCorpus(pipeline(address), { out, workers: 1, signal: stop.signal })).rejects.toThrow(
      /interrupted|stopped/i,
    );
    hub.faults.length = 0;
    const before = ranges();
    hub.log.length = 0;
    await filterCorpus(pipeline(address), { out, workers: 1 });
    const asked = new Set(ranges().map(String));
    for (const range of before.slice(0, 3)) expect(asked.has(String(range))).toBe(false);
    expect(kept(out)).toEqual(kept(join(root, 'here')));
    expect(cached()).toEqual(['footer.parquet']);
  }, 60_000);

  it('refuses a file that is another than was planned, and does the unit when it is back', async () => {
    const out = join(root, 'changed');
    const config = pipeline(address);
    config.limits.unitBytes = 1 << 30;
    hub.faults.push({
      name: 'other ETag',
      times: 2,
      on: ({ path, range }) => path.includes('/resolve/') && !range!.endsWith(`-${content.length - 1}`),
      act(_response, answer) {
        answer.headers['x-linked-etag'] = `"${'0'.repeat(64)}"`;
        return false;
      },
    });
    const first = await filterCorpus(config, { out, workers: 1 });
    expect(first.complete).toBe(false);
    expect(first.summary.failures).toEqual([
      expect.objectContaining({
        file: `hf://datasets/me/big@${commit}/data/big.parquet`,
        problem: expect.stringMatching(/is not the file that was planned: .*ETag 0000/) as string,
      }),
    ]);
    const second = await filterCorpus(config, { out, workers: 1 });
    expect(second.complete).toBe(true);
    expect(second.summary.ledger.in).toBe(groups * rowsAGroup);
  }, 60_000);
});
