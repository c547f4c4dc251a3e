/**
 * Pushing and pulling through a Hub that fails in the usual ways, each fault injected once at each place it can happen: what passes is tried again
 * to the same bytes, what does not is an error that says what to do, and a second run goes on where the first stopped.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchHubFile, type HubOptions, listHubFiles } from '../../src/io/hub.ts';
import { parseHubRepository } from '../../src/io/hub-file.ts';
import { carryOutPull, planPull } from '../../src/io/hub-pull.ts';
import { carryOutPush, type PushResult } from '../../src/io/hub-push.ts';
import { planPush } from '../../src/io/hub-push-plan.ts';
import { scratchFolder } from '../io/scratch.ts';
import { type Answer, type Fault, type LoggedRequest, LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
const contents: Record<string, Buffer> = {
  'README.md': Buffer.from('# card\n'),
  'data/part-0.parquet': randomBytes(150_000),
  'data/part-1.parquet': randomBytes(90_000),
  'data/small.bin': randomBytes(20_000),
};
const folder = join(root, 'folder');
mkdirSync(join(folder, 'data'), { recursive: true });
for (const [path, content] of Object.entries(contents)) writeFileSync(join(folder, path), content);

let hub: LoopbackHub;
let options: HubOptions;
let caches = 0;

beforeEach(async () => {
  hub = await new LoopbackHub().start();
  options = {
    endpoint: hub.endpoint,
    token: 'hf_loopback',
    backoffMs: 1,
    retries: 3,
    offline: false,
    cacheFolder: emptyCache(),
  };
});
afterEach(() => hub.stop());

function emptyCache(): string {
  return join(root, `cache-${caches++}`);
}

async function push(more: HubOptions = {}): Promise<PushResult> {
  const files = Object.keys(contents).map((path) => ({ path, from: join(folder, path) }));
  const repository = { dataset: 'me/data' };
  const own = { ...options, ...more };
  const plan = await planPush({ repository, branch: 'main', files }, own);
  return carryOutPush(plan, { message: 'all' }, own);
}

async function pull(more: HubOptions = {}): Promise<Record<string, string>> {
  const own = { ...options, ...more };
  const plan = await planPull(parseHubRepository('datasets/me/data'), { exclude: ['.gitattributes'] }, own);
  const into = await carryOutPull(plan, undefined, own);
  return Object.fromEntries(
    plan.files.map(({ file }) => [file.path, hash(readFileSync(join(into, file.path)))]),
  );
}

const hash = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const expected = Object.fromEntries(Object.entries(contents).map(([path, content]) => [path, hash(content)]));

/** What a server can do wrong. */
const status =
  (code: number, headers: Record<string, string> = {}): Fault['act'] =>
  (response) => {
    response.writeHead(code, headers).end('{"error":"no"}');
    return true;
  };
const cut: Fault['act'] = (response, { status: code, headers, body }) => {
  response.writeHead(code, { ...headers, 'content-length': String(body.length + 1) });
  response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  return true;
};
/** An answer that ends early, in order: what it held has surely come. */
const short: Fault['act'] = (_response, answer) => {
  answer.body = answer.body.subarray(0, answer.body.length >> 1);
  return false;
};
const reset: Fault['act'] = (response) => {
  response.destroy();
  return true;
};
const header =
  (name: string, value: string): Fault['act'] =>
  (_response, answer: Answer) => {
    answer.headers[name] = value;
    return false;
  };
const body =
  (change: (content: Buffer) => Buffer): Fault['act'] =>
  (_response, answer) => {
    answer.body = change(answer.body);
    return false;
  };

const at =
  (host: 'hub' | 'storage', method: string, path: RegExp) =>
  (request: LoggedRequest): boolean =>
    request.host === host && request.method === method && path.test(request.path);

function inject(name: string, on: Fault['on'], act: Fault['act'], before = false): void {
  hub.faults.push({ name, on, act, before });
}

const passing: [string, Fault['act']][] = [
  ['429', status(429, { 'retry-after': '0' })],
  ['503', status(503, { 'retry-after': 'Mon, 01 Jan 2024 00:00:00 GMT' })],
  ['a reset connection', reset],
];

