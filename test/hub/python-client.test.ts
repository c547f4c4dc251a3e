/**
 * Python's own client and ours on one Hub and one cache: it reads what we pulled without a network, fetches what we pushed, and we read what it
 * fetched and pushed. Runs where MIDTRAIN_PEER_PYTHON names a Python with huggingface_hub (2.4.0 when this was written).
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { parseHubRepository } from '../../src/io/hub-file.ts';
import { carryOutPull, planPull } from '../../src/io/hub-pull.ts';
import { carryOutPush } from '../../src/io/hub-push.ts';
import { planPush } from '../../src/io/hub-push-plan.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { scratchFolder } from '../io/scratch.ts';
import { LoopbackHub } from './loopback-hub.ts';

const python = process.env.MIDTRAIN_PEER_PYTHON;
const root = scratchFolder();

const script = `
import json, os, sys
from huggingface_hub import HfApi, scan_cache_dir, snapshot_download
ours, theirs, folder = sys.argv[1:]
def read(path): return {f: open(os.path.join(path, f), 'rb').read() == open(os.path.join(folder, f), 'rb').read() for f in ('README.md', 'data/a.bin', 'data/b.bin')}
scan = scan_cache_dir(ours)
found = dict(
    offline=read(snapshot_download('me/data', repo_type='dataset', cache_dir=ours, local_files_only=True)),
    fetched=read(snapshot_download('me/data', repo_type='dataset', cache_dir=theirs)),
    repos=[(repo.repo_id, repo.nb_files) for repo in scan.repos], warnings=[str(w) for w in scan.warnings])
api = HfApi()
api.create_repo('me/theirs', repo_type='dataset')
found['commit'] = api.upload_folder(repo_id='me/theirs', repo_type='dataset', folder_path=folder).oid
print(json.dumps(found))
`;

const together = `
import os, sys
from huggingface_hub import snapshot_download
cache, folder, name = sys.argv[1:]
print('ready', flush=True)
sys.stdin.readline()
path = snapshot_download('me/data', repo_type='dataset', cache_dir=cache)
assert open(os.path.join(path, name), 'rb').read() == open(os.path.join(folder, name), 'rb').read()
`;

it.skipIf(python === undefined)(
  'fetches the same file into the same cache at the same time as huggingface_hub, and neither harms the other',
  async () => {
    const hub = await new LoopbackHub().start();
    try {
      const folder = join(root, 'together');
      mkdirSync(folder, { recursive: true });
      const content = randomBytes(8_000_000);
      writeFileSync(join(folder, 'a.bin'), content);
      hub.commit(hub.repository('dataset', 'me/data'), 'main', new Map([['a.bin', content]]));
      // Both are in the middle of it before either goes on.
      let arrived = 0;
      let both: () => void = () => {};
      const meeting = new Promise<void>((done) => {
        both = done;
      });
      hub.faults.push({
        name: 'meet',
        times: 2,
        on: ({ host, method }) => host === 'storage' && method === 'GET',
        act(response, { status, headers, body }) {
          response.writeHead(status, { ...headers, 'content-length': String(body.length) });
          response.write(body.subarray(0, 3_000_000));
          if (++arrived === 2) both();
          void meeting.then(() => response.end(body.subarray(3_000_000)));
          return true;
        },
      });
      const cache = join(root, 'shared-cache');
      const options = { endpoint: hub.endpoint, token: 'hf_loopback', offline: false, cacheFolder: cache };
      const child = spawn(python!, ['-c', together, cache, folder, 'a.bin'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          HF_ENDPOINT: hub.endpoint,
          HF_TOKEN: 'hf_loopback',
          HF_HOME: join(root, 'home'),
          HF_HUB_DISABLE_XET: '1',
          HF_HUB_DISABLE_TELEMETRY: '1',
          HF_HUB_DISABLE_PROGRESS_BARS: '1',
        },
      });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      child.stdin.end('go\n');
      const planned = await planPull(parseHubRepository('datasets/me/data'), {}, options);
      const into = await carryOutPull(planned, undefined, options);
      expect((await ended)[0]).toBe(0);
      expect(hub.injected).toEqual(['meet', 'meet']);
      expect(readFileSync(join(into, 'a.bin')).equals(content)).toBe(true);
      const { oid } = planned.files.find(({ file }) => file.path === 'a.bin')!.file;
      expect(
        readdirSync(join(cache, 'datasets--me--data/blobs')).filter((name) => name.includes(oid)),
      ).toEqual([oid]);
    } finally {
      await hub.stop();
    }
  },
  60_000,
);

it.skipIf(python === undefined)(
  'lists a cache that holds parts of a file alone',
  async () => {
    const hub = await new LoopbackHub().start();
    try {
      const path = join(root, 'part.parquet');
      const records = batchFromVectors({ text: utf8Vector(['a', 'b']) });
      const output = new ParquetOutput(path, records.schema);
      await output.write(records);
      await output.finish();
      hub.commit(hub.repository('dataset', 'me/parts'), 'main', new Map([['a.parquet', readFileSync(path)]]));
      const cache = join(root, 'parts-cache');
      const options = {
        endpoint: hub.endpoint,
        token: '',
        offline: false,
        cacheFolder: cache,
        rangedFrom: 1,
      };
      const plan = await planRead([{ path: 'hf://datasets/me/parts' }], { hub: options });
      for await (const item of readUnit(plan.units[0]!, { hub: options })) expect(item.kind).toBe('batch');
      const scan =
        'import sys; from huggingface_hub import scan_cache_dir; s = scan_cache_dir(sys.argv[1]); print([r.repo_id for r in s.repos], s.warnings)';
      const { stdout } = await promisify(execFile)(python!, ['-c', scan, cache]);
      expect(stdout.trim()).toBe("['me/parts'] []");
    } finally {
      await hub.stop();
    }
  },
  60_000,
);

it.skipIf(python === undefined)(
  'shares the cache and the Hub with huggingface_hub',
  async () => {
    const hub = await new LoopbackHub().start();
    try {
      const folder = join(root, 'folder');
      mkdirSync(join(folder, 'data'), { recursive: true });
      const contents = {
        'README.md': Buffer.from('# card\n'),
        'data/a.bin': randomBytes(200_000),
        'data/b.bin': randomBytes(20_000),
      };
      for (const [path, content] of Object.entries(contents)) writeFileSync(join(folder, path), content);
      const [ours, theirs] = [join(root, 'ours'), join(root, 'theirs')];
      const options = { endpoint: hub.endpoint, token: 'hf_loopback', offline: false, cacheFolder: ours };
      const files = Object.keys(contents).map((path) => ({ path, from: join(folder, path) }));
      const plan = await planPush({ repository: { dataset: 'me/data' }, branch: 'main', files }, options);
      const { commit } = await carryOutPush(plan, { message: 'x' }, options);
      const pulled = async (name: string, more: Partial<typeof options>) => {
        const own = { ...options, ...more };
        const planned = await planPull(parseHubRepository(name), {}, own);
        const into = await carryOutPull(planned, undefined, own);
        for (const [path, content] of Object.entries(contents))
          expect(readFileSync(join(into, path))).toEqual(content);
        return planned;
      };
      await pulled('datasets/me/data', {});
      const { stdout } = await promisify(execFile)(python!, ['-c', script, ours, theirs, folder], {
        env: {
          ...process.env,
          HF_ENDPOINT: hub.endpoint,
          HF_TOKEN: 'hf_loopback',
          HF_HOME: join(root, 'home'),
          HF_HUB_DISABLE_XET: '1',
          HF_HUB_DISABLE_TELEMETRY: '1',
          HF_HUB_DISABLE_PROGRESS_BARS: '1',
        },
      });
      const all = { 'README.md': true, 'data/a.bin': true, 'data/b.bin': true };
      const found = JSON.parse(stdout.trim().split('\n').at(-1)!) as { commit: string };
      expect(found).toMatchObject({ offline: all, fetched: all, repos: [['me/data', 4]], warnings: [] });
      // Its cache serves us without the Hub, and what it pushed is what we pull.
      const asked = hub.log.length;
      const planned = await pulled('datasets/me/data', { cacheFolder: theirs, offline: true });
      expect({ commit: planned.commit, bytes: planned.bytes, asked: hub.log.length }).toEqual({
        commit,
        bytes: 0,
        asked,
      });
      expect((await pulled('datasets/me/theirs', {})).commit).toBe(found.commit);
    } finally {
      await hub.stop();
    }
  },
  60_000,
);
