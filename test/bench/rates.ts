/**
 * `npm run bench:rates [-- --out FILE | --quick | --page]`: what each stage of the data side takes on this machine, for `midtrain plan --cluster`. Writes
 * src/cluster-plan/rates.json (amounts and CPU seconds, with machine, date, commit and load), prints the rates, and renews the figures of
 * docs/cluster-planning.md. `--page` does only that, from the rates there are.
 *
 * Method: CPU seconds of the process with all its threads, so that other work on the machine counts little; one worker, collector in the same
 * thread (`--single-threaded-gc`), so a second is a second of one core. Whole stages as jobs run them: files read, batches built, output
 * compressed and flushed. A filter job is timed pass by pass (rates-filter.ts), the comparison of signatures on a million made-up documents
 * in few and in many files (rates-dedup.ts); tokenising and writing are told apart by the progress events of `mix`. What the compiler
 * takes to warm up is in the figures; the samples are made large enough for it to be a few percent.
 *
 * Given up: one core alone has more cache and memory bandwidth than each of many; a plan takes that into account by an efficiency that its
 * writer states.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { openClassifier } from '../../classifiers/open-classifier.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { bundledRatesFile, type Rates, ratesSchema } from '../../src/cluster-plan/rates.ts';
import { parseConfig } from '../../src/core/config.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { mix } from '../../src/stages/mix.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { renewPage } from '../cluster-plan/page.ts';
import { benchCorpus, benchPages } from './corpus.ts';
import { peakMemory } from './peak-memory.ts';
import { dedupRates } from './rates-dedup.ts';
import { cpuSecondsOf, filterRates, pipelineText, textFile } from './rates-filter.ts';

setFlagsFromString('--single-threaded-gc');

const quick = process.argv.includes('--quick');
const at = process.argv.indexOf('--out');
const file = at < 0 ? bundledRatesFile() : process.argv[at + 1]!;
const scratch = mkdtempSync(join(tmpdir(), 'midtrain-rates-'));
try {
  if (!process.argv.includes('--page')) await measureAll();
  if (file === bundledRatesFile()) await renewPage();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function measureAll(): Promise<void> {
  const before = loadavg()[0]!;
  const corpus = benchCorpus(quick ? 4e6 : 48e6);
  const pages = benchPages(quick ? 1e6 : 50e6);
  const textInput = await textFile(join(scratch, 'text'), corpus.texts);
  const filter = await filterRates(scratch, { pages, text: textInput });
  process.stderr.write('filter done\n');
  const dedup = await dedupRates(join(scratch, 'dedup'), quick ? 50_000 : 1_000_000);
  process.stderr.write('dedup done\n');
  const score = await scoreRates(corpus.texts.slice(0, quick ? 500 : 4000));
  const mixed = await mixRates(corpus.texts);
  process.stderr.write('mix done\n');
  const memory = await memoryRates(textInput);
  const rates: Rates = {
    version: 1,
    command: 'npm run bench:rates',
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${type()} ${release()} ${arch()}`,
      node: process.versions.node,
      load: [round(before), round(loadavg()[0]!)],
    },
    corpus: `${corpus.source}; pages: mathematics and software documentation of ../shared/data`,
    filter,
    dedup,
    score,
    ...mixed,
    memory,
  };
  parseConfig(ratesSchema, rates, file);
  writeFileSync(file, `${JSON.stringify(rates, null, 2)}\n`);
  for (const sample of filter) {
    const { pages: kind, pipeline, bytes, measureSeconds, documents } = sample;
    print(`measure, ${kind}, ${pipeline}`, bytes! / 1e6 / measureSeconds, 'MB/s per core');
    print('', documents / measureSeconds, 'documents/s per core');
    if (sample.finish)
      print(`finish, ${kind}`, sample.finish.textBytes / 1e6 / sample.finish.seconds, 'MB/s per core');
  }
  print('compare', (dedup.documents * dedup.bands) / dedup.edgesSeconds / 1e6, 'M keys/s per core');
  print('cluster', dedup.documents / dedup.clusterSeconds / 1e6, 'M documents/s');
  print('choose', dedup.documents / dedup.chooseSeconds / 1e6, 'M documents/s');
  print('score', score.bytes / 1e6 / score.seconds, 'MB/s per core');
  print('tokenise', mixed.tokenise.bytes / 1e6 / mixed.tokenise.seconds, 'MB/s per core');
  print('write', mixed.write.tokens / 1e6 / mixed.write.seconds, 'M tokens/s');
  print('memory', memory.peakBytes / 1e6 / memory.workers, 'MB a worker');
  console.log(`written: ${file}`);
}

function print(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(28)} ${Number(value.toPrecision(3))} ${unit}`);
}

async function scoreRates(texts: readonly string[]): Promise<Rates['score']> {
  const model = join(packageRoot(), 'classifiers', 'math-text', 'model.bin');
  const score = await openClassifier({ kind: 'fasttext', model, label: 'math', prepare: 'megamath' });
  for (const text of texts.slice(0, 300)) score(text);
  const rest = texts.slice(300);
  const seconds = await cpuSecondsOf(() => {
    for (const text of rest) score(text);
  });
  const bytes = rest.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { model: 'classifiers/math-text (fastText, megamath preparation)', bytes, seconds };
}

/** A whole mixture of one source with a tokenizer of Llama 3's rules and 32,000 entries, trained on the first documents. */
async function mixRates(texts: readonly string[]): Promise<Pick<Rates, 'tokenise' | 'write'>> {
  const share = Math.floor(texts.length / 10);
  const trained = await trainBpe(texts.slice(0, share), { vocabSize: 32_000, preTokenizer: 'llama3' });
  const tokenizer = join(scratch, 'tokenizer');
  await saveTokenizerFiles(trained.files, tokenizer);
  const input = join(scratch, 'mix-input');
  const bytes = (await textFile(input, texts.slice(share))).bytes;
  writeFileSync(
    join(scratch, 'rates.yaml'),
    `name: rates\ntokenizer: ${tokenizer}\nsequenceLength: 8192\nsources:\n  all: { role: web, weight: 1, data: ${input} }\n`,
  );
  const clock = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const marks: Record<string, number> = {};
  const output = join(scratch, 'mixed');
  const { summary, manifest } = await mix({
    loaded: loadRecipe('rates.yaml', scratch),
    cwd: scratch,
    output,
    workers: 1,
    emit: (event) => {
      if (event.kind === 'start' || event.kind === 'end') marks[`${event.task} ${event.kind}`] = clock();
    },
  });
  const took = (task: string): number => marks[`${task} end`]! - marks[`${task} start`]!;
  const shards = manifest.files.filter(({ path }) => path.startsWith('shards/'));
  const available = summary.sources.reduce((sum, source) => sum + source.availableTokens, 0);
  return {
    tokenise: {
      tokenizer: "32,000 entries by Llama 3's rules, trained on this text",
      bytes,
      tokens: available,
      seconds: took('tokenise'),
    },
    write: {
      tokens: summary.totalTokens,
      seconds: took('mix'),
      bytes: shards.reduce((sum, one) => sum + one.bytes, 0),
    },
  };
}

async function memoryRates(input: { folder: string; bytes: number }): Promise<Rates['memory']> {
  const pipeline = join(scratch, 'memory.yaml');
  writeFileSync(pipeline, pipelineText);
  mkdirSync(join(scratch, 'memory'));
  // One: a second would idle on an input of one unit, and a process's own memory is then counted with it.
  const workers = 1;
  const { peak } = await peakMemory(join(packageRoot(), 'src', 'bin', 'midtrain.js'), [
    ...['filter', pipeline, '--input', input.folder, '--out', join(scratch, 'memory', 'run')],
    ...['--workers', String(workers)],
  ]);
  return { workers, peakBytes: peak, inputBytes: input.bytes };
}

function commitOf(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8' }).trim();
  try {
    const dirty = git('status', '--porcelain', '--', 'src', 'classifiers', 'mixtures') !== '';
    return git('rev-parse', '--short', 'HEAD') + (dirty ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
