/**
 * Python's own client and ours on one Hub and one cache: it reads what we pulled without a network, fetches what we pushed, and we read what it
 * fetched and pushed. Runs where MIDTRAIN_PEER_PYTHON names a Python with huggingface_hub (2.4.0 when this was written).
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseHubRepository } from '../../src/io/hub-file.ts';
import { carryOutPull, planPull } from '../../src/io/hub-pull.ts';
import { carryOutPush } from '../../src/io/hub-push.ts';
import { planPush } from '../../src/io/hub-push-plan.ts';
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
