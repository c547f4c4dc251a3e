/**
 * Trains the classifier that comes with midtrain (classifiers/math-text) and writes its folder: weights, record, measures, card. The same
 * bytes each time, on every machine.
 *
 *   node test/real/train-math-text.ts [../shared/data] [classifiers/math-text]
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { trainFastText } from '../../classifiers/fasttext/train-fasttext.ts';
import { writeFastText } from '../../classifiers/fasttext/write-fasttext.ts';
import { writeModelDescription } from '../../classifiers/model-folder.ts';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { mathTextCard } from './math-text/card.ts';
import { type Measured, measure } from './math-text/measure.ts';
import { documentsFor, readHardCases, trainingExamples } from './math-text/train-data.ts';

const root = packageRoot();
const data = resolve(process.argv[2] ?? join(root, '..', 'shared', 'data'));
const out = resolve(process.argv[3] ?? join(root, 'classifiers', 'math-text'));
const here = join(root, 'test', 'real', 'math-text');

/** Small on purpose: 8 numbers a word, 10,000 buckets for pairs of words, words that occur five times or more. */
const settings = { dim: 8, lr: 0.2, wordNgrams: 2, minCount: 5, epoch: 10, bucket: 10_000, seed: 0 };
const pieceSeed = 1;
const threshold = 0.5;

const training = documentsFor('train', data);
const { examples, counts } = trainingExamples(training, pieceSeed);
const trained = await trainFastText(examples, settings);
mkdirSync(out, { recursive: true });
const weights = await writeFastText(join(out, 'model.bin'), trained);
await writeModelDescription(out, {
  kind: 'fasttext',
  label: 'math',
  prepare: 'megamath',
  newline: 'space',
  unit: 'document',
  threshold,
  weights: 'model.bin',
});

const model = openFastText(trained.data);
const score = (text: string): number =>
  model.predict(prepareText(text, 'megamath').replaceAll('\n', ' '), 2).find(({ label }) => label === 'math')
    ?.score ?? 0;
const hard = ['held-out-hard.txt', 'held-out-hard-second.txt'].flatMap((file, i) => {
  const cases = readHardCases(join(here, file));
  return (['other', 'math'] as const).map((label) => ({
    name: `own hard cases${i === 0 ? '' : ', second set'}: ${label === 'other' ? 'about mathematics, none in it' : 'mathematics in plain words'}`,
    label,
    licence: 'own words',
    documents: cases
      .filter((one) => one.label === label)
      .map(({ kind, text }, j) => ({ id: `${kind}-${j}`, text })),
  }));
});
const fresh = readHardCases(join(here, 'held-out-fresh.txt'));
const freshSources = ['development', 'final'].flatMap((half) =>
  (['other', 'math'] as const).map((label) => ({
    name: `fresh texts, ${half} half: ${label === 'other' ? 'no mathematics' : 'mathematics'}`,
    label,
    licence: 'own words',
    documents: fresh
      .filter((one) => one.label === label && one.half === half)
      .map(({ kind, text }, i) => ({ id: `${kind}-${i}`, text })),
  })),
);
const measured: Measured[] = [
  ...training.map((source) => measure(source, 'train', score, threshold)),
  ...documentsFor('held out', data).map((source) => measure(source, 'held out', score, threshold)),
  ...hard.map((source) => measure(source, 'hard', score, threshold)),
  ...freshSources.map((source) => measure(source, 'fresh', score, threshold)),
];
const { words } = trained.data;
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
await writeFileAtomic(
  join(out, 'training.json'),
  json({
    script: 'test/real/train-math-text.ts',
    settings: trained.options,
    pieceSeed,
    data: counts,
    examples: {
      math: examples.filter(({ label }) => label === 'math').length,
      other: examples.filter(({ label }) => label === 'other').length,
    },
    words,
    loss: trained.loss,
    weights,
  }),
);
await writeFileAtomic(join(out, 'evaluation.json'), json({ threshold, sources: measured }));
await writeFileAtomic(
  join(out, 'card.md'),
  mathTextCard({ measured, counts, threshold, settings, bytes: weights.bytes, words }),
);
for (const { name, use, documents, right, mean } of measured)
  process.stdout.write(
    `${use.padEnd(9)} ${name.padEnd(60)} ${String(documents).padStart(5)} ${right.toFixed(3)} ${mean.toFixed(3)}\n`,
  );
process.stdout.write(`${weights.bytes} bytes, sha256 ${weights.sha256}\n`);
