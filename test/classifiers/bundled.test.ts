/** The classifier that comes with midtrain: whole, small, and what its record says of it is what it does. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { readModelFolder } from '../../classifiers/model-folder.ts';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { bundledModelFolder } from '../../src/stages/bundled-model.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';
import { type Measured, measure } from '../real/math-text/measure.ts';
import { readSource, sources } from '../real/math-text/sources.ts';
import { readHardCases } from '../real/math-text/train-data.ts';

const folder = bundledModelFolder('math-text');
const evaluation = JSON.parse(readFileSync(join(folder, 'evaluation.json'), 'utf8')) as {
  threshold: number;
  sources: Measured[];
};

async function scorer(): Promise<(text: string) => number> {
  const { weights, description } = await readModelFolder(folder);
  const model = openFastText(await readFastTextData(weights));
  return (text) =>
    model
      .predict(prepareText(text, description.prepare).replaceAll('\n', ' '), 2)
      .find(({ label }) => label === 'math')?.score ?? 0;
}

/** Every eight words in a row, numbers left out. */
function wordRuns(text: string): string[] {
  const words = prepareText(text, 'megamath')
    .split(' ')
    .filter((word) => word !== '<NUM>');
  return words.slice(7).map((_, i) => words.slice(i, i + 8).join(' '));
}

describe('bundled:math-text', () => {
  it('is whole and at most a megabyte', async () => {
    const { description } = await readModelFolder(folder);
    expect(description).toMatchObject({
      kind: 'fasttext',
      label: 'math',
      prepare: 'megamath',
      newline: 'space',
    });
    expect(statSync(join(folder, 'model.bin')).size).toBeLessThan(1_000_000);
  });

  it('tells mathematics from pages about it, in texts that it has not seen', async () => {
    const score = await scorer();
    for (const file of ['held-out-hard.txt', 'held-out-hard-second.txt']) {
      const cases = readHardCases(join(packageRoot(), 'test', 'real', 'math-text', file));
      const wrong = cases.filter(
        ({ label, text }) => score(text) >= evaluation.threshold !== (label === 'math'),
      );
      expect(wrong.length / cases.length, wrong.map(({ kind }) => kind).join()).toBeLessThan(0.1);
    }
  });

  it('finds no mathematics in fresh texts that hold none, and most of it in those that do', async () => {
    const score = await scorer();
    const texts = readHardCases(join(packageRoot(), 'test', 'real', 'math-text', 'held-out-fresh.txt'));
    for (const half of ['development', 'final']) {
      const right = (label: string) => {
        const of = texts.filter((one) => one.half === half && one.label === label);
        expect(of.length).toBe(label === 'math' ? 15 : 30);
        const found = of.filter(({ text }) => score(text) >= evaluation.threshold);
        return label === 'math' ? found.length : of.length - found.length;
      };
      expect(right('other'), half).toBeGreaterThanOrEqual(29);
      expect(right('math'), half).toBeGreaterThanOrEqual(13);
    }
  });

  it('is not trained on a text that it is measured on', () => {
    const texts = (file: string) => readHardCases(join(packageRoot(), 'test', 'real', 'math-text', file));
    const learnt = new Set(texts('own-texts.txt').flatMap(({ text }) => wordRuns(text)));
    for (const file of ['held-out-fresh.txt', 'held-out-hard.txt', 'held-out-hard-second.txt'])
      for (const { kind, text } of texts(file))
        expect(
          wordRuns(text).filter((run) => learnt.has(run)),
          `${file} ${kind}`,
        ).toEqual([]);
  });

  it('is trained on permissive licences only', () => {
    const permissive = /^(MIT|BSD-3-Clause|Apache-2\.0|PostgreSQL|public domain|ODC-BY-1\.0)$/;
    for (const { name, licence, use } of sources)
      if (use === 'train') expect(licence, name).toMatch(permissive);
    const { data } = JSON.parse(readFileSync(join(folder, 'training.json'), 'utf8')) as {
      data: { name: string; licence: string }[];
    };
    for (const { name, licence } of data)
      if (!name.startsWith('own')) expect(licence, name).toMatch(permissive);
  });
});

describeWith('html-math', 'bundled:math-text on pages of other sites', () => {
  it('does what its card says', async () => {
    const score = await scorer();
    for (const name of ['planetmath', 'c4-odd', 'git-doc', 'giac-doc']) {
      const source = sources.find((one) => one.name === name)!;
      const { documents, right, mean } = measure(
        { ...source, documents: readSource(sharedData, source) },
        'held out',
        score,
        evaluation.threshold,
      );
      expect({ name, documents, right, mean }).toEqual(
        (({ documents: n, right: r, mean: m }) => ({ name, documents: n, right: r, mean: m }))(
          evaluation.sources.find((one) => one.name === name)!,
        ),
      );
    }
  }, 60_000);
});
