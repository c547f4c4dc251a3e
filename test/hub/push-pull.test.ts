/**
 * `midtrain push` and `pull` against a Hub on loopback: a filtered corpus and a checkpoint go there and come back into an empty cache with the
 * same hashes; what is there is not sent again; a repository in use is left alone; the token is shown and written nowhere.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startRun } from '../../src/io/run-record.ts';
import { runLine } from '../cli/run-line.ts';
import { scratchFolder } from '../io/scratch.ts';
import { prose } from '../jobs/corpus.ts';
import { LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
const token = 'hf_secretOfThisTest';
let hub: LoopbackHub;
let homes = 0;

const run = (line: string) => runLine(root, `midtrain ${line}`);
const facts = async <T>(line: string): Promise<T> => JSON.parse((await run(`${line} --json`)).out) as T;

/** sha256 of every file below a folder, by path. */
function hashes(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files
      .map(
        (file) =>
          [
            file.slice(folder.length + 1),
            createHash('sha256').update(readFileSync(file)).digest('hex'),
          ] as const,
      )
      .sort(),
  );
}

function emptyCache(): string {
  const home = join(root, `home-${homes++}`);
  vi.stubEnv('HF_HOME', home);
  return join(home, 'hub');
}

beforeAll(async () => {
  for (const name of [
    'HF_HUB_CACHE',
    'HUGGINGFACE_HUB_CACHE',
    'HF_TOKEN_PATH',
    'HF_HUB_OFFLINE',
    'TRANSFORMERS_OFFLINE',
  ])
    vi.stubEnv(name, undefined);
  const rows = Array.from({ length: 40 }, (_, seed) =>
    JSON.stringify({ id: `d${seed}`, text: prose(seed + 1, 40) }),
  );
  writeFileSync(join(root, 'in.jsonl'), `${rows.join('\n')}\n`);
  writeFileSync(
    join(root, 'pipeline.yaml'),
    'name: web\ninputs: [{ path: ./in.jsonl }]\nsignals: [gopher-quality]\nthresholds: { use: [gopher-quality] }\ndedup: exact\n',
  );
  await run('filter pipeline.yaml --out runs/web --workers 1');
  const dir = join(root, 'runs/train');
  startRun(dir, { command: 'train', name: 'small', config: { phase: 'stable' } }).finish('done');
  const checkpoint = join(dir, 'checkpoints/step-0000010');
  mkdirSync(join(checkpoint, 'state'), { recursive: true });
  writeFileSync(join(checkpoint, 'config.json'), '{"model_type":"llama"}\n');
  writeFileSync(join(checkpoint, 'model.safetensors'), randomBytes(200_000));
  writeFileSync(join(checkpoint, 'tokenizer.json'), `{"x":"${'y'.repeat(6000)}"}`);
  writeFileSync(join(checkpoint, 'state/moments.safetensors'), randomBytes(100));
}, 120_000);

beforeEach(async () => {
  await hub?.stop();
  hub = await new LoopbackHub(token).start();
  hub.largeBytes = 5000;
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_TOKEN', token);
  emptyCache();
});

afterAll(async () => {
  await hub?.stop();
  vi.unstubAllEnvs();
});

