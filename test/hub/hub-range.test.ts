/**
 * Row groups of a large Parquet file on the Hub: only the footer and what is read is asked for, the rows are those of the whole file, and what the
 * network does wrong is asked for again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batchFromVectors, bytesOf, utf8Vector } from '../../src/core/batch.ts';
import { fetchHubFile, type HubFile, type HubOptions } from '../../src/io/hub.ts';
import { hubInputFiles, planHubFile } from '../../src/io/hub-input.ts';
import { joined, openHubParquet } from '../../src/io/hub-parquet.ts';
import { fetchHubFooter } from '../../src/io/hub-range.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import type { ReadUnit } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { columnValues } from '../core/arrow-values.ts';
import { scratchFolder } from '../io/scratch.ts';
import { type Answer, type Fault, LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
const groups = 6;
const rowsAGroup = 50;
const texts = Array.from(
  { length: groups * rowsAGroup },
  (_, i) => `${String(i).padStart(3)} ${randomBytes(1500).toString('hex')}`,
);
const notes = texts.map((_, i) => `note ${String(i).padStart(3)} ${randomBytes(3000).toString('hex')}`);
let content: Buffer;
let hub: LoopbackHub;
let options: HubOptions;
let caches = 0;

beforeAll(async () => {
  const path = join(root, 'made.parquet');
  const batches = Array.from({ length: groups }, (_, i) => {
    const own = [i * rowsAGroup, (i + 1) * rowsAGroup] as const;
    return batchFromVectors({ text: utf8Vector(texts.slice(...own)), note: utf8Vector(notes.slice(...own)) });
  });
  // Each batch fills a row group.
  const output = new ParquetOutput(path, batches[0]!.schema, {
    rowGroupBytes: Math.max(...batches.map(bytesOf)),
  });
  for (const batch of batches) await output.write(batch);
  await output.finish();
  content = readFileSync(path);
});

beforeEach(async () => {
  hub = await new LoopbackHub().start();
  hub.commit(hub.repository('dataset', 'me/big'), 'main', new Map([['data/big.parquet', content]]));
  options = {
    endpoint: hub.endpoint,
    token: '',
    offline: false,
    backoffMs: 1,
    retries: 3,
    rangedFrom: 1,
    cacheFolder: join(root, `cache-${caches++}`),
  };
});
afterEach(() => hub.stop());

const input = { path: 'hf://datasets/me/big/data' };

/** The commit is the same on every Hub of this file, so one plan serves all tests. */
let made: { file: HubFile; units: ReadUnit[]; path: string } | undefined;

async function planned(again = false): Promise<NonNullable<typeof made>> {
  if (made !== undefined && !again) return made;
  const { files } = await hubInputFiles(input, { hub: options });
  const plan = await planHubFile(input, files[0]!, { hub: options, unitBytes: 1 });
  expect(plan.failures).toEqual([]);
  made = { file: files[0]!, units: plan.units, path: plan.inputs[0]!.path };
  return made;
}

/** The footer is here, the rest is not. */
async function withFooter(): Promise<ReadUnit[]> {
  const { file, units } = await planned();
  await fetchHubFooter(file, options);
  return units;
}

async function read(unit: ReadUnit, only?: string[]): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const item of readUnit(unit, { hub: options, ...(only === undefined ? {} : { only }) })) {
    if (item.kind === 'failed') throw new Error(item.problem);
    // A number and a hash: what fails is short to read.
    out.push(...columnValues(item.batch.records.getChild('text')!.data[0]!).map(short));
  }
  return out;
}

const short = (text: unknown): string =>
  `${String(text).slice(0, 3)} ${createHash('md5').update(String(text)).digest('hex')}`;
const rows = (from: number, to?: number): string[] => texts.slice(from, to).map(short);

/** Bytes that the storage sent. */
const sent = (): number =>
  hub.log
    .filter(({ host }) => host === 'storage')
    .reduce((sum, { range }) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      return sum + (from === undefined ? content.length : Number(to) - Number(from) + 1);
    }, 0);

