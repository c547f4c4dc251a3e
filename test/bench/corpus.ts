/**
 * The documents that the benches measure on, about `bytes` of UTF-8 in all.
 *
 * Where `../shared/data` is present they are real: web pages of C4, pages of mathematics and software documentation (read by our own
 * extractor once, kept in the temporary folder), and problems with solutions, five to a document. Elsewhere they are prose with
 * LaTeX from a seeded generator. When that is not enough, documents come again with their lines in another order, since a
 * document seen before would be measured with warm caches. The order is shuffled with a fixed seed, so the first megabyte is
 * a fair sample of all.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash32, Random } from '../../src/core/random.ts';
import { htmlToText } from '../../src/extract/html-to-text.ts';
import { packageRoot } from '../../src/io/package-root.ts';

const data = join(packageRoot(), '..', 'shared', 'data');

export interface Corpus {
  readonly texts: readonly string[];
  /** UTF-8. */
  readonly bytes: number;
  /** What it is made of, in words. */
  readonly source: string;
}

export function benchCorpus(bytes: number): Corpus {
  const real = existsSync(join(data, 'web-text'));
  const pool = real ? [...c4(), ...readPages(), ...problems()] : synthetic(bytes);
  const random = new Random('bench corpus');
  for (let i = pool.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  const texts: string[] = [];
  let total = 0;
  for (let i = 0; total < bytes; i++) {
    const text = pool[i % pool.length]!;
    texts.push(i < pool.length ? text : reordered(text, random));
    total += Buffer.byteLength(text);
  }
  const source = real ? 'C4, pages and problems of ../shared/data' : 'synthetic prose with LaTeX';
  return { texts, bytes: total, source };
}

/** HTML pages of `../shared/data` up to `bytes`, for the row that measures extraction; synthetic ones elsewhere. */
export function benchPages(bytes: number): string[] {
  const files = pageFiles();
  const pages: string[] = [];
  let total = 0;
  for (const file of new Random('bench pages').shuffle(files)) {
    if (total >= bytes) break;
    pages.push(readFileSync(file, 'utf8'));
    total += statSync(file).size;
  }
  if (pages.length > 0) return pages;
  return synthetic(bytes).map(
    (text) => `<html><body><article><p>${text.replaceAll('\n\n', '</p><p>')}</p></article></body></html>`,
  );
}

function lines(file: string): string[] {
  return readFileSync(join(data, file), 'utf8').trim().split('\n');
}

function c4(): string[] {
  return lines('web-text/c4-demo-300.jsonl').map((line) => (JSON.parse(line) as { text: string }).text);
}

function pageFiles(): string[] {
  return ['html-math', 'html-math-plain', 'html-other']
    .map((name) => join(data, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.html'))
        .sort()
        .map((name) => join(folder, name)),
    );
}

/** Extraction takes longer than all that is measured, so its result is kept; a new version of the extractor need not change it. */
function readPages(): string[] {
  const files = pageFiles();
  const folder = join(tmpdir(), 'midtrain-bench');
  const cache = join(folder, `pages-${hash32(files.join('\n')).toString(16)}.json`);
  if (existsSync(cache)) return JSON.parse(readFileSync(cache, 'utf8')) as string[];
  const texts: string[] = [];
  for (const file of files) {
    const { text } = htmlToText(readFileSync(file, 'utf8'));
    if (text.trim() !== '') texts.push(text);
  }
  mkdirSync(folder, { recursive: true });
  const temporary = `${cache}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(texts));
  renameSync(temporary, cache);
  return texts;
}

interface Problem {
  question?: string;
  problem?: string;
  answer?: string;
  solution?: string;
}

/** Problems with solutions, five to a document: 2 to 5 kB, the length of a short page. */
function problems(): string[] {
  const texts: string[] = [];
  for (const file of ['math-qa/gsm8k-train.jsonl', 'math-qa/math-test-without-500.jsonl']) {
    const rows = lines(file)
      .slice(0, 3000)
      .map((line) => JSON.parse(line) as Problem);
    for (let i = 0; i < rows.length; i += 5) {
      const parts = rows
        .slice(i, i + 5)
        .map((row) => `${row.question ?? row.problem}\n${row.solution ?? row.answer}`);
      texts.push(parts.join('\n\n'));
    }
  }
  return texts;
}

function reordered(text: string, random: Random): string {
  return random.shuffle(text.split('\n')).join('\n');
}

const syllables = 'ba co di fe gu han ile jor ka lem mo nir ost per qua rin sol tre un ver'.split(' ');
const formulas = [
  '$x^2 + 1$',
  '$\\frac{a}{b}$',
  '\\(n \\to \\infty\\)',
  '$$\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$$',
];
const frequent = 'the of and to a in is that for it as with be on this are by we have not'.split(' ');

/** Pages of 1 to 8 kB: sentences of frequent and made-up words, now and then a formula; word frequencies fall off as in English. */
function synthetic(bytes: number): string[] {
  const random = new Random('synthetic');
  const vocabulary = [...frequent];
  while (vocabulary.length < 30_000) {
    const parts = 2 + random.int(3);
    vocabulary.push(Array.from({ length: parts }, () => syllables[random.int(syllables.length)]).join(''));
  }
  const texts: string[] = [];
  for (let total = 0; total < bytes; ) {
    const length = 1000 + random.int(7000);
    let text = '';
    while (text.length < length) {
      const words = Array.from({ length: 5 + random.int(20) }, () =>
        random.float() < 0.02
          ? formulas[random.int(formulas.length)]!
          : vocabulary[Math.floor(vocabulary.length ** random.float()) - 1]!,
      );
      const sentence = words.join(random.float() < 0.1 ? ', ' : ' ');
      text += sentence.charAt(0).toUpperCase() + sentence.slice(1);
      text += random.float() < 0.15 ? '.\n\n' : '. ';
    }
    texts.push(text);
    total += text.length;
  }
  return texts;
}