describe('a corpus', () => {
  it('goes to a private data set in one commit and comes back the same, through the cache and as an input', async () => {
    const pushed = await facts<{ commit: string; kind: string; card: string; sent: { files: number } }>(
      'push runs/web me/web --private',
    );
    expect(pushed).toMatchObject({ kind: 'corpus', card: 'made' });
    const repository = hub.repositories.get('datasets/me/web')!;
    expect(repository.private).toBe(true);
    expect(repository.branches.get('main')).toBe(pushed.commit);
    expect(hub.log.filter(({ path }) => path.includes('/commit/'))).toHaveLength(1);
    const paths = [...hub.commits.get(pushed.commit)!.keys()];
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'ledger.json']));
    expect(paths.some((path) => /^kept\/.*\.parquet$/.test(path))).toBe(true);
    expect(paths.some((path) => /run\.json|units|plan/.test(path))).toBe(false);
    // What went to the storage was verified there before the commit.
    expect(hub.verified.size).toBe(hub.objects.size);
    expect(hub.objects.size).toBeGreaterThan(0);

    const { folder, commit } = await facts<{ folder: string; commit: string }>('pull datasets/me/web');
    expect(commit).toBe(pushed.commit);
    const there = hashes(join(root, 'runs/web'));
    const back = hashes(folder);
    for (const [path, hash] of Object.entries(back))
      if (path !== 'README.md' && path !== '.gitattributes')
        expect({ path, hash }).toEqual({ path, hash: there[path] });
    expect(Object.keys(back).sort()).toEqual(paths.sort());
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('kept/*.parquet');

    // The cache serves without the network, and the corpus is an input of another run.
    const asked = hub.log.length;
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    writeFileSync(
      join(root, 'again.yaml'),
      'name: again\ninputs: [{ path: hf://datasets/me/web/kept }]\nsignals: [gopher-quality]\nthresholds: { use: [gopher-quality] }\ndedup: none\n',
    );
    await run('filter again.yaml --out runs/again --workers 1');
    vi.stubEnv('HF_HUB_OFFLINE', undefined);
    expect(hub.log.length).toBe(asked);
    const record = readFileSync(join(root, 'runs/again/run.json'), 'utf8');
    expect(record).toContain(`hf://datasets/me/web@${commit}/kept/`);
    expect(record).not.toContain(token);
  }, 60_000);

  it('is copied out on request, and never over other files', async () => {
    await run('push runs/web me/web');
    const line = 'pull datasets/me/web --include kept/*.parquet --out out';
    await run(line);
    await run(line);
    const copied = hashes(join(root, 'out'));
    expect(Object.keys(copied).every((path) => /^kept\/.*\.parquet$/.test(path))).toBe(true);
    const [first] = Object.keys(copied) as [string];
    writeFileSync(join(root, 'out', first), 'mine');
    await expect(run(line)).rejects.toThrow(/is there already and differs/);
    expect(readFileSync(join(root, 'out', first), 'utf8')).toBe('mine');
  }, 60_000);
});

describe('a checkpoint', () => {
  const line = 'push runs/train/checkpoints/step-0000010 me/small';

  it('goes up in parts, without the state, and comes back the same', async () => {
    const { commit } = await facts<{ commit: string }>(line);
    expect(hub.log.filter(({ method, path }) => method === 'PUT' && path.includes('/parts/'))).toHaveLength(
      4,
    );
    const { folder } = await facts<{ folder: string }>(`pull me/small@${commit}`);
    const there = hashes(join(root, 'runs/train/checkpoints/step-0000010'));
    const { 'README.md': _, '.gitattributes': __, ...back } = hashes(folder);
    const { 'state/moments.safetensors': ___, ...expected } = there;
    expect(back).toEqual(expected);
    expect(folder).toContain(join('models--me--small', 'snapshots', commit));
  });

  it('is not sent again where the Hub has it, in the repository or in its storage', async () => {
    await run(line);
    hub.log.length = 0;
    expect((await run(line)).out).toContain('has all 4 files already');
    expect(hub.log.every(({ method }) => method === 'GET')).toBe(true);
    // The commit was never made, the objects arrived.
    hub.repositories.clear();
    hub.log.length = 0;
    const { sent, same } = await facts<{ sent: { files: number }; same: number }>(line);
    expect(hub.log.filter(({ method }) => method === 'PUT')).toEqual([]);
    expect({ sent: sent.files, same }).toEqual({ sent: 2, same: 2 });
  });

  it('touches a repository in use only with --yes, and deletes nothing', async () => {
    const used = hub.repository('model', 'me/small');
    const before = hub.commit(
      used,
      'main',
      new Map([
        ['config.json', Buffer.from('{}')],
        ['notes.txt', Buffer.from('n')],
      ]),
    );
    await expect(run(line)).rejects.toThrow(
      /hf:\/\/me\/small@main is not empty: the push would replace 1 files \(config\.json\) and add 3/,
    );
    expect(used.branches.get('main')).toBe(before);
    expect(hub.log.every(({ method }) => method === 'GET')).toBe(true);
    await run(`${line} --yes`);
    const files = hub.commits.get(used.branches.get('main')!)!;
    expect([...files.keys()].sort()).toEqual([
      '.gitattributes',
      'README.md',
      'config.json',
      'model.safetensors',
      'notes.txt',
      'tokenizer.json',
    ]);
    expect(files.get('config.json')!.size).toBe(23);
  });

  it('goes to a branch of its own, and --dry-run sends nothing', async () => {
    hub.repository('model', 'me/small');
    const { out } = await run(`${line} --revision step-10 --dry-run`);
    expect(out).toMatch(/the branch step-10 does not exist and would be made/);
    expect(out).toMatch(/add +200\.0 kB {2}model\.safetensors/);
    expect(out).toMatch(/checkpoint: 4 of 4 files to send/);
    expect(hub.log.every(({ method }) => method === 'GET')).toBe(true);
    await run(`${line} --revision step-10`);
    expect(hub.repositories.get('models/me/small')!.branches.get('step-10')).toBeDefined();
    expect((await run('pull me/small@step-10 --dry-run')).out).toMatch(
      /fetch +200\.0 kB {2}model\.safetensors/,
    );
  });

  it('is what is pushed of a run, and the error says so', async () => {
    await expect(run('push runs/train me/small')).rejects.toMatchObject({
      hint: expect.stringContaining('checkpoints/step-0000010') as string,
    });
  });
});