describe('a row group of a file on the Hub', () => {
  it('is planned from the footer and read by its own bytes', async () => {
    const { units, path } = await planned(true);
    expect(units.map(({ rowGroups }) => rowGroups)).toEqual(
      Array.from({ length: groups }, (_, i) => [i, i + 1]),
    );
    expect(path).toMatch(/^hf:\/\/datasets\/me\/big@[0-9a-f]{40}\/data\/big\.parquet$/);
    const footer = sent();
    expect(await read(units[3]!)).toEqual(rows(3 * rowsAGroup, 4 * rowsAGroup));
    expect(sent() - footer).toBeLessThan(content.length / (groups - 1));
    expect(hub.log.every(({ host, range }) => host === 'hub' || range !== undefined)).toBe(true);
  });

  it('is not asked for twice, nor where the whole file is here', async () => {
    const { file, units } = await planned();
    await read(units[0]!);
    const asked = hub.log.length;
    await read(units[0]!);
    expect(hub.log.length).toBe(asked);
    await fetchHubFile(file, options);
    const whole = hub.log.length;
    expect(await read(units[5]!)).toEqual(rows(5 * rowsAGroup));
    expect(hub.log.length).toBe(whole);
  });

  it('costs only the columns that are wanted', async () => {
    const units = await withFooter();
    const before = sent();
    expect(await read(units[2]!, ['text'])).toEqual(rows(2 * rowsAGroup, 3 * rowsAGroup));
    // Half of a group's bytes would be near enough to come along, were they not so many.
    expect(sent() - before).toBeLessThan((content.length / groups) * 0.5);
  });

  it.each<[string, Fault['act']]>([
    ['503', answerWith(503)],
    ['416', answerWith(416)],
    ['a cut connection', cut],
    ['the whole file instead of the range', (response) => whole(response)],
    ['another range', change((answer) => (answer.headers['content-range'] = `bytes 0-9/${content.length}`))],
    [
      'another length of the file',
      change(
        (answer) =>
          (answer.headers['content-range'] = answer.headers['content-range']!.replace(/\/.*/, '/99')),
      ),
    ],
    ['too few bytes', change((answer) => (answer.body = answer.body.subarray(0, 100)))],
    ['too many bytes', change((answer) => (answer.body = Buffer.concat([answer.body, Buffer.from('x')])))],
  ])('survives %s', async (name, act) => {
    const units = await withFooter();
    hub.faults.push({ name, on: ({ host }) => host === 'storage', act });
    expect(await read(units[1]!)).toEqual(rows(rowsAGroup, 2 * rowsAGroup));
    expect(hub.injected).toEqual([name]);
  });

  it('begins again where the file changed between two parts of an answer (ETag)', async () => {
    const units = await withFooter();
    const storage: Fault['on'] = ({ host }) => host === 'storage';
    const early = change((answer) => {
      answer.body = answer.body.subarray(0, 1000);
    });
    const other = change((answer) => {
      answer.headers.etag = '"other"';
      answer.body = Buffer.from(answer.body.map((byte) => byte ^ 1));
    });
    hub.faults.push({ name: 'short', on: storage, act: early }, { name: 'etag', on: storage, act: other });
    expect(await read(units[1]!)).toEqual(rows(rowsAGroup, 2 * rowsAGroup));
    expect(hub.injected).toEqual(['short', 'etag']);
  });

  const kept = (): string[] => {
    const folder = join(options.cacheFolder!, 'datasets--me--big', 'ranges');
    return readdirSync(join(folder, readdirSync(folder)[0]!)).filter((name) => name !== 'footer.parquet');
  };

  it('that arrives damaged leaves nothing behind, so the next run asks for it again', async () => {
    const units = await withFooter();
    const flip = change((answer) => {
      answer.body = Buffer.from(answer.body.map((byte, i) => (i % 1000 === 0 ? byte ^ 1 : byte)));
    });
    hub.faults.push({ name: 'flip', on: ({ host }) => host === 'storage', act: flip });
    const items: string[] = [];
    for await (const item of readUnit(units[1]!, { hub: options })) items.push(item.kind);
    expect(items).toEqual(['failed']);
    expect(kept()).toEqual([]);
    expect(await read(units[1]!)).toEqual(rows(rowsAGroup, 2 * rowsAGroup));
  });

  it('is let go of once it was read to its end by one who says so, and kept where reading stopped', async () => {
    const units = await withFooter();
    let beats = 0;
    const hubOptions = { ...options, beat: () => void beats++ };
    for await (const _ of readUnit(units[1]!, { hub: hubOptions, once: true, batchBytes: 1000 })) break;
    expect(kept()).toHaveLength(1);
    const asked = hub.log.length;
    for await (const item of readUnit(units[1]!, { hub: hubOptions, once: true }))
      expect(item.kind).toBe('batch');
    expect(hub.log.length).toBe(asked);
    expect(kept()).toEqual([]);
    // At least at every answer.
    expect(beats).toBeGreaterThan(1);
  });

  it('is asked for when the reader comes to it, not when the file is opened', async () => {
    const { file } = await planned();
    await fetchHubFooter(file, options);
    const before = sent();
    const { handle, metadata } = await openHubParquet(file, [2, 3], undefined, options);
    expect(sent()).toBe(before);
    const at = Number(metadata.row_groups[2]!.columns[0]!.meta_data!.data_page_offset);
    const bytes = Buffer.alloc(8);
    expect(await handle.read(bytes, 0, 8, at)).toEqual({ bytesRead: 8 });
    expect(bytes).toEqual(content.subarray(at, at + 8));
    expect(sent()).toBeGreaterThan(before);
    await handle.close();
  });

  it('of a file that is another than was planned is refused with the cure', async () => {
    const units = await withFooter();
    const other = change((answer) => {
      answer.headers['x-linked-etag'] = `"${'0'.repeat(64)}"`;
    });
    hub.faults.push({ name: 'other', times: 2, on: ({ path }) => path.includes('/resolve/'), act: other });
    await expect(read(units[1]!)).rejects.toMatchObject({
      message: expect.stringMatching(/is not the file that was planned: .*ETag 0000/) as string,
      hint: expect.stringMatching(/plan anew \(another --out, or --fresh\)/) as string,
    });
    expect(await read(units[1]!)).toEqual(rows(rowsAGroup, 2 * rowsAGroup));
  });

  it('that plain HTTP does not get out of Xet storage is an error that names what does', async () => {
    const units = await withFooter();
    const { commit } = (await planned()).file;
    hub.faults.push(
      {
        name: 'xet',
        on: ({ path }) => path.includes('/resolve/'),
        act: change((answer) => (answer.headers['x-xet-hash'] = 'ab')),
      },
      { name: '403', on: ({ host }) => host === 'storage', act: answerWith(403) },
    );
    await expect(read(units[1]!)).rejects.toMatchObject({
      message: expect.stringMatching(
        /lies in Xet storage, and plain HTTP does not get it there \(403\)/,
      ) as string,
      hint: expect.stringContaining(
        `hf download me/big data/big.parquet --repo-type dataset --revision ${commit}; the cache is shared`,
      ) as string,
    });
  });

  it('that the Hub refuses is an error, and nothing half is kept', async () => {
    const units = await withFooter();
    hub.faults.push({ name: '403', on: ({ path }) => path.includes('/resolve/'), act: answerWith(403) });
    await expect(read(units[1]!)).rejects.toThrow(/refuses access \(403\)/);
    const [oid] = readdirSync(join(options.cacheFolder!, 'datasets--me--big', 'ranges')) as [string];
    const kept = readdirSync(join(options.cacheFolder!, 'datasets--me--big', 'ranges', oid));
    expect(kept).toEqual(['footer.parquet']);
    expect(
      statSync(join(options.cacheFolder!, 'datasets--me--big', 'ranges', oid, kept[0]!)).size,
    ).toBeLessThan(20_000);
  });
});

