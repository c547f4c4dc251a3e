/** What a mixture writes beside plain shards: best-fit packing, one folder per source, samples; and that the recount sees a lie. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { mix } from '../../src/stages/mix.ts';
import type { MixManifest } from '../../src/stages/mix-manifest.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { ShardFile } from '../../src/stages/shard-file.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { scratchFolder } from '../io/scratch.ts';
import { recountMix } from '../oracles/recount-mix.ts';
import { writeByteTokenizer, writeTinyRecipe } from './tiny-mix.ts';

const folder = scratchFolder();
const out = join(folder, 'mix');
let request: MixRequest;
let manifest: MixManifest;

beforeAll(async () => {
  await writeByteTokenizer(folder);
  const loaded = writeTinyRecipe(folder, {
    sequenceLength: 63,
    budget: 30_000,
    repeatLimit: 5,
    fill: 'web',
    heldout: 0.05,
    sources: {
      web: { role: 'web', lengths: Array.from({ length: 150 }, (_, i) => 20 + ((i * 37) % 300)) },
      qa: { role: 'qa', weight: 0.3, lengths: Array.from({ length: 200 }, (_, i) => 5 + ((i * 13) % 59)) },
      tiny: { role: 'instruction', weight: 0.1, lengths: [10, 31, 40, 64, 90, 500] },
    },
  });
  request = {
    loaded,
    cwd: folder,
    output: out,
    packing: 'best-fit',
    shardTokens: 6400,
    perSource: true,
    workers: 1,
  };
  ({ manifest } = await mix(request));
});

const hashes = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((f) => f.isFile() && f.name !== 'run.json' && !f.parentPath.includes('cache'))
      .map((f) => join(f.parentPath, f.name))
      .sort()
      .map((path) => [
        path.slice(root.length + 1),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  );

describe('best-fit packing', () => {
  test('a recount from the files agrees with the manifest; real tokens have the shares; only long documents are cut', async () => {
    const counted = await recountMix(out);
    expect(counted.problems).toEqual([]);
    expect(counted.padding).toBe(manifest.paddingTokens);
    expect(counted.padding).toBeGreaterThan(0);
    expect(counted.padding).toBeLessThan(0.15 * counted.tokens);
    for (const s of manifest.sources)
      expect(
        Math.abs(counted.sources[s.name]!.tokens - s.requestedShare * counted.tokens),
      ).toBeLessThanOrEqual(64);
    // No document of qa is longer than 63 tokens.
    expect(manifest.sources.find((s) => s.name === 'qa')!.packed.cut).toBe(0);
    expect(manifest.sources.find((s) => s.name === 'web')!.packed.cut).toBeGreaterThan(0);
  });

  test('the same again gives the same bytes, and so does a run that was stopped in the middle', async () => {
    await mix({ ...request, output: join(folder, 'again') });
    expect(hashes(join(folder, 'again'))).toEqual(hashes(out));
    for (const task of ['mix', 'per source']) {
      const controller = new AbortController();
      const output = join(folder, `stopped in ${task}`);
      const stopped = mix({
        ...request,
        output,
        signal: controller.signal,
        emit: (event) => event.kind === 'progress' && event.task === task && controller.abort(),
      });
      await expect(stopped).rejects.toThrow('interrupted');
      expect(existsSync(join(output, 'manifest.json'))).toBe(false);
      await mix({ ...request, output });
      expect(hashes(output)).toEqual(hashes(out));
    }
  });

  test('joined and cut, the same recipe has no .ds.loss and no padding', async () => {
    const output = join(folder, 'joined');
    const joined = await mix({ ...request, output, packing: 'concatenate', perSource: false });
    expect(joined.manifest).toMatchObject({ packing: 'concatenate', paddingTokens: 0 });
    expect(
      Object.keys(hashes(output)).filter((name) => name.endsWith('.loss') || name.startsWith('per-source')),
    ).toEqual([]);
    expect((await recountMix(output)).problems).toEqual([]);
    // Over a best-fit mixture with one folder per source, nothing of that one stays behind.
    cpSync(out, join(folder, 'over'), { recursive: true });
    await mix({
      ...request,
      output: join(folder, 'over'),
      packing: 'concatenate',
      perSource: false,
      overwrite: true,
    });
    expect(hashes(join(folder, 'over'))).toEqual(hashes(output));
  });
});

describe('beside the shards', () => {
  test('per-source has weights and a Nanotron block that say which folder counts how much', () => {
    const weights = JSON.parse(readFileSync(join(out, 'per-source/weights.json'), 'utf8')) as {
      sources: { folder: string; weight: number; sequences: number }[];
    };
    const block = parse(readFileSync(join(out, 'per-source/nanotron.yaml'), 'utf8')) as {
      data_stages: { data: { dataset: { dataset_folder: string[]; dataset_weights: number[] } } }[];
      tokens: { sequence_length: number };
    };
    expect(block.tokens.sequence_length).toBe(63);
    const { dataset_folder, dataset_weights } = block.data_stages[0]!.data.dataset;
    expect(dataset_folder).toEqual(weights.sources.map((s) => s.folder));
    expect(dataset_weights).toEqual(weights.sources.map((s) => s.weight));
    expect(dataset_weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (const [i, name] of dataset_folder.entries()) {
      const bytes = readdirSync(join(out, 'per-source', name))
        .filter((file) => file.endsWith('.ds'))
        .reduce((n, file) => n + readFileSync(join(out, 'per-source', name, file)).length, 0);
      expect(bytes).toBe(weights.sources[i]!.sequences * 64 * 2);
    }
  });

  test('samples.md shows twenty sequences with their pieces, and foreign text cannot break out of it', async () => {
    const text = readFileSync(join(out, 'samples.md'), 'utf8');
    expect(text.match(/^## Sequence \d+: (web|qa|tiny)$/gm)).toHaveLength(20);
    const hostile = mkdtempSync(join(folder, 'hostile-'));
    const texts = [
      '```\n# not a heading\n````',
      '\u001b[31mred\u0007 \u202eturned',
      `${'long '.repeat(2000)}`,
    ];
    mkdirSync(hostile, { recursive: true });
    const loaded = writeTinyRecipe(hostile, {
      sequenceLength: 2000,
      budget: 20_000,
      repeatLimit: 1e6,
      tokenizer: join(folder, 'byte-tokens'),
      sources: { s: { role: 'web', weight: 1, lengths: [5] } },
    });
    writeFileSync(
      join(hostile, 's.jsonl'),
      texts.map((t, i) => JSON.stringify({ id: `id\`${i}`, text: t })).join('\n'),
    );
    await mix({ loaded, cwd: hostile, output: join(hostile, 'out'), workers: 1 });
    const samples = readFileSync(join(hostile, 'out/samples.md'), 'utf8');
    expect(samples).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
    expect(samples).toContain('\\u001b[31mred\\u0007 \\u202eturned');
    expect(samples).toContain('`````text');
    expect(samples).toMatch(/\[\.\.\. \d+ characters \.\.\.\]/);
    expect(samples.length).toBeLessThan(60_000);
  });

  test('the manifest lists every file, and the old one is gone while a new mixture is written', async () => {
    const listed = manifest.files.map((file) => file.path).sort();
    const found = Object.keys(hashes(out)).filter((name) => name !== 'manifest.json');
    expect(listed).toEqual(found.sort());
    const output = join(folder, 'replaced');
    cpSync(out, output, { recursive: true });
    let seen = true;
    await mix({
      ...request,
      output,
      overwrite: true,
      options: { seed: 5 },
      emit: (event) => {
        if (event.kind === 'start' && event.task === 'mix') seen = existsSync(join(output, 'manifest.json'));
      },
    });
    expect(seen).toBe(false);
    expect((await recountMix(output)).problems).toEqual([]);
  });
});

test('a shard that cannot be put in place leaves no half of it on a disk that may be full', async () => {
  const place = join(folder, 'blocked/shards');
  // A folder stands where the shard should go.
  mkdirSync(join(place, '00000.ds'), { recursive: true });
  const tokenizer = await loadTokenizer(join(folder, 'byte-tokens'));
  const shard = new ShardFile(join(folder, 'blocked'), 'shards/00000', tokenizer, { padded: true });
  const tokens = Uint32Array.of(1, 2, 3);
  await shard.add({ pieces: [{ id: 'a', url: '', tokens, offset: 0, pass: 0 }], padding: 2 }, 's');
  await expect(shard.finish()).rejects.toThrow(/cannot write/);
  await shard.abort();
  expect(readdirSync(place)).toEqual(['00000.ds']);
});

describe('the recount', () => {
  const shards = () => readdirSync(join(out, 'shards')).filter((name) => name.endsWith('.ds'));

  test.each<[string, (root: string) => void, RegExp]>([
    [
      'a token changed',
      (root) => flip(join(root, 'shards', shards()[1]!), 100),
      /sha256[\s\S]*per-source\/\w+ holds other sequences/,
    ],
    [
      'padding that counts',
      (root) => writeFileSync(join(root, 'shards/00000.ds.loss'), Buffer.alloc(6400, 1)),
      /padding from \d+ is not masked/,
    ],
    [
      'a document end moved',
      (root) => flip(join(root, 'shards/00000.ds.index'), 0),
      /provenance ends at|are not whole|cross sequences/,
    ],
    [
      'tokens claimed for another source',
      (root) => {
        const path = join(root, 'manifest.json');
        const changed = JSON.parse(readFileSync(path, 'utf8')) as MixManifest;
        changed.sources[0]!.achievedTokens += 64;
        changed.sources[1]!.achievedTokens -= 64;
        writeFileSync(path, JSON.stringify(changed));
      },
      /web: \d+ tokens, manifest \d+/,
    ],
    [
      'a file left behind',
      (root) => writeFileSync(join(root, 'shards/00099.txt'), ''),
      /00099.txt is not in the manifest/,
    ],
    ['a file missing', (root) => rmSync(join(root, 'samples.md')), /samples.md is missing/],
  ])('finds %s', async (_what, damage, message) => {
    const root = mkdtempSync(join(folder, 'damaged-'));
    cpSync(out, root, { recursive: true });
    damage(root);
    expect((await recountMix(root)).problems.join('\n')).toMatch(message);
  });

  function flip(path: string, at: number): void {
    const bytes = readFileSync(path);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
  }
});