describe('access', () => {
  it('takes the token from a file, says where it came from, and never what it is', async () => {
    vi.stubEnv('HF_TOKEN', undefined);
    const cache = emptyCache();
    const file = join(cache, '../token');
    mkdirSync(join(cache, '..'), { recursive: true });
    writeFileSync(file, `${token}\n`);
    await run('push runs/train/checkpoints/step-0000010 me/small');
    writeFileSync(file, 'hf_another');
    hub.repositories.get('models/me/small')!.private = true;
    const failure = (await run('pull me/small').catch((error: unknown) => error)) as Error & { hint: string };
    expect(failure.message).toMatch(/refuses access \(401\): Repository Not Found/);
    expect(failure.hint).toContain(`came from ${file}`);
    expect(`${failure.message}${failure.hint}`).not.toContain('hf_another');
  });

  it('explains a gated repository: the page to visit, and the token', async () => {
    const gated = hub.repository('dataset', 'me/gated');
    gated.gated = true;
    hub.commit(gated, 'main', new Map([['a.jsonl', Buffer.from('{"text":"a"}')]]));
    vi.stubEnv('HF_TOKEN', undefined);
    await expect(run('pull datasets/me/gated')).rejects.toMatchObject({
      message: expect.stringMatching(/is gated \(403\): Access to this repository is restricted/) as string,
      hint: expect.stringContaining(`open ${hub.endpoint}/datasets/me/gated in a browser`) as string,
    });
    await expect(run('push runs/web me/web')).rejects.toThrow(/pushing needs a token/);
  });

  it('knows the data set that was meant where no model has the name', async () => {
    hub.repository('dataset', 'me/data');
    await expect(run('pull me/data')).rejects.toMatchObject({
      message: expect.stringMatching(/no such repository/) as string,
      hint: 'there is a data set of this name: midtrain pull datasets/me/data',
    });
    await expect(run('pull me/nothing')).rejects.toMatchObject({ hint: 'check the name and the revision' });
  });

  it('offline, what is not in the cache is an error that says so', async () => {
    hub.repository('dataset', 'me/data');
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    await expect(run('pull datasets/me/data')).rejects.toThrow(
      /not in the cache, and the Hub may not be asked/,
    );
    vi.stubEnv('HF_HUB_OFFLINE', undefined);
    expect(hub.log).toEqual([]);
  });

  it('writes the token nowhere', () => {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    const holding = files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => existsSync(file) && readFileSync(file).includes(token));
    rmSync(join(root, 'none'), { force: true });
    expect(holding).toEqual([]);
  });
});
