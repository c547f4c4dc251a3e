/** The folder of a classifier: what is written is what is read, and damage is told with file and cure. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isModelFolder, readModelFolder, writeModelDescription } from '../../classifiers/model-folder.ts';

const described = {
  kind: 'fasttext',
  label: 'positive',
  prepare: 'megamath',
  newline: 'space',
  unit: 'document',
  threshold: 0.4,
  weights: 'model.bin',
} as const;

describe('a model folder', () => {
  let root: string;
  let whole: string;
  let copies = 0;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'model-folder-'));
    whole = join(root, 'whole');
    cpSync(join(import.meta.dirname, '../fixtures/regressor/encoder/1_Pooling'), whole, { recursive: true });
    writeFileSync(join(whole, 'model.bin'), Buffer.alloc(5000, 7));
    await writeModelDescription(whole, described);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const copy = (): string => {
    const folder = join(root, `copy-${copies++}`);
    cpSync(whole, folder, { recursive: true });
    return folder;
  };
  const change = (folder: string, how: (value: Record<string, unknown>) => unknown): void => {
    const file = join(folder, 'classifier.json');
    writeFileSync(file, JSON.stringify(how(JSON.parse(readFileSync(file, 'utf8')))));
  };

  it('is read as it was written, with size and sha256 of its weights', async () => {
    const { description, weights, path } = await readModelFolder(whole);
    expect(description).toEqual({ ...described, version: 1, bytes: 5000, sha256: expect.any(String) });
    expect([weights, path]).toEqual([join(whole, 'model.bin'), whole]);
    expect(await isModelFolder(whole)).toBe(true);
    expect(await isModelFolder(root)).toBe(false);
  });

  it('with changed weights of the same size is damaged, unless the caller has checked them', async () => {
    const folder = copy();
    const bytes = readFileSync(join(folder, 'model.bin'));
    bytes[4321]! ^= 1;
    writeFileSync(join(folder, 'model.bin'), bytes);
    await expect(readModelFolder(folder)).rejects.toThrow(/model\.bin: damaged: its sha256 is/);
    await expect(readModelFolder(folder, { verify: false })).resolves.toBeDefined();
  });

  it('cut short, without its weights or its description is told so', async () => {
    const cut = copy();
    truncateSync(join(cut, 'model.bin'), 4999);
    await expect(readModelFolder(cut, { verify: false })).rejects.toThrow('it has 4999 bytes and had 5000');
    const without = copy();
    unlinkSync(join(without, 'model.bin'));
    await expect(readModelFolder(without)).rejects.toThrow('are missing');
    const half = copy();
    unlinkSync(join(half, 'classifier.json'));
    await expect(readModelFolder(half)).rejects.toThrow('it has no classifier.json');
    truncateSync(join(copy(), 'classifier.json'), 20);
    const torn = copy();
    truncateSync(join(torn, 'classifier.json'), 20);
    await expect(readModelFolder(torn)).rejects.toThrow('not JSON');
  });

  it('of a later version, with an unknown key or a path for its weights is refused by name', async () => {
    const later = copy();
    change(later, (value) => ({ ...value, version: 2 }));
    await expect(readModelFolder(later)).rejects.toThrow('the folder has version 2; this program reads 1');
    const strange = copy();
    change(strange, ({ prepare, ...value }) => ({ ...value, prepar: prepare }));
    await expect(readModelFolder(strange)).rejects.toThrow('did you mean "prepare"?');
    const outside = copy();
    change(outside, (value) => ({ ...value, weights: '../whole/model.bin' }));
    await expect(readModelFolder(outside)).rejects.toThrow('the weights are a file in the folder');
  });

  it('needs a label for fastText and an encoder for a regressor', async () => {
    const folder = copy();
    const { label: _label, ...unlabelled } = described;
    await expect(writeModelDescription(folder, unlabelled)).rejects.toThrow('the label that it scores');
    await expect(writeModelDescription(folder, { ...described, kind: 'regressor' })).rejects.toThrow(
      'the encoder of its embeddings',
    );
  });
});
