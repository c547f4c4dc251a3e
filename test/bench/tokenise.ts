/**
 * Tokens per CPU second of our BPE and of `@huggingface/tokenizers` on the same real text, in one process, one after the other, and
 * their ratio. Cold is the first pass with empty word caches.
 *
 *   node test/bench/tokenise.ts [tokenizer folder]     (default: ../shared/data/tokenizers/gpt2)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { readTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const folder = process.argv[2] ?? join(data, 'tokenizers/gpt2');

function texts(): string[] {
  const lines = (file: string) => readFileSync(join(data, file), 'utf8').trim().split('\n');
  const pages = join(data, 'html-math/planetmath-11');
  return [
    ...lines('math-qa/gsm8k-train.jsonl'),
    ...lines('math-qa/math-test-without-500.jsonl').slice(0, 1500),
    ...lines('web-text/c4-demo-300.jsonl'),
    ...readdirSync(pages, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.html'))
      .sort()
      .slice(0, 60)
      .map((name) => readFileSync(join(pages, name), 'utf8')),
  ];
}

function rate(
  encode: (text: string) => number,
  corpus: readonly string[],
): { tokens: number; perSecond: number } {
  const before = process.cpuUsage();
  let tokens = 0;
  for (const text of corpus) tokens += encode(text);
  const used = process.cpuUsage(before);
  return { tokens, perSecond: tokens / ((used.user + used.system) / 1e6) };
}

const corpus = texts();
const ours = await loadTokenizer(folder);
const library = new Library(structuredClone((await readTokenizerFiles(folder)).json), {});
const cold = rate((text) => ours.encode(text).length, corpus);
const theirs = rate((text) => library.encode(text, { add_special_tokens: false }).ids.length, corpus);
const warm = rate((text) => ours.encode(text).length, corpus);
console.log(
  JSON.stringify({
    tokenizer: ours.name,
    characters: corpus.reduce((n, text) => n + text.length, 0),
    tokens: { ours: cold.tokens, library: theirs.tokens },
    kTokensPerCpuSecond: {
      oursCold: Math.round(cold.perSecond / 1e3),
      oursWarm: Math.round(warm.perSecond / 1e3),
      library: Math.round(theirs.perSecond / 1e3),
    },
    ratio: {
      cold: Number((cold.perSecond / theirs.perSecond).toFixed(1)),
      warm: Number((warm.perSecond / theirs.perSecond).toFixed(1)),
    },
  }),
);
