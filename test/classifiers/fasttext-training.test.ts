/**
 * Training against models that the reference trained on the same made-up text (test/oracles/fasttext-training.ts), and what must hold of
 * any training: the same bytes however the data arrives, errors that say what is wrong, files that read back as what was trained.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openFastText, readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { type TrainingControl, trainFastText } from '../../classifiers/fasttext/train-fasttext.ts';
import type { FastTextTrainOptions } from '../../classifiers/fasttext/train-options.ts';
import type { TrainingExample, TrainingInput } from '../../classifiers/fasttext/training-lines.ts';
import { writeFastText } from '../../classifiers/fasttext/write-fasttext.ts';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';
import { fixture } from './fixtures.ts';
import { f1Scores, pageParagraphs, paragraphSettings } from './page-paragraphs.ts';
import { trainedLines, trainedModels, trainingText } from './training-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'midtrain-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const lines = at('lines.txt');
writeFileSync(lines, trainingText(trainedLines, false));
const openLines = at('open.txt');
writeFileSync(openLines, trainingText(trainedLines, true));
const small = { dim: 6, wordNgrams: 2, bucket: 50, minCount: 2, epoch: 2, seed: 3 };

async function trainedBytes(
  input: TrainingInput,
  options: Partial<FastTextTrainOptions>,
  control: TrainingControl = {},
): Promise<Buffer> {
  const path = at('trained.bin');
  const { bytes, sha256 } = await writeFastText(path, await trainFastText(input, options, control));
  const written = readFileSync(path);
  expect(bytes).toBe(written.length);
  expect(createHash('sha256').update(written).digest('hex')).toBe(sha256);
  return written;
}

describe('a model trained on the same lines as the reference', () => {
  it.each(Object.entries(trainedModels))('%s has its dictionary and its weights', async (name, options) => {
    const wanted = readFileSync(fixture(`${name}.bin`));
    const input = { files: [name === 'trained-hs' ? openLines : lines] };
    const found = await trainedBytes(input, { wordNgrams: 1, ...options });
    expect(found.length).toBe(wanted.length);
    const model = await readFastText(fixture(`${name}.bin`));
    // On the machine of the fixture these are the same bytes; elsewhere exp may differ in a last bit.
    const weights = 4 * options.dim * (model.data.input.rows + model.data.labels) + 17;
    const dictionary = wanted.length - weights - 17;
    expect(found.subarray(0, dictionary).equals(wanted.subarray(0, dictionary))).toBe(true);
    const floats = (bytes: Buffer, from: number, count: number): number[] =>
      Array.from({ length: count }, (_, i) => bytes.readFloatLE(from + 4 * i));
    const inputCount = model.data.input.rows * options.dim;
    const outputCount = model.data.labels * options.dim;
    for (const [from, count] of [
      [dictionary + 17, inputCount],
      [dictionary + 17 + 4 * inputCount + 17, outputCount],
    ] as const) {
      const theirs = floats(wanted, from, count);
      const apart = floats(found, from, count).map((weight, i) => Math.abs(weight - theirs[i]!));
      expect(Math.max(...apart)).toBeLessThan(1e-5);
      expect(theirs.some((weight) => weight !== 0)).toBe(true);
    }
  });
});

describe('training', () => {
  it('gives the same bytes for the same seed, others for another', async () => {
    const first = await trainedBytes({ files: [lines] }, small);
    expect((await trainedBytes({ files: [lines] }, small)).equals(first)).toBe(true);
    expect((await trainedBytes({ files: [lines] }, { ...small, seed: 4 })).equals(first)).toBe(false);
    expect((await trainedBytes({ files: [lines] }, { ...small, thread: 12 })).equals(first)).toBe(false);
  });

  it('does not depend on how the lines arrive', async () => {
    const first = await trainedBytes({ files: [lines] }, small);
    const zipped = at('lines.txt.gz');
    writeFileSync(zipped, gzipSync(readFileSync(lines)));
    expect((await trainedBytes({ files: [zipped] }, small)).equals(first)).toBe(true);
    const cut = readFileSync(lines);
    const half = cut.indexOf('\n', cut.length / 2) + 1;
    writeFileSync(at('a.txt'), cut.subarray(0, half));
    writeFileSync(at('b.txt'), cut.subarray(half));
    expect((await trainedBytes({ files: [at('a.txt'), at('b.txt')] }, small)).equals(first)).toBe(true);
    for (const blockBytes of [7, 64, 1000]) {
      const again = await trainedBytes({ files: [lines] }, small, { blockBytes, keepBytes: 0 });
      expect(again.equals(first), `blocks of ${blockBytes}`).toBe(true);
    }
    expect((await trainedBytes({ files: [lines] }, small, { shared: true })).equals(first)).toBe(true);
  });

  it('takes examples as it takes lines of a file', async () => {
    const examples: TrainingExample[] = Array.from({ length: 90 }, (_, i) => ({
      text: i % 3 === 0 ? `butter and\nflour ${i}` : `the group of ring ${i}`,
      label: i % 3 === 0 ? 'cooking' : i % 5 === 0 ? ['algebra', '__label__proof'] : 'algebra',
    }));
    const file = examples.map(({ text, label }) => {
      const labels = (typeof label === 'string' ? [label] : label).map((name) =>
        name.startsWith('__label__') ? name : `__label__${name}`,
      );
      return `${labels.join(' ')} ${text.replaceAll('\n', ' ')}\n`;
    });
    writeFileSync(at('examples.txt'), file.join(''));
    const wanted = await trainedBytes({ files: [at('examples.txt')] }, small);
    expect((await trainedBytes(examples, small)).equals(wanted)).toBe(true);
    async function* stream(): AsyncGenerator<TrainingExample> {
      yield* examples;
    }
    expect((await trainedBytes(stream(), small)).equals(wanted)).toBe(true);
    // Words that look like labels, and what stands behind a </s>, are not learnt.
    const sly = examples.map((example) => ({ ...example, text: `${example.text} __label__sly </s> hidden` }));
    expect((await trainedBytes(sly, small)).equals(wanted)).toBe(true);
  });

  it('predicts from memory and from the file it wrote alike', async () => {
    const trained = await trainFastText({ files: [lines] }, { ...small, epoch: 6, lr: 0.5 });
    await writeFastText(at('model.bin'), trained);
    const here = openFastText(trained.data);
    const there = await readFastText(at('model.bin'));
    expect(there.labels).toEqual(here.labels);
    for (const text of ['ring and group of the field', 'butter flour salt', '我们 数学', 'unseen', '']) {
      expect(there.predict(text, 9)).toEqual(here.predict(text, 9));
    }
    expect(here.predict('butter flour salt')[0]!.label).toBe('cooking');
    expect(readdirSync(folder).filter((name) => name.includes('.tmp-'))).toEqual([]);
    expect(trained.tokens).toBeGreaterThan(trained.counts.length);
    expect(trained.examples).toBeGreaterThan(6 * 300);
  });

  it('can be stopped, and tells how far it is', async () => {
    const text = Array.from(
      { length: 3000 },
      (_, i) => `__label__${i % 2} ${'a b c d e f g h '.repeat(8)}\n`,
    );
    writeFileSync(at('long.txt'), text.join(''));
    const stop = new AbortController();
    const seen: number[] = [];
    const running = trainFastText(
      { files: [at('long.txt')] },
      { dim: 256, wordNgrams: 2, bucket: 10, minCount: 1, epoch: 100 },
      {
        signal: stop.signal,
        onProgress: ({ progress }) => {
          seen.push(progress);
          if (seen.length === 2) stop.abort();
        },
      },
    );
    await expect(running).rejects.toThrow(InterruptedError);
    expect(seen).toHaveLength(2);
    expect(seen[1]! > seen[0]! && seen[1]! < 0.5).toBe(true);
  });

  const wrong: [what: string, text: string, options: Record<string, unknown>, message: RegExp][] = [
    ['no labels', 'only words here\n', { minCount: 1 }, /has no labels/],
    ['no frequent words', '__label__a rare words\n', { minCount: 5 }, /no word .* occurs 5 times/],
    ['an empty file', '', {}, /has no labels/],
    ['a rate that is too high', trainingText(60, false), { lr: 1e30, minCount: 1 }, /diverged/],
    [
      'negative sampling of one label',
      '__label__a x x x\n',
      { loss: 'ns', minCount: 1 },
      /at least two labels/,
    ],
    ['buckets that are needed and none', '__label__a x\n', { wordNgrams: 2, bucket: 0 }, /bucket is 0/],
    ['half a dimension', '__label__a x\n', { dim: 1.5 }, /dim is 1.5/],
    ['a setting that there is not', '__label__a x\n', { ngrams: 2 }, /"ngrams" is no setting/],
    ['an unknown loss', '__label__a x\n', { loss: 'hinge' }, /loss is hinge/],
    [
      'more buckets than memory',
      '__label__a x\n',
      { bucket: 2_147_483_000, dim: 65_536, minCount: 1 },
      /memory/,
    ],
  ];
  it.each(wrong)('refuses %s', async (_, text, options, message) => {
    writeFileSync(at('wrong.txt'), text);
    const error = await trainFastText({ files: [at('wrong.txt')] }, { ...small, ...options }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(message);
    expect((error as UserError).hint).toBeDefined();
  });

  it('names a file that is not there, and labels that are no words', async () => {
    await expect(trainFastText({ files: [at('none.txt')] })).rejects.toThrow(/none\.txt.*cannot be read/);
    await expect(trainFastText({ files: [] })).rejects.toThrow(/no files/);
    await expect(trainFastText([{ text: 'x', label: 'two words' }])).rejects.toThrow(
      /"two words" cannot be a label/,
    );
  });
});

interface Recorded {
  train: Record<string, number>;
  heldOut: Record<string, number>;
}
interface RecordedRuns {
  means: { ours: number; reference: number; racing: number };
  rows: { seed: number; sameBytes: boolean; sameLabels: boolean; reference: { all: number } }[];
}
const recorded = JSON.parse(readFileSync(fixture('training.json'), 'utf8')) as Recorded &
  Record<keyof typeof paragraphSettings, RecordedRuns>;

describe('F1 on paragraphs of sites held out, as recorded', () => {
  it.each(['megamath', 'small'] as const)('%s: five seeds, within half a point of the reference', (name) => {
    const { means, rows } = recorded[name];
    expect(rows).toHaveLength(5);
    expect(Math.abs(means.ours - means.reference)).toBeLessThan(0.5);
    expect(rows.every(({ sameBytes, sameLabels }) => sameBytes && sameLabels)).toBe(true);
    const heldOut = Object.values(recorded.heldOut).reduce((sum, count) => sum + count);
    expect(heldOut).toBeGreaterThan(5000);
    for (const source of Object.keys(recorded.heldOut)) {
      if (source !== 'c4') expect(recorded.train[source], source).toBeUndefined();
    }
  });
});

describeWith('html-math', 'F1 on paragraphs of sites held out', () => {
  it('is within half a point of what the reference reached with this seed', async () => {
    const { train, heldOut } = pageParagraphs(sharedData)!;
    const trained = await trainFastText(train, { ...paragraphSettings.small, seed: 1 });
    const model = openFastText(trained.data);
    const { all, bySource } = f1Scores(
      heldOut,
      heldOut.map(({ text }) => model.predict(text)[0]!.label),
    );
    const wanted = recorded.small.rows.find(({ seed }) => seed === 1)!.reference.all;
    expect(Math.abs(all - wanted), JSON.stringify(bySource)).toBeLessThan(0.5);
    // Extracting the pages takes most of it: eight seconds of one core.
  }, 600_000);
});
