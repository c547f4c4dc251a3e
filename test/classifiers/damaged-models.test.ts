/** Model files are untrusted: whatever bytes they hold, reading refuses them by name or gives a model that predicts numbers. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { InputError } from '../../src/core/errors.ts';
import { fixture } from './fixtures.ts';
import { randomNumbers } from './random-numbers.ts';

const folder = mkdtempSync(join(tmpdir(), 'midtrain-fasttext-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'model.bin');

/** `refused`, or `opened` when a few texts get scores between 0 and 1. Anything else fails the test. */
async function outcome(bytes: Uint8Array): Promise<'refused' | 'opened'> {
  writeFileSync(path, bytes);
  try {
    const model = await readFastText(path);
    for (const text of ['the group is a field 数学 goal', '', 'w0 v1 unknownword '.repeat(50)]) {
      for (const { score } of model.predict(text, Number.POSITIVE_INFINITY)) {
        expect(score >= 0 && score <= 1.0001).toBe(true);
      }
    }
    return 'opened';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toContain(path);
    expect(error.hint).toBeDefined();
    return 'refused';
  }
}

const kinds = ['trigrams-dim5.bin', 'tree.bin', 'subwords-q-cutoff-norm.ftz', 'many-labels-tree-q-out.ftz'];

describe('a damaged model', () => {
  it.each(kinds)('%s cut short anywhere is refused', async (kind) => {
    const bytes = readFileSync(fixture(kind));
    const next = randomNumbers(1);
    const lengths = [0, 1, 7, 8, 63, 64, 91, bytes.length - 1];
    while (lengths.length < 40) lengths.push(Math.floor(next() * bytes.length));
    for (const length of lengths)
      expect(await outcome(bytes.subarray(0, length)), `${length}`).toBe('refused');
  });

  it.each(kinds)('%s with flipped bits is refused or harmless', async (kind) => {
    const bytes = readFileSync(fixture(kind));
    const next = randomNumbers(2);
    const seen = { refused: 0, opened: 0 };
    for (let round = 0; round < 100; round++) {
      const damaged = Buffer.from(bytes);
      for (let flips = round % 4; flips >= 0; flips--) {
        const at = Math.floor(next() * (round % 2 === 0 ? bytes.length : 400));
        damaged[at]! ^= 1 << Math.floor(next() * 8);
      }
      seen[await outcome(damaged)]++;
    }
    expect(seen.refused).toBeGreaterThan(5);
    expect(seen.opened).toBeGreaterThan(5);
  });

  it('with more bytes after the end is refused', async () => {
    const bytes = readFileSync(fixture('softmax.bin'));
    expect(await outcome(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe('refused');
  });

  const wrong: [what: string, edit: (bytes: Buffer) => void, message: RegExp][] = [
    ['another magic number', (bytes) => bytes.writeInt32LE(7, 0), /does not begin like a fastText model/],
    ['a later version', (bytes) => bytes.writeInt32LE(13, 4), /format version 13; 11 and 12/],
    [
      'a vector of two thousand million numbers',
      (bytes) => bytes.writeInt32LE(2 ** 31 - 1, 8),
      /claims vectors of/,
    ],
    ['n-grams of a million words', (bytes) => bytes.writeInt32LE(1e6, 28), /claims n-grams of 1000000/],
    ['an unknown loss', (bytes) => bytes.writeInt32LE(9, 32), /unknown loss 9/],
    ['word vectors', (bytes) => bytes.writeInt32LE(1, 36), /not a classifier/],
    [
      'two thousand million words',
      (bytes) => {
        bytes.writeInt32LE(2 ** 31 - 1, 64);
        bytes.writeInt32LE(2 ** 31 - 8, 68);
      },
      /claims 2147483647 dictionary entries, but only \d+ bytes are left/,
    ],
    ['kept features beyond the file', (bytes) => bytes.writeBigInt64LE(2n ** 40n, 84), /claims|has/],
    [
      'an impossible number of tokens',
      (bytes) => bytes.writeBigInt64LE(-(2n ** 60n), 76),
      /impossible number of tokens/,
    ],
  ];
  it.each(wrong)('claiming %s is refused with place and cure', async (_, edit, message) => {
    const bytes = Buffer.from(readFileSync(fixture('bigrams.bin')));
    edit(bytes);
    writeFileSync(path, bytes);
    const error = await readFastText(path).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
    expect((error as InputError).place).toMatch(/^byte \d+$/);
    expect((error as InputError).hint).toContain('get it again');
  });

  it('made of weights that are not numbers is refused when it predicts', async () => {
    const bytes = Buffer.from(readFileSync(fixture('softmax.bin')));
    for (let at = bytes.length - 8; at > bytes.length - 40; at -= 4) bytes.writeFloatLE(Number.NaN, at);
    writeFileSync(path, bytes);
    const model = await readFastText(path);
    expect(() => model.predict('the group')).toThrow(/weights that are not numbers/);
  });

  it('with a dictionary chosen to collide is refused in time', async () => {
    // Words whose hashes begin at the same few places of the table.
    const bytes = readFileSync(fixture('softmax.bin'));
    const words: Buffer[] = [];
    const tail = Buffer.alloc(9);
    for (let number = 0; words.length < 4000; number++) {
      const word = number.toString(36);
      let hash = 0x811c9dc5;
      for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
      if ((hash & 0x7ff) === 0) words.push(Buffer.concat([Buffer.from(word), Buffer.alloc(1), tail]));
    }
    const label = Buffer.concat([Buffer.from('__label__a\0'), Buffer.alloc(8), Buffer.from([1])]);
    const head = Buffer.from(bytes.subarray(0, 92));
    head.writeInt32LE(words.length + 1, 64);
    head.writeInt32LE(words.length, 68);
    head.writeInt32LE(1, 72);
    const matrix = (rows: number): Buffer => {
      const buffer = Buffer.alloc(1 + 16 + rows * 16);
      buffer.writeBigInt64LE(BigInt(rows), 1);
      buffer.writeBigInt64LE(4n, 9);
      return buffer;
    };
    writeFileSync(path, Buffer.concat([head, ...words, label, matrix(words.length), matrix(1)]));
    await expect(readFastText(path)).rejects.toThrow(/same hash/);
  });

  it('that is a folder, or is not there, is refused', async () => {
    await expect(readFastText(folder)).rejects.toThrow(/is not a file|cannot be opened/);
    await expect(readFastText(join(folder, 'none.bin'))).rejects.toThrow(/cannot be opened/);
  });

  it('of word vectors is told apart from a classifier', async () => {
    await expect(readFastText(fixture('word-vectors.bin'))).rejects.toThrow(
      /word vectors .* not a classifier/,
    );
  });
});
