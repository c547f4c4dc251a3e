/**
 * Trains with the reference and with midtrain on the same files and writes what the reference gave to test/fixtures/fasttext:
 *   trained-*.bin     tiny models of every loss, by the reference, on made-up text
 *   training.json     F1 over five seeds on paragraphs of pages, ours and the reference's, overall and by source; whether the models are
 *                     the same bytes; whether the reference loads ours and predicts the same
 *
 *     apt-get download fasttext libfasttext0 && for d in *.deb; do dpkg -x $d /tmp/ft; done
 *     LD_LIBRARY_PATH=/tmp/ft/usr/lib/x86_64-linux-gnu node test/oracles/fasttext-training.ts /tmp/ft/usr/bin/fasttext
 *
 * Reference: Debian's fasttext 0.9.2, which starts from zeroed memory and is built without fused multiply-add, `-thread 1`. The PyPI
 * package 0.9.3 allocates the matrix without clearing it (aligned.h) while `-thread 1` draws only its first tenth (densematrix.cc,
 * uniform): the rest is what the memory held before, sometimes NaN. It needs `-thread 10` or more to start from numbers it chose.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { trainFastText } from '../../classifiers/fasttext/train-fasttext.ts';
import type { FastTextTrainOptions } from '../../classifiers/fasttext/train-options.ts';
import { exampleLine } from '../../classifiers/fasttext/training-lines.ts';
import { writeFastText } from '../../classifiers/fasttext/write-fasttext.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { f1Scores, pageParagraphs, paragraphSettings } from '../classifiers/page-paragraphs.ts';
import { trainedLines, trainedModels, trainingText } from '../classifiers/training-text.ts';

const command = process.argv[2] ?? 'fasttext';
const fixtures = join(packageRoot(), 'test', 'fixtures', 'fasttext');
const folder = mkdtempSync(join(tmpdir(), 'fasttext-training-'));
const at = (name: string): string => join(folder, name);

function reference(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function trainReference(input: string, name: string, options: Partial<FastTextTrainOptions>): void {
  // -lr is rounded to 32 bits, its default of 0.1 is not.
  const given = Object.entries(options).filter(([key, value]) => key !== 'lr' || value !== 0.1);
  const flags = given.flatMap(([key, value]) => [`-${key}`, String(value)]);
  const threads = options.thread === undefined ? ['-thread', '1'] : [];
  reference('supervised', '-input', input, '-output', at(name), ...threads, '-verbose', '0', ...flags);
}

const ngrams1 = { wordNgrams: 1 };
for (const [name, options] of Object.entries(trainedModels)) {
  writeFileSync(at('lines.txt'), trainingText(trainedLines, name === 'trained-hs'));
  trainReference(at('lines.txt'), name, { ...ngrams1, ...options });
  copyFileSync(at(`${name}.bin`), join(fixtures, `${name}.bin`));
  await writeFastText(
    at('ours.bin'),
    await trainFastText({ files: [at('lines.txt')] }, { ...ngrams1, ...options }),
  );
  console.log(
    name,
    readFileSync(at('ours.bin')).equals(readFileSync(at(`${name}.bin`))) ? 'same bytes' : 'DIFFERENT',
  );
}

const paragraphs = pageParagraphs(join(packageRoot(), '..', 'shared', 'data'));
if (paragraphs === undefined) throw new Error('needs ../shared/data');
const { train, heldOut } = paragraphs;
const trainFile = at('train.txt');
const heldOutFile = at('held-out.txt');
writeFileSync(trainFile, train.map(exampleLine).join(''));
writeFileSync(heldOutFile, heldOut.map(({ text }) => `${text}\n`).join(''));
const count = (rows: typeof train): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { source } of rows) counts[source] = (counts[source] ?? 0) + 1;
  return counts;
};
const predictions = (model: string): { label: string; score: number }[] =>
  reference('predict-prob', model, heldOutFile)
    .trim()
    .split('\n')
    .map((line) => {
      const [label, score] = line.split(' ');
      return { label: label!.slice('__label__'.length), score: Number(score) };
    });

const result: Record<string, unknown> = { train: count(train), heldOut: count(heldOut) };
for (const [name, settings] of Object.entries(paragraphSettings)) {
  const rows = [];
  for (let seed = 1; seed <= 5; seed++) {
    const options = { ...settings, seed };
    trainReference(trainFile, 'reference', options);
    const trained = await trainFastText({ files: [trainFile] }, options);
    await writeFastText(at('ours.bin'), trained);
    const sameBytes = readFileSync(at('ours.bin')).equals(readFileSync(at('reference.bin')));
    const model = openFastText(trained.data);
    const found = heldOut.map(({ text }) => model.predict(text)[0]!);
    const theirs = predictions(at('reference.bin'));
    const oursThere = predictions(at('ours.bin'));
    const apart = Math.max(...found.map(({ score }, i) => Math.abs(score - oursThere[i]!.score)));
    const sameLabels = found.every(({ label }, i) => label === oursThere[i]!.label);
    const labels = (list: { label: string }[]): string[] => list.map(({ label }) => label);
    // As the reference trains when nothing is said: twelve threads that race.
    trainReference(trainFile, 'racing', { ...options, thread: 12 });
    const racing = f1Scores(heldOut, labels(predictions(at('racing.bin')))).all;
    const row = { seed, sameBytes, sameLabels, apart, racing };
    rows.push({
      ...row,
      ours: f1Scores(heldOut, labels(found)),
      reference: f1Scores(heldOut, labels(theirs)),
    });
    console.log(name, JSON.stringify(rows.at(-1)));
  }
  const mean = (values: number[]): number =>
    Math.round((100 * values.reduce((a, b) => a + b)) / values.length) / 100;
  const means = {
    ours: mean(rows.map(({ ours }) => ours.all)),
    reference: mean(rows.map((row) => row.reference.all)),
    racing: mean(rows.map(({ racing }) => racing)),
  };
  result[name] = { settings, means, rows };
}
writeFileSync(join(fixtures, 'training.json'), `${JSON.stringify(result, undefined, 1)}\n`);
rmSync(folder, { recursive: true });
