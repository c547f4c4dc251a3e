/**
 * Encoders and checkpoints against transformers in Python, on two tiny models that test/oracles/regressor_models.py made; and what is said
 * about models that are none.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writeModelDescription } from '../../classifiers/model-folder.ts';
import { openClassifier } from '../../classifiers/open-classifier.ts';
import { cropText } from '../../classifiers/regressor/crop-text.ts';
import { EmbeddingCache } from '../../classifiers/regressor/embedding-cache.ts';
import { encoderSettings } from '../../classifiers/regressor/encoder-settings.ts';
import { fetchModel, parseModelAddress } from '../../classifiers/regressor/fetch-encoder.ts';
import { devicesToTry, openEncoder } from '../../classifiers/regressor/open-encoder.ts';
import { planBatches } from '../../classifiers/regressor/plan-batches.ts';
import { TextTokenizer } from '../../classifiers/regressor/tokenize-text.ts';
import { trainRegressor, writeRegressor } from '../../classifiers/regressor/train-regressor.ts';
import { commit, fakeHub } from '../io/fake-hub.ts';
import { hasTransformers } from './has-transformers.ts';

const fixtures = fileURLToPath(new URL('../fixtures/regressor/', import.meta.url));
const encoderFolder = join(fixtures, 'encoder');
const classifierFolder = join(fixtures, 'classifier');
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  text: string;
  tokens: number;
  mean: number[];
  cls: number[];
  lasttoken: number[];
  logit: number;
}[];
const texts = expected.map(({ text }) => text);
const root = mkdtempSync(join(tmpdir(), 'midtrain-encoder-'));
afterAll(() => rmSync(root, { recursive: true }));

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe.runIf(hasTransformers)('an encoder', () => {
  it.each(['mean', 'cls', 'lasttoken'] as const)(
    'pools as sentence-transformers does: %s',
    async (pooling) => {
      const encoder = await openEncoder(encoderSettings({ model: encoderFolder, pooling, normalize: false }));
      const together = await encoder.encode(texts);
      for (const [i, row] of expected.entries()) {
        const one = together.subarray(32 * i, 32 * (i + 1));
        expect(worst(one, row[pooling])).toBeLessThan(1e-4);
        // Alone and among six others, padded: the same numbers.
        expect(worst(await encoder.encode([row.text]), one)).toBeLessThan(1e-6);
      }
      await encoder.close();
    },
  );

  it('takes pooling, length and normalisation from the folder', async () => {
    const encoder = await openEncoder(encoderSettings({ model: encoderFolder }));
    expect(encoder).toMatchObject({
      pooling: 'mean',
      normalize: true,
      maxLength: 64,
      dimensions: 32,
      device: 'cpu',
    });
    const [first] = expected;
    const length = Math.hypot(...first!.mean);
    expect(
      worst(
        await encoder.encode([first!.text]),
        first!.mean.map((value) => value / length),
      ),
    ).toBeLessThan(1e-4);
    await encoder.close();
  });

  it('reads batches in whatever order: each text has its own numbers', async () => {
    const small = await openEncoder(encoderSettings({ model: encoderFolder }), {
      batch: { texts: 2, tokens: 100 },
    });
    const large = await openEncoder(encoderSettings({ model: encoderFolder }));
    const many = [...texts, ...texts.toReversed()];
    expect(worst(await small.encode(many), await large.encode(many))).toBeLessThan(1e-6);
    await small.close();
    await large.close();
  });
});

describe.runIf(hasTransformers)('a checkpoint with one output', () => {
  it('is scored as it is', async () => {
    const regressor = await openClassifier({ kind: 'regressor', model: classifierFolder });
    expect(
      worst(
        await regressor.score(texts),
        expected.map(({ logit }) => logit),
      ),
    ).toBeLessThan(1e-4);
    await regressor.close();
  });

  it('says what is wrong with an encoder in its place, more outputs, or a damaged graph', async () => {
    await expect(openClassifier({ kind: 'regressor', model: encoderFolder })).rejects.toThrow(
      /embeddings of 32 values and no score/,
    );
    const damaged = join(root, 'damaged');
    cpSync(classifierFolder, damaged, { recursive: true });
    truncateSync(join(damaged, 'onnx', 'model.onnx'), 50_000);
    await expect(openClassifier({ kind: 'regressor', model: damaged })).rejects.toThrow(
      /damaged: the model does not open/,
    );
    rmSync(join(damaged, 'onnx'), { recursive: true });
    await expect(openClassifier({ kind: 'regressor', model: damaged })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('optimum-cli export onnx') }),
    );
  });
});

describe.runIf(hasTransformers)('a trained regressor', () => {
  const examples = Array.from({ length: 60 }, (_, i) => ({
    text:
      i % 2 === 0
        ? `We find x = ${i} and divide both sides by three. ${texts[0]}`
        : `Buy ${i} now! ${texts[1]}`,
    score: i % 2 === 0 ? 4 : 1,
  }));
  const cacheFolder = join(root, 'cache');
  const options = { encoder: { model: encoderFolder }, cacheFolder };

  it('is written to a model folder, opens again, and embeds no text twice', async () => {
    const trained = await trainRegressor(examples.slice(0, 40), examples.slice(40), options);
    const again = await trainRegressor(examples.slice(0, 40), examples.slice(40), options);
    expect([trained.cached, again.cached]).toEqual([0, 60]);
    expect(again.head).toEqual(trained.head);
    expect(
      trained.candidates.find(({ name }) => name === trained.best)!.heldOut.accuracy,
    ).toBeGreaterThanOrEqual(0.9);
    const folder = join(root, 'model');
    mkdirSync(folder);
    await writeModelDescription(folder, await writeRegressor(folder, trained));
    const regressor = await openClassifier({ kind: 'regressor', model: folder });
    const scores = await regressor.score(examples.map(({ text }) => text));
    await regressor.close();
    const right = examples.filter(({ score }, i) => scores[i]! > 2.5 === score > 2.5);
    expect(right.length).toBeGreaterThanOrEqual(0.9 * examples.length);
  });

  it('refuses another encoder than it was trained on', async () => {
    const folder = join(root, 'moved');
    cpSync(join(root, 'model'), folder, { recursive: true });
    const description = JSON.parse(readFileSync(join(folder, 'classifier.json'), 'utf8'));
    description.encoder.pooling = 'cls';
    writeFileSync(join(folder, 'classifier.json'), JSON.stringify(description));
    await expect(openClassifier({ kind: 'regressor', model: folder })).rejects.toThrow(/another encoder/);
  });

  it('says which label is none', async () => {
    await expect(trainRegressor([{ text: 'a', score: 7 }], [], options)).rejects.toThrow(
      /document 1 has the label 7/,
    );
  });
});

describe('the cache of embeddings', () => {
  it('loses no more than a torn record to a kill', () => {
    const folder = join(root, 'torn');
    const keys = ['a', 'b', 'c'].map(EmbeddingCache.keyOf);
    const first = new EmbeddingCache(folder, 'f', 2);
    first.add(keys, Float32Array.of(1, 2, 3, 4, 5, 6));
    first.close();
    truncateSync(join(folder, 'f', '000001.embeddings'), 3 * 24 - 5);
    const second = new EmbeddingCache(folder, 'f', 2);
    const out = new Float32Array(2);
    expect(keys.map((key) => second.read(key, out, 0))).toEqual([true, true, false]);
    expect([...out]).toEqual([3, 4]);
    second.add([keys[2]!], Float32Array.of(7, 8));
    second.close();
    const third = new EmbeddingCache(folder, 'f', 2);
    expect(third.read(keys[2]!, out, 0)).toBe(true);
    expect([...out]).toEqual([7, 8]);
    third.close();
  });
});

describe('a model on the Hub', () => {
  it('is fetched once, only the files that are needed, and read from the cache without network', async () => {
    const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'];
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(classifierFolder, name))]));
    const hub = await fakeHub(
      { ...files, 'pytorch_model.bin': 'x', 'onnx/model_fp16.onnx': 'y' },
      ['onnx/model.onnx'],
      undefined,
      'model',
    );
    const options = { endpoint: hub.endpoint, cacheFolder: join(root, 'hub'), backoffMs: 1 };
    try {
      const model = await fetchModel('hf://owner/name', 'fp32', options);
      expect(model.address).toBe(`hf://owner/name@${commit}`);
      expect(readFileSync(join(model.folder, 'onnx/model.onnx')).equals(files['onnx/model.onnx']!)).toBe(
        true,
      );
      expect(hub.log.filter(({ path }) => /pytorch|fp16/.test(path) && path.includes('resolve'))).toEqual([]);
      const asked = hub.log.length;
      expect(await fetchModel(model.address, 'fp32', options)).toEqual(model);
      expect(hub.log.length).toBe(asked);
      await expect(fetchModel('hf://owner/name', 'q4', options)).rejects.toThrow(
        /no ONNX file of the dtype q4/,
      );
    } finally {
      await hub.close();
    }
    expect(() => parseModelAddress('hf://name')).toThrow(/not an address of a model/);
  });
});

describe('texts on their way to a model', () => {
  it('are cut in the middle by code points, as NeMo Curator cuts them', () => {
    expect(cropText('abcdefghij', 'centre', 2)).toBe('defg');
    expect(cropText('abcdefghi', 'centre', 2)).toBe('cdef');
    expect(cropText('abcd', 'centre', 2)).toBe('abcd');
    expect(cropText('𝒂𝒃𝒄𝒅𝒆𝒇', 'centre', 2)).toBe('𝒃𝒄𝒅𝒆');
    expect(cropText('abcdefghij', 'head', 2)).toBe('abcdefghij');
  });

  it('are tokenised no further than fits, with the same ids', () => {
    let longest = 0;
    const encoder = {
      encode(text: string, { add_special_tokens = true } = {}): number[] {
        longest = Math.max(longest, text.length);
        const ids = text
          .split(/\s+/)
          .filter(Boolean)
          .map((word) => word.length);
        return add_special_tokens ? [101, ...ids, 102] : ids;
      },
    };
    const tokenizer = new TextTokenizer(encoder, 10);
    const text = 'a bb ccc '.repeat(10_000);
    expect(tokenizer.idsOf(text)).toEqual([101, 1, 2, 3, 1, 2, 3, 1, 2, 102]);
    expect(longest).toBeLessThan(100);
    expect(tokenizer.idsOf('')).toEqual([101, 102]);
    expect(tokenizer.idsOf('a bb')).toEqual([101, 1, 2, 102]);
    expect(tokenizer.idsOf(`${'x'.repeat(500)} yy `.repeat(3))).toEqual([101, 500, 2, 500, 2, 500, 2, 102]);
  });

  it('go together by length, within the limits', () => {
    expect(planBatches([5, 1, 5, 3, 9], { texts: 2, tokens: 100 })).toEqual([[4, 0], [2, 3], [1]]);
    expect(planBatches([5, 1, 5, 3, 9], { texts: 9, tokens: 10 })).toEqual([[4], [0, 2], [3, 1]]);
    expect(planBatches([], { texts: 2, tokens: 10 })).toEqual([]);
  });

  it('run on a GPU where there is one', () => {
    expect(devicesToTry('auto', { platform: 'linux', arch: 'x64', renderNode: false })).toEqual([
      'cuda',
      'cpu',
    ]);
    expect(devicesToTry('auto', { platform: 'linux', arch: 'x64', renderNode: true })).toEqual([
      'cuda',
      'webgpu',
      'cpu',
    ]);
    expect(devicesToTry('auto', { platform: 'linux', arch: 'arm64', renderNode: true })).toEqual(['cpu']);
    expect(devicesToTry('cuda', { platform: 'darwin', arch: 'arm64', renderNode: false })).toEqual(['cuda']);
  });
});
