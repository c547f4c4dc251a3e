/**
 * Models of the Hub: the files that a model needs and no others, records that name commits and not folders of this machine, and where the
 * token, the cache and the Hub are looked for.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { modelFolder, withHub } from '../../src/cli/hub-config.ts';
import { parseHubRepository } from '../../src/io/hub-file.ts';
import { addressOfCached, fetchModelFolder, pinnedDataset } from '../../src/io/hub-model.ts';
import { hubCacheFolder, hubEndpoint, hubToken, isHubOffline } from '../../src/io/hub-settings.ts';
import { startRun } from '../../src/io/run-record.ts';
import { scratchFolder } from '../io/scratch.ts';
import { LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
let hub: LoopbackHub;
let commit: string;
let homes = 0;

beforeEach(async () => {
  hub = await new LoopbackHub('hf_x').start();
  const files = [
    'config.json',
    'tokenizer.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
  ];
  const others = [
    'model.safetensors.index.json',
    'pytorch_model.bin',
    'consolidated.safetensors',
    'onnx/model.onnx',
    'sub/config.json',
    'sub/model.safetensors',
  ];
  commit = hub.commit(
    hub.repository('model', 'me/model'),
    'main',
    new Map([...files, ...others].map((path) => [path, Buffer.from(`content of ${path}`)])),
  );
  for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_HOME', join(root, `home-${homes++}`));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
});

const context = {
  cwd: root,
  json: false,
  signal: new AbortController().signal,
  write: () => {},
  emit: () => {},
};

describe('a model on the Hub', () => {
  it('is fetched with what it needs, and with less where only its shape or its tokenizer is asked for', async () => {
    const tokenizer = await fetchModelFolder('hf://me/model', 'tokenizer');
    expect(readdirSync(tokenizer.folder)).toEqual(['tokenizer.json']);
    const shape = await fetchModelFolder('hf://me/model', 'shape');
    expect(readdirSync(shape.folder).sort()).toEqual([
      'config.json',
      'model.safetensors.index.json',
      'tokenizer.json',
    ]);
    const { folder, address } = await fetchModelFolder('hf://me/model');
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'tokenizer.json',
    ]);
    expect(address).toBe(`hf://me/model@${commit}`);
    // A second time, and at its commit, nothing is asked for but the commit.
    hub.log.length = 0;
    await fetchModelFolder(`hf://me/model@${commit}`);
    expect(hub.log).toEqual([]);
  });

  it('may lie in a folder of its repository', async () => {
    const { folder, address } = await fetchModelFolder('hf://me/model/sub');
    expect(readFileSync(join(folder, 'model.safetensors'), 'utf8')).toBe('content of sub/model.safetensors');
    expect(address).toBe(`hf://me/model@${commit}/sub`);
    expect(addressOfCached(folder)).toBe(address);
  });

  it('that is none is an error that says what is there', async () => {
    hub.commit(
      hub.repository('model', 'me/pickle'),
      'main',
      new Map([
        ['config.json', Buffer.from('{}')],
        ['pytorch_model.bin', Buffer.from('x')],
      ]),
    );
    await expect(fetchModelFolder('hf://me/pickle')).rejects.toThrow(/has no safetensors weights/);
    await expect(fetchModelFolder('hf://me/model/nowhere')).rejects.toThrow(/has no config\.json/);
    await expect(fetchModelFolder('hf://datasets/me/model')).rejects.toThrow(
      /is a data set, and a model is wanted/,
    );
  });

  it('stands in a config, and in the record by its commit', async () => {
    hub.commit(
      hub.repository('dataset', 'me/problems'),
      'main',
      new Map([['train.jsonl', Buffer.from('{}')]]),
    );
    const config = await withHub(context, {
      model: 'hf://me/model',
      problems: { set: 'hf://datasets/me/problems/train.jsonl', count: 3 },
      eval: ['gsm8k', 'hf://datasets/me/problems@main/train.jsonl'],
      tokenizer: './here',
    });
    expect(config.model).toBe(await modelFolder(context, `hf://me/model@${commit}`));
    const pinned = await pinnedDataset('hf://datasets/me/problems/train.jsonl');
    expect(pinned).toMatch(/^hf:\/\/datasets\/me\/problems@[0-9a-f]{40}\/train\.jsonl$/);
    expect(config).toMatchObject({
      problems: { set: pinned, count: 3 },
      eval: ['gsm8k', pinned],
      tokenizer: './here',
    });
    const dir = join(root, `run-${homes}`);
    const run = startRun(dir, {
      command: 'grpo',
      name: 'x',
      config,
      parents: [config.model],
      inputs: [{ path: join(config.model, 'config.json'), fingerprint: 'x' }],
    });
    run.finish('done', { model: config.model });
    const text = readFileSync(join(dir, 'run.json'), 'utf8');
    expect(text).not.toContain('snapshots');
    const record = JSON.parse(text) as Record<string, unknown>;
    const address = `hf://me/model@${commit}`;
    expect(record).toMatchObject({
      config: { model: address },
      parents: [address],
      summary: { model: address },
      inputs: [{ path: `${address}/config.json` }],
    });
  });
});

describe('the environment', () => {
  const env = (values: Record<string, string>) => ({ HF_HOME: join(root, 'settings'), ...values });

  it('gives the token from the places where Python looks, in its order, and says from where', () => {
    mkdirSync(join(root, 'settings'), { recursive: true });
    writeFileSync(join(root, 'settings/token'), 'hf_stored\n');
    writeFileSync(join(root, 'settings/other'), ' hf_other \r\n');
    expect(hubToken({}, env({}))).toEqual({ value: 'hf_stored', from: join(root, 'settings/token') });
    const other = { HF_TOKEN_PATH: join(root, 'settings/other') };
    expect(hubToken({}, env(other))).toEqual({ value: 'hf_other', from: other.HF_TOKEN_PATH });
    expect(hubToken({}, env({ ...other, HUGGING_FACE_HUB_TOKEN: 'hf_old' }))).toEqual({
      value: 'hf_old',
      from: 'HUGGING_FACE_HUB_TOKEN',
    });
    expect(hubToken({}, env({ HUGGING_FACE_HUB_TOKEN: 'hf_old', HF_TOKEN: 'hf_new\n' }))).toEqual({
      value: 'hf_new',
      from: 'HF_TOKEN',
    });
    expect(hubToken({}, env({ HF_TOKEN: '' }))).toMatchObject({ value: 'hf_stored' });
    expect(hubToken({ token: '' }, env({ HF_TOKEN: 'hf_new' }))).toBeUndefined();
    expect(hubToken({}, { HF_HOME: join(root, 'nowhere') })).toBeUndefined();
  });

  it('gives the cache, the Hub and whether it may be asked', () => {
    expect(hubCacheFolder({}, env({}))).toBe(join(root, 'settings/hub'));
    expect(hubCacheFolder({}, env({ HF_HUB_CACHE: '/c' }))).toBe('/c');
    expect(hubCacheFolder({}, { XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
    expect(hubCacheFolder({ cacheFolder: '/o' }, env({ HF_HUB_CACHE: '/c' }))).toBe('/o');
    expect(hubEndpoint({}, {})).toBe('https://huggingface.co');
    expect(hubEndpoint({}, { HF_ENDPOINT: 'http://hub.local/' })).toBe('http://hub.local');
    for (const value of ['1', 'ON', 'true', 'Yes'])
      expect(isHubOffline({}, { HF_HUB_OFFLINE: value })).toBe(true);
    expect(isHubOffline({}, { HF_HUB_OFFLINE: '0' })).toBe(false);
    expect(isHubOffline({}, { TRANSFORMERS_OFFLINE: '1' })).toBe(true);
  });
});

describe('a repository as people name it', () => {
  it('is a model, or a data set where it says so', () => {
    expect(parseHubRepository('me/m')).toEqual({
      dataset: 'me/m',
      repository: 'model',
      revision: 'main',
      path: '',
    });
    expect(parseHubRepository('hf://me/m@refs%2Fpr%2F1/sub')).toMatchObject({
      repository: 'model',
      revision: 'refs/pr/1',
      path: 'sub',
    });
    expect(parseHubRepository('datasets/me/d')).toEqual({ dataset: 'me/d', revision: 'main', path: '' });
    expect(parseHubRepository('me/d', 'dataset')).toEqual({ dataset: 'me/d', revision: 'main', path: '' });
    for (const bad of ['me', 'datasets/me', '../m', 'me/..', 'hf://spaces/a', 'me/m@%', 'me/m/../x', 'a b/c'])
      expect(() => parseHubRepository(bad)).toThrow(/not a repository on the Hub/);
    expect(() => parseHubRepository('datasets/me/d', 'model')).toThrow(
      /is a data set, and --type says model/,
    );
  });
});
