/**
 * `npm run bench:mix [-- --quick | --memory]`: what tokenising and mixing cost, beside Hugging Face's `tokenizers` (PyPI, one thread) on the
 * same text with the same tokenizer in the same run.
 *
 * Rows
 *   tokenise           million tokens per CPU second with GPT-2's tokenizer; the ids of both sides must be equal
 *   tokenise, llama 3  the same with Llama 3's rules for words (contractions in any case, digits in threes) and 32,000 tokens, trained
 *                      here on other documents
 *   tokenise, cold     GPT-2's, documents of a first slice with empty word caches
 *   mix                MB of input per CPU second through the whole of `mix`: JSONL read, tokenised, planned, written as shards with
 *                      index and provenance; datatrove: JsonlReader and DocumentTokenizer, which shuffles documents but mixes nothing
 *   memory             peak resident memory of `midtrain mix` (mix-memory.ts)
 *
 * Method: CPU seconds of the process, collector in the same thread; slices of documents that were not seen before, one a round, ours
 * and then the peer's; the figure is the median of rounds. Words that repeat are known after the first slices, on both sides, as they are
 * in a corpus. `--memory` measures 100 MB against 2 GB of input and takes minutes.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { loadRecipe } from '../../mixtures/load.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { mix } from '../../src/stages/mix.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { benchCorpus } from './corpus.ts';
import { measureMemory } from './mix-memory.ts';
import { type BenchRow, benchRow, median, printBench } from './report.ts';
import { findTokenizers, TokenizerPeer } from './tokenizer-peer.ts';

setFlagsFromString('--single-threaded-gc');

const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 7;
const sliceBytes = quick ? 600_000 : 2_500_000;
const warmUpBytes = quick ? 1_000_000 : 5_000_000;
const mixBytes = quick ? 4e6 : 24e6;
const mixRounds = quick ? 1 : 3;
const memorySizes: [number, number] = process.argv.includes('--memory')
  ? [100, 2000]
  : quick
    ? [8, 24]
    : [50, 250];

const scratch = mkdtempSync(join(tmpdir(), 'midtrain-bench-mix-'));
const found = findTokenizers();
const peer = typeof found === 'string' ? undefined : new TokenizerPeer(found.python, scratch);
const notes: string[] = typeof found === 'string' ? [`tokenizers is not installed: ${found}`] : [];
const peerName = typeof found === 'string' ? '' : found.name;
const unit = 'M tokens/s per core';

try {
  const rows: BenchRow[] = [];
  if (!process.argv.includes('--memory')) {
    const corpus = benchCorpus(warmUpBytes + rounds * sliceBytes + mixBytes);
    notes.push(corpus.source);
    const [training, ...slices] = cut(corpus.texts, [warmUpBytes, ...Array<number>(rounds).fill(sliceBytes)]);
    const used = training!.length + slices.reduce((n, slice) => n + slice.length, 0);
    const llama = join(scratch, 'llama3');
    const trained = await trainBpe(training!, { vocabSize: 32_000, preTokenizer: 'llama3' });
    await saveTokenizerFiles(trained.files, llama);
    const gpt2 = join(packageRoot(), '..', 'shared', 'data', 'tokenizers', 'gpt2');
    let first = llama;
    if (existsSync(gpt2)) {
      first = join(scratch, 'gpt2');
      await (await loadTokenizer(gpt2)).saveTo(first);
    } else notes.push('GPT-2 tokenizer is not there: tokenise is with the trained one');
    const main = await tokeniseRows(first, training!, slices);
    rows.push(benchRow('tokenise', unit, main.ours, main.peer));
    if (first !== llama) {
      const other = await tokeniseRows(llama, training!, slices);
      rows.push(benchRow('tokenise, llama 3', unit, other.ours, other.peer));
    }
    rows.push(benchRow('tokenise, cold', unit, main.cold, main.coldPeer));
    rows.push(await mixRow(first, corpus.texts.slice(used)));
  }
  rows.push(...(await measureMemory(scratch, memorySizes)));
  printBench('mix', rows, notes);
} finally {
  peer?.close();
  rmSync(scratch, { recursive: true, force: true });
}

interface TokeniseRates {
  ours: number;
  cold: number;
  peer: { value: number; name: string } | undefined;
  coldPeer: { value: number; name: string } | undefined;
}

/** Rates over the slices after the warm-up, and over the first slice with a tokenizer that has seen nothing. */
async function tokeniseRows(
  folder: string,
  warmUp: readonly string[],
  slices: readonly string[][],
): Promise<TokeniseRates> {
  const file = join(folder, 'tokenizer.json');
  // The compiler knows the code before a fresh tokenizer is measured cold.
  const other = await loadTokenizer(folder);
  encodeAll(other, warmUp);
  const tokenizer = await loadTokenizer(folder);
  const cold = encodeAll(tokenizer, slices[0]!);
  const coldPeer = await askPeer(file, slices[0]!);
  if (coldPeer !== undefined) compare(cold, coldPeer);
  encodeAll(tokenizer, warmUp);
  await askPeer(file, warmUp);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (const slice of slices.slice(1)) {
    const own = encodeAll(tokenizer, slice);
    ours.push(own.tokens / own.seconds / 1e6);
    const answer = await askPeer(file, slice);
    if (answer === undefined) continue;
    compare(own, answer);
    theirs.push(answer.tokens / answer.seconds / 1e6);
  }
  return {
    ours: median(ours),
    cold: cold.tokens / cold.seconds / 1e6,
    peer: theirs.length === 0 ? undefined : { value: median(theirs), name: peerName },
    coldPeer:
      coldPeer === undefined
        ? undefined
        : { value: coldPeer.tokens / coldPeer.seconds / 1e6, name: peerName },
  };
}

