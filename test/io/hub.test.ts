/**
 * Inputs on the Hub, against a fake one: listing, downloading with every kind of interruption, the cache, and where the token goes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { type HubOptions, parseHubAddress } from '../../src/io/hub.ts';
import { ownName } from '../../src/io/hub-download.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead, type ReadPlan } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { columnValues } from '../core/arrow-values.ts';
import { commit, type FakeHub, fakeHub } from './fake-hub.ts';
import { scratchFolder } from './scratch.ts';

const scratch = scratchFolder();
let caches = 0;
let hub: FakeHub | undefined;

afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

async function parquet(texts: string[]): Promise<Buffer> {
  const path = join(scratch, 'made.parquet');
  const records = batchFromVectors({ text: utf8Vector(texts) });
  const output = new ParquetOutput(path, records.schema);
  await output.write(records);
  await output.finish();
  return readFileSync(path);
}

const lines = Array.from({ length: 3000 }, (_, i) => JSON.stringify({ text: `line ${i}` })).join('\n');

async function start(token?: string): Promise<{ hub: FakeHub; options: HubOptions; cache: string }> {
  const files = {
    'README.md': '# data',
    '.gitattributes': 'x',
    'data/train-00000-of-00002.jsonl': '{"text":"a"}\n{"text":"b"}',
    'data/train-00001-of-00002.jsonl': '{"text":"c"}',
    'data/test-00000-of-00001.parquet': await parquet(['t']),
    'raw/lines.jsonl': lines,
  };
  const large = Object.keys(files).filter((path) => path.startsWith('data/'));
  hub = await fakeHub(files, large, token);
  const cache = join(scratch, `cache-${caches++}`);
  return {
    hub,
    cache,
    options: {
      endpoint: hub.endpoint,
      cacheFolder: cache,
      backoffMs: 1,
      retries: 3,
      ...(token === undefined ? {} : { token }),
    },
  };
}

async function texts(plan: ReadPlan, hub: HubOptions): Promise<unknown[]> {
  const out: unknown[] = [];
  for (const unit of plan.units)
    for await (const item of readUnit(unit, { hub }))
      if (item.kind === 'batch') out.push(...columnValues(item.batch.records.getChild('text')!.data[0]!));
  return out;
}

const blobs = (cache: string): string => join(cache, 'datasets--owner--name', 'blobs');

describe('an input on the Hub', () => {
  it('is listed over pages, chosen by pattern, fetched through the redirect and read', async () => {
    const { options, cache } = await start();
    const plan = await planRead([{ path: 'hf://datasets/owner/name/data/train-*.jsonl' }], {
      hub: options,
    });
    expect(await texts(plan, options)).toEqual(['a', 'b', 'c']);
    expect(plan.units[0]).toMatchObject({
      label: 'owner/name/data/train-00000-of-00002.jsonl',
      source: 'owner/name',
    });
    expect(plan.inputs[0]).toMatchObject({
      path: `hf://datasets/owner/name@${commit}/data/train-00000-of-00002.jsonl`,
    });
    expect(plan.inputs[0]!.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    // The layout of huggingface_hub.
    const root = join(cache, 'datasets--owner--name');
    expect(readFileSync(join(root, 'refs', 'main'), 'utf8')).toBe(commit);
    const link = join(root, 'snapshots', commit, 'data', 'train-00000-of-00002.jsonl');
    expect(readlinkSync(link)).toBe(join('..', '..', '..', 'blobs', plan.inputs[0]!.fingerprint));
  });

  it('can be a folder, a file at a tag, or the whole data set', async () => {
    const { options } = await start();
    const rows = async (path: string): Promise<number> =>
      (await texts(await planRead([{ path }], { hub: options }), options)).length;
    expect(await rows('hf://datasets/owner/name/data')).toBe(4);
    expect(await rows('hf://datasets/owner/name@v1.0/raw/lines.jsonl')).toBe(3000);
    expect(await rows('hf://datasets/owner/name/**/*.jsonl')).toBe(3003);
    expect(await rows('hf://datasets/owner/name')).toBe(3004);
  });

  it('is fetched once, and again where another machine reads the plan', async () => {
    const { options, hub } = await start();
    const path = 'hf://datasets/owner/name/raw';
    await planRead([{ path }], { hub: options });
    const before = hub.log.filter(({ path }) => path.includes('lines')).length;
    const plan = await planRead([{ path }], { hub: options });
    expect(hub.log.filter(({ path }) => path.includes('lines')).length).toBe(before);
    const elsewhere = { ...options, cacheFolder: join(scratch, `cache-${caches++}`) };
    expect(JSON.stringify(plan)).not.toContain(scratch);
    expect(await texts(plan, elsewhere)).toHaveLength(3000);
  });

  it('that is pages is named by its address, and fetched again where another machine reads the plan', async () => {
    const page = (text: string): string => `<html><body><p>${text}</p></body></html>`;
    hub = await fakeHub({ 'pages/a.html': page('one'), 'pages/b.html': page('two') }, []);
    const own = (name: string): HubOptions => ({
      endpoint: hub!.endpoint,
      cacheFolder: join(scratch, `${name}-${caches++}`),
      backoffMs: 1,
    });
    const plan = await planRead([{ path: 'hf://datasets/owner/name/pages' }], { hub: own('here') });
    expect(plan.inputs.map(({ path }) => path)).toEqual([`hf://datasets/owner/name@${commit}/pages`]);
    expect(JSON.stringify(plan)).not.toContain(scratch);
    const found: unknown[] = [];
    for (const unit of plan.units)
      for await (const item of readUnit(unit, { hub: own('elsewhere') }))
        if (item.kind === 'batch') found.push(...columnValues(item.batch.records.getChild('html')!.data[0]!));
    expect(found).toEqual([page('one'), page('two')]);
  });

  it('survives broken connections, overload and a server without ranges', async () => {
    const { options, hub } = await start();
    let n = 0;
    hub.fault = (request, response, body) => {
      n++;
      if (n % 3 === 0) {
        response.writeHead(503, { 'retry-after': '0' }).end();
        return true;
      }
      if (body === undefined || body.length < 2000) return false;
      // Half of what is asked for, then the connection breaks.
      hub.ranges = n % 5 !== 0;
      const ranged = request.headers.range !== undefined && body.length < lines.length;
      response.writeHead(ranged ? 206 : 200, { 'content-length': body.length });
      response.write(body.subarray(0, body.length >> 1), () => response.destroy());
      return true;
    };
    // What a broken connection had brought may be lost with it.
    const patient = { ...options, retries: 12 };
    const plan = await planRead([{ path: 'hf://datasets/owner/name/raw' }], { hub: patient });
    expect(plan.failures).toEqual([]);
    expect(await texts(plan, patient)).toHaveLength(3000);
    expect(hub.log.some(({ range }) => range !== undefined)).toBe(true);
  });

  it('goes on where an earlier run was killed', async () => {
    const { options, hub, cache } = await start();
    mkdirSync(blobs(cache), { recursive: true });
    const first = await planRead([{ path: 'hf://datasets/owner/name/raw' }], {
      hub: { ...options, cacheFolder: join(scratch, 'other') },
    });
    const { fingerprint } = first.inputs[0]!;
    // Of a process that is no more. Those of another machine, where that number may be alive, and of Python's older clients may be written to.
    const gone = ownName().replace(/\.\d+-\d+$/, '.999999999-0');
    writeFileSync(join(blobs(cache), `${fingerprint}.incomplete.${gone}`), lines.slice(0, 1000));
    const others = [`${fingerprint}.incomplete`, `${fingerprint}.incomplete.0123456789ab.999999999-0`];
    for (const name of others) writeFileSync(join(blobs(cache), name), lines.slice(0, 500));
    hub.log.length = 0;
    expect(
      await texts(await planRead([{ path: 'hf://datasets/owner/name/raw' }], { hub: options }), options),
    ).toHaveLength(3000);
    expect(hub.log.map(({ range }) => range)).toContain('bytes=1000-');
    expect(readdirSync(blobs(cache)).sort()).toEqual([fingerprint, ...others]);
    for (const name of others)
      expect(readFileSync(join(blobs(cache), name), 'utf8')).toBe(lines.slice(0, 500));
  });

  it('that arrives damaged is fetched again, and refused when it stays so', async () => {
    const { options, hub, cache } = await start();
    let bad = 1;
    hub.fault = (_request, response, body) => {
      if (body === undefined || bad-- <= 0) return false;
      response.end(Buffer.alloc(body.length, 'x'));
      return true;
    };
    expect(
      await texts(await planRead([{ path: 'hf://datasets/owner/name/raw' }], { hub: options }), options),
    ).toHaveLength(3000);
    bad = Number.POSITIVE_INFINITY;
    const { failures } = await planRead([{ path: 'hf://datasets/owner/name/data/test-*' }], { hub: options });
    expect(failures).toEqual([
      expect.objectContaining({ problem: expect.stringMatching(/fails its checksum/) as string }),
    ]);
    expect(readdirSync(join(cache, 'datasets--owner--name', 'snapshots', commit))).not.toContain(
      'test-00000-of-00001.parquet',
    );
  });

  it('sends the token to the Hub and not to the storage, and keeps it nowhere', async () => {
    const { options, hub, cache } = await start('hf_secret');
    const plan = await planRead([{ path: 'hf://datasets/owner/name/data' }], { hub: options });
    expect(plan.failures).toEqual([]);
    expect(hub.log.filter(({ host }) => host === 'hub').every(({ token }) => token)).toBe(true);
    const stored = hub.log.filter(({ host }) => host === 'storage');
    expect(stored.length).toBe(3);
    expect(stored.some(({ token }) => token)).toBe(false);
    expect(JSON.stringify(plan)).not.toContain('hf_secret');
    expect(existsSync(join(cache, 'token'))).toBe(false);
  });

  it('that is missing, closed or unreachable is an error with the cure', async () => {
    const { options, hub } = await start('hf_secret');
    const plan = (path: string, more: HubOptions = {}): Promise<ReadPlan> =>
      planRead([{ path }], { hub: { ...options, ...more } });
    await expect(plan('hf://datasets/owner/other')).rejects.toThrow(
      /no such repository, revision or file \(404\)/,
    );
    await expect(plan('hf://datasets/owner/name@nope')).rejects.toThrow(/404/);
    await expect(plan('hf://datasets/owner/name/nothing/*.parquet')).rejects.toThrow(
      /none is meant by this path/,
    );
    await expect(plan('hf://datasets/owner')).rejects.toThrow(/not an address of a data set/);
    await expect(plan('hf://datasets/owner/name', { token: 'wrong' })).rejects.toMatchObject({
      hint: expect.stringMatching(/HF_TOKEN/) as string,
    });
    hub.fault = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    await expect(plan('hf://datasets/owner/name')).rejects.toThrow(/answers 500, 4 times/);
    await expect(
      plan('hf://datasets/owner/name', { endpoint: 'http://127.0.0.1:9', retries: 1 }),
    ).rejects.toThrow(/cannot be reached/);
  });
});

describe('parseHubAddress', () => {
  it('knows revisions and refuses what could leave the repository', () => {
    expect(parseHubAddress('hf://datasets/a/b@refs%2Fpr%2F1/x/y.parquet')).toEqual({
      dataset: 'a/b',
      revision: 'refs/pr/1',
      path: 'x/y.parquet',
    });
    expect(parseHubAddress('hf://datasets/a/b/')).toEqual({ dataset: 'a/b', revision: 'main', path: '' });
    for (const bad of ['hf://datasets/../b', 'hf://models/a/b', 'hf://datasets/a'])
      expect(() => parseHubAddress(bad)).toThrow(/not an address/);
  });
});