describe('pulling', () => {
  beforeEach(async () => {
    await push();
    hub.log.length = 0;
  });

  const places: [string, Fault['on']][] = [
    ['the revision', at('hub', 'GET', /\/revision\//)],
    ['a page of the list', at('hub', 'GET', /\/tree\/.*cursor/)],
    ['a file of the Hub', at('hub', 'GET', /\/resolve\/.*README/)],
    ['the redirect of a large file', at('hub', 'GET', /\/resolve\/.*part-0/)],
    ['a file of the storage', at('storage', 'GET', /\/objects\//)],
  ];
  for (const [place, on] of places)
    for (const [name, act] of [...passing, ['an answer that breaks off', cut] as [string, Fault['act']]])
      it(`gets over ${name} at ${place}`, async () => {
        inject(name, on, act);
        expect(await pull()).toEqual(expected);
        expect(hub.injected).toEqual([name]);
      });

  const storage = at('storage', 'GET', /\/objects\//);
  it.each<[string, Fault['act']]>([
    ['more bytes than listed', body((content) => Buffer.concat([content, Buffer.from('more')]))],
    ['fewer bytes than listed', body((content) => content.subarray(0, 1000))],
    ['other bytes', body((content) => Buffer.concat([Buffer.from([content[0]! ^ 1]), content.subarray(1)]))],
    ['no bytes', body(() => Buffer.alloc(0))],
  ])('gets over %s', async (name, act) => {
    inject(name, storage, act);
    expect(await pull()).toEqual(expected);
    expect(hub.injected).toEqual([name]);
  });

  /** One file, fetched and hashed; and which ranges of it were asked for. */
  async function fetched(path: string): Promise<{ ranges: (string | undefined)[]; at: string }> {
    const { files } = await listHubFiles(parseHubRepository('datasets/me/data'), options);
    hub.log.length = 0;
    const at = await fetchHubFile(files.find((file) => file.path === path)!, options);
    expect(hash(readFileSync(at))).toBe(expected[path]);
    return { at, ranges: hub.log.filter(({ host }) => host === 'storage').map(({ range }) => range) };
  }
  const first = 'data/part-0.parquet';
  const ofRange: Fault['on'] = (request) => storage(request) && request.range !== undefined;
  const flipped: Fault['act'] = (_response, answer) => {
    answer.headers.etag = '"other"';
    answer.body = Buffer.from(answer.body.map((byte) => byte ^ 1));
    return false;
  };

  it('goes on behind what came', async () => {
    inject('short', storage, short);
    expect((await fetched(first)).ranges).toEqual([undefined, 'bytes=75000-']);
  });

  it('begins again where the storage knows no such range (416)', async () => {
    inject('short', storage, short);
    inject('416', ofRange, status(416));
    expect((await fetched(first)).ranges).toEqual([undefined, 'bytes=75000-', undefined]);
  });

  it('begins again where the file changed between two parts of it (ETag), each time', async () => {
    // Taken for the same file, each would fail its checksum, and twice is too often.
    for (let i = 0; i < 3; i++) {
      inject('short', (request) => storage(request) && request.range === undefined, short);
      inject('other ETag', ofRange, flipped);
    }
    expect((await fetched(first)).ranges).toHaveLength(7);
    expect(hub.injected).toHaveLength(6);
  });

  it.each([
    ['another ETag of the content', 'x-linked-etag', `"${'0'.repeat(64)}"`],
    ['another commit', 'x-repo-commit', 'f'.repeat(40)],
  ])('asks again where the Hub names %s', async (name, key, value) => {
    inject(name, at('hub', 'GET', /\/resolve\/.*part-0/), header(key, value));
    expect((await fetched(first)).ranges).toEqual([undefined, undefined]);
    expect(hub.injected).toEqual([name]);
  });

  it('begins again where an answer has another range', async () => {
    inject('short', storage, short);
    inject('range', ofRange, header('content-range', 'bytes 7-9/10'));
    expect((await fetched(first)).ranges).toEqual([undefined, 'bytes=75000-', undefined]);
  });

  it.each([
    [401, /refuses access \(401\)/, /came from the options/],
    [403, /refuses access \(403\)/, /datasets\/me\/data/],
    [404, /no such repository, revision or file \(404\)/, /check the name/],
  ])('stops at %i with the cure, and goes on in the next run', async (code, message, hint) => {
    inject(String(code), at('hub', 'GET', /\/resolve\/.*part-0/), status(code));
    await expect(pull()).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    });
    const before = hub.log.filter(({ host }) => host === 'storage').length;
    expect(await pull()).toEqual(expected);
    // The files that came in the first run are not asked for again.
    expect(hub.log.filter(({ host }) => host === 'storage').length - before).toBeLessThanOrEqual(3);
  });

  it('that fails for good says where it stopped, and the next run goes on there', async () => {
    const { files } = await listHubFiles(parseHubRepository('datasets/me/data'), options);
    const file = files.find(({ path }) => path === 'data/part-0.parquet')!;
    const own = { ...options, retries: 0 };
    inject('short', storage, short);
    inject('reset', (request) => storage(request) && request.range !== undefined, reset);
    await expect(fetchHubFile(file, own)).rejects.toThrow(/cannot be reached/);
    hub.log.length = 0;
    expect(hash(readFileSync(await fetchHubFile(file, own)))).toBe(expected[file.path]);
    expect(hub.log.filter(({ host }) => host === 'storage').map(({ range }) => range)).toEqual([
      'bytes=75000-',
    ]);
    const blobs = readdirSync(join(options.cacheFolder!, 'datasets--me--data', 'blobs'));
    expect(blobs.filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('gives up where the file is begun again and again', async () => {
    const { files } = await listHubFiles(parseHubRepository('datasets/me/data'), options);
    const file = files.find(({ path }) => path === 'data/part-0.parquet')!;
    for (let i = 0; i < 10; i++) {
      inject('short', (request) => storage(request) && request.range === undefined, short);
      inject('416', (request) => storage(request) && request.range !== undefined, status(416));
    }
    await expect(fetchHubFile(file, options)).rejects.toThrow(
      /cannot be downloaded: the storage does not know the range from byte 75000 \(416\)/,
    );
    expect(hub.injected.length).toBe(8);
  });

  it('reads a commit whose list it has without asking for the list again', async () => {
    await pull();
    const { commit, files } = await listHubFiles(parseHubRepository('datasets/me/data'), options);
    hub.log.length = 0;
    const again = await listHubFiles(parseHubRepository(`datasets/me/data@${commit}`), options);
    expect(again.files).toEqual(files);
    for (const file of again.files) if (file.path !== '.gitattributes') await fetchHubFile(file, options);
    expect(hub.log).toEqual([]);
  });
});

describe('pushing', () => {
  const places: [string, Fault['on']][] = [
    ['the creation of the repository', at('hub', 'POST', /\/api\/repos\/create/)],
    ['the choice of the way', at('hub', 'POST', /\/preupload\//)],
    ['the batch of large files', at('hub', 'POST', /\/objects\/batch$/)],
    ['a part', at('storage', 'PUT', /\/parts\//)],
    ['the end of the parts', at('storage', 'POST', /\/complete\//)],
    ['a file in one part', at('storage', 'PUT', /\/objects\//)],
    ['the verification', at('hub', 'POST', /\/verify$/)],
    ['the commit', at('hub', 'POST', /\/commit\//)],
    ['the list after it', (request) => at('hub', 'GET', /\/tree\//)(request) && hub.commits.size > 1],
  ];
  const commits = (): number => hub.commits.size - 1;

  for (const [place, on] of places)
    for (const [name, act] of passing)
      it(`gets over ${name} at ${place}, before or after it was carried out`, async () => {
        inject(name, on, act, true);
        inject(`${name} after`, on, act);
        await push();
        expect(hub.injected).toEqual([name, `${name} after`]);
        expect(commits()).toBe(1);
        expect(await pull({ cacheFolder: emptyCache() })).toEqual(expected);
      });

  it.each([
    [401, at('hub', 'POST', /\/api\/repos\/create/)],
    [403, at('hub', 'POST', /\/preupload\//)],
    [404, at('hub', 'POST', /\/verify$/)],
    [400, at('storage', 'PUT', /\/parts\//)],
    [403, at('hub', 'POST', /\/commit\//)],
  ])('stops at %i, commits nothing, and goes on in the next run', async (code, on) => {
    inject(String(code), on, status(code), true);
    await expect(push()).rejects.toThrow(new RegExp(`\\b${code}\\b`));
    expect(commits()).toBeLessThan(1);
    hub.log.length = 0;
    await push();
    expect(await pull()).toEqual(expected);
  });

  it('sends objects again that the storage refuses as damaged, and not those that arrived', async () => {
    inject('damaged', at('storage', 'PUT', /\/objects\//), status(400), true);
    await expect(push()).rejects.toThrow(/400/);
    const arrived = new Set(hub.objects.keys());
    hub.log.length = 0;
    await push();
    const sent = hub.log.filter(({ method, path }) => method === 'PUT' && path.includes('/objects/'));
    expect(sent.every(({ path }) => !arrived.has(path.split('/').at(-1)!) || arrived.size === 0)).toBe(true);
    expect(await pull()).toEqual(expected);
  });

  it('that was stopped half way goes on, and until the commit nothing shows', async () => {
    const stop = new AbortController();
    inject('stop', at('storage', 'POST', /\/complete\//), () => {
      stop.abort();
      return false;
    });
    await expect(push({ signal: stop.signal })).rejects.toThrow(/abort/i);
    expect(hub.repositories.get('datasets/me/data')!.branches.size).toBe(1);
    expect(commits()).toBe(0);
    const arrived = [...hub.objects.keys()];
    expect(arrived.length).toBeGreaterThan(0);
    hub.log.length = 0;
    await push();
    for (const oid of arrived)
      expect(hub.log.some(({ method, path }) => method === 'PUT' && path.includes(oid))).toBe(false);
    expect(await pull()).toEqual(expected);
  });

  it('does not write over what somebody else committed meanwhile', async () => {
    const repository = hub.repository('dataset', 'me/data');
    inject('another commit', at('hub', 'POST', /\/preupload\//), () => {
      hub.commit(repository, 'main', new Map([['README.md', Buffer.from('theirs')]]));
      return false;
    });
    await expect(push()).rejects.toThrow(/412/);
    const there = hub.commits.get(repository.branches.get('main')!)!;
    expect(hub.contents.get(there.get('README.md')!.oid)!.toString()).toBe('theirs');
  });

  it('sends the token to the Hub and not to the storage', async () => {
    await push();
    await pull();
    expect(hub.log.some(({ host, token }) => host === 'storage' && token)).toBe(false);
    expect(hub.log.filter(({ host }) => host === 'hub').every(({ token }) => token)).toBe(true);
  });
});