interface Encoded {
  seconds: number;
  tokens: number;
  sha256: string;
}

function encodeAll(tokenizer: Tokenizer, texts: readonly string[]): Encoded {
  const before = process.cpuUsage();
  const ids = texts.map((text) => tokenizer.encode(text, { special: false }));
  const used = process.cpuUsage(before);
  const hash = createHash('sha256');
  for (const one of ids) hash.update(one);
  return {
    seconds: (used.user + used.system) / 1e6,
    tokens: ids.reduce((n, one) => n + one.length, 0),
    sha256: hash.digest('hex'),
  };
}

async function askPeer(tokenizer: string, texts: readonly string[]): Promise<Encoded | undefined> {
  if (peer === undefined) return undefined;
  const file = join(scratch, 'slice.jsonl');
  writeFileSync(file, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const answer = await peer.run({ row: 'encode', tokenizer, texts: file });
  if (typeof answer !== 'string') return answer;
  notes.push(`no peer: ${answer}`);
  return undefined;
}

function compare(ours: Encoded, theirs: Encoded): void {
  if (ours.sha256 !== theirs.sha256)
    throw new Error(`the ids differ: ${ours.tokens} tokens here, ${theirs.tokens} of ${peerName}`);
}

async function mixRow(tokenizer: string, texts: readonly string[]): Promise<BenchRow> {
  const folder = join(scratch, 'mix-input');
  mkdirSync(folder);
  const file = join(folder, 'documents.jsonl');
  const lines = texts.map((text, i) => JSON.stringify({ id: `d${i}`, text }));
  writeFileSync(file, lines.join('\n'));
  const bytes = texts.reduce((n, text) => n + Buffer.byteLength(text), 0);
  writeFileSync(
    join(scratch, 'bench.yaml'),
    `name: bench\ntokenizer: ${tokenizer}\nsequenceLength: 4095\nsources:\n  all: { role: web, weight: 1, data: ${folder} }\n`,
  );
  const ours: number[] = [];
  const theirs: number[] = [];
  let name = '';
  // The first is for the compiler.
  for (let round = -1; round < mixRounds; round++) {
    const output = join(scratch, 'mixed');
    const before = process.cpuUsage();
    await mix({ loaded: loadRecipe('bench.yaml', scratch), cwd: scratch, output, workers: 1 });
    const used = process.cpuUsage(before);
    rmSync(output, { recursive: true });
    if (round < 0) continue;
    ours.push(bytes / (used.user + used.system));
    const request = {
      row: 'datatrove',
      tokenizer: join(tokenizer, 'tokenizer.json'),
      texts: file,
      eos: '<|endoftext|>',
    };
    const answer = await peer?.run(request);
    if (typeof answer === 'string') notes.push(`mix: no peer, ${answer}`);
    else if (answer !== undefined) {
      name = 'datatrove DocumentTokenizer';
      theirs.push(bytes / 1e6 / answer.seconds);
    }
  }
  return benchRow(
    'mix',
    'MB/s per core',
    median(ours),
    theirs.length === 0 ? undefined : { value: median(theirs), name },
  );
}

/** The first texts, in groups of at least these sizes. */
function cut(texts: readonly string[], sizes: readonly number[]): string[][] {
  let at = 0;
  return sizes.map((size) => {
    const group: string[] = [];
    for (let bytes = 0; bytes < size && at < texts.length; at++) {
      group.push(texts[at]!);
      bytes += Buffer.byteLength(texts[at]!);
    }
    return group;
  });
}