describe('joined', () => {
  it('puts neighbours together and keeps what is far apart or large', () => {
    expect(
      joined([
        [10, 20],
        [0, 10],
        [30, 40],
      ]),
    ).toEqual([[0, 40]]);
    expect(
      joined([
        [0, 10],
        [1_000_000, 1_000_010],
      ]),
    ).toEqual([
      [0, 10],
      [1_000_000, 1_000_010],
    ]);
    const mega = 1024 * 1024;
    const large = 50 * mega;
    expect(
      joined([
        [0, large],
        [large, 2 * large],
      ]),
    ).toEqual([0, 12.5, 25, 37.5, 50, 62.5, 75, 87.5].map((at) => [at * mega, (at + 12.5) * mega]));
    expect(
      joined([
        [0, 10],
        [5, 8],
      ]),
    ).toEqual([[0, 10]]);
    expect(joined([[3, 10]], 3)).toEqual([
      [3, 5],
      [5, 7],
      [7, 10],
    ]);
  });
});

function answerWith(status: number): Fault['act'] {
  return (response) => {
    response.writeHead(status).end();
    return true;
  };
}

function cut(response: Parameters<Fault['act']>[0], { status, headers, body }: Answer): boolean {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  return true;
}

function whole(response: Parameters<Fault['act']>[0]): boolean {
  response.writeHead(200, { 'content-length': String(content.length) }).end(content);
  return true;
}

function change(act: (answer: Answer) => void): Fault['act'] {
  return (_response, answer) => {
    act(answer);
    return false;
  };
}
