/**
 * A corpus in every kind of input (pages, JSONL, JSONL in gzip members, Parquet, Arrow, WARC) and a pipeline with every stage in play: all
 * signal families, a classifier behind the gate, decontamination, three dedup steps, masking. Of made-up prose, or of texts that are given.
 */
import './compile-cache.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Table, tableToIPC } from 'apache-arrow';
import { batchFromVectors, int32Vector, utf8Vector } from '../../src/core/batch.ts';
import { familySpecs } from '../../src/filters/families.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { type FilterConfig, filterConfigSchema } from '../../src/stages/filter-config.ts';
import { warcRecord } from '../io/warc-files.ts';
import { prose } from './corpus.ts';

interface Document {
  id: string;
  url: string;
  text: string;
  quality: number;
}

export interface MixedOptions {
  /** Documents in each of the four tables; a third as many pages and WARC records. */
  size: number;
  /** Texts to use instead of made-up ones. */
  texts?: readonly string[];
  /** Whole HTML pages to use beside made-up ones. */
  pages?: readonly string[];
}

const problem =
  'Marta keeps forty two pigeons in a loft behind the mill and sells every third one of them at the autumn fair how many are left';

export async function writeMixedCorpus(folder: string, options: MixedOptions): Promise<void> {
  const { size } = options;
  const all = Array.from({ length: 4 * size }, (_, i) => documentAt(i, options));
  const part = (n: number): Document[] => all.filter((_, i) => i % 4 === n);
  mkdirSync(join(folder, 'pages'), { recursive: true });
  writeFileSync(join(folder, 'a.jsonl'), lines(part(0)));
  writeFileSync(join(folder, 'b.jsonl.gz'), inMembers(part(1)));
  await writeParquet(join(folder, 'c.parquet'), part(2));
  const batches = chunks(part(3), 16).map(batchOfRecords);
  writeFileSync(join(folder, 'd.arrow'), tableToIPC(new Table(batches), 'stream'));
  const pages = Array.from(
    { length: Math.ceil(size / 3) },
    (_, i) => options.pages?.[2 * i] ?? pageOf(all[3 * i]!),
  );
  for (const [i, page] of pages.entries())
    writeFileSync(join(folder, 'pages', `p${String(i).padStart(4, '0')}.html`), page);
  const records = Array.from(
    { length: Math.ceil(size / 3) },
    (_, i) => options.pages?.[2 * i + 1] ?? pageOf(all[5 * i]!),
  );
  writeFileSync(join(folder, 'e.warc.gz'), Buffer.concat(records.map(warcMember)));
  writeFileSync(
    join(folder, 'benchmark.jsonl'),
    `${JSON.stringify({ question: problem, answer: 'Twenty eight are left. #### 28' })}\n`,
  );
}

/** `tables`: without pages, so that the classifier's score can come from a column. */
export function mixedConfig(
  folder: string,
  tables = false,
  change: Record<string, unknown> = {},
): FilterConfig {
  const names = ['a.jsonl', 'b.jsonl.gz', 'c.parquet', 'd.arrow', ...(tables ? [] : ['e.warc.gz', 'pages'])];
  const needLists = ['c4-badwords', 'unigram'];
  return filterConfigSchema.parse({
    name: 'mixed',
    inputs: names.map((name) => ({ path: join(folder, name) })),
    signals: familySpecs.map(({ name }) => name).filter((name) => !needLists.includes(name)),
    regex: { patterns: ['pigeon'] },
    math: 'masked',
    classifiers: [
      tables
        ? { name: 'quality', model: 'column:quality', label: 'good' }
        : {
            name: 'quality',
            model: join(import.meta.dirname, '../fixtures/fasttext/softmax.bin'),
            label: 'algebra',
          },
    ],
    thresholds: {
      use: ['gopher-quality'],
      set: { 'classifier.quality': { min: tables ? 2 : 0.001, reason: 'low_quality' } },
    },
    dedup: ['exact', 'url', { step: 'minhash', keep: 'longest' }],
    decontaminate: { benchmarks: [{ card: 'pigeons', path: join(folder, 'benchmark.jsonl') }] },
    transform: ['mask-pii'],
    output: { dropped: true },
    limits: { unitBytes: 64 * 1024, pageUnitBytes: 32 * 1024, stallSeconds: 60 },
    ...change,
  });
}

/** Of every twenty: two copies, two near copies, one repeated address, one with a benchmark's problem, one blank, one short, one with an e-mail. */
function documentAt(i: number, { texts }: MixedOptions): Document {
  const original = (n: number): string =>
    texts === undefined ? prose(n, 8 + (n % 5)) : `${texts[n % texts.length]!}\nText number ${n}.`;
  const kind = i % 20;
  const earlier = i - kind + 1;
  let text = original(i);
  if (kind === 3 || kind === 17) text = original(earlier);
  else if (kind === 5 || kind === 14) text = `${original(earlier)}\nAnd this is the end of number ${i} then.`;
  else if (kind === 8) text = `${text}\n${problem}?`;
  else if (kind === 10) text = '  ';
  else if (kind === 12) text = 'the of';
  else if (kind === 15) text = `${text}\nWrite to anna.berg@uni-mainz.de now.`;
  const url = `http://www.example.org/${kind === 19 ? earlier : i}`;
  return { id: `d${i}`, url, text, quality: i % 9 };
}

function lines(records: readonly Document[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function inMembers(records: readonly Document[]): Buffer {
  return Buffer.concat(chunks(records, 12).map((some) => gzipSync(lines(some))));
}

async function writeParquet(path: string, records: readonly Document[]): Promise<void> {
  const output = new ParquetOutput(path, batchOfRecords(records.slice(0, 1)).schema, {
    rowGroupBytes: 64 * 1024,
  });
  for (const some of chunks(records, 8)) await output.write(batchOfRecords(some));
  await output.finish();
}

function batchOfRecords(records: readonly Document[]) {
  return batchFromVectors({
    id: utf8Vector(records.map(({ id }) => id)),
    url: utf8Vector(records.map(({ url }) => url)),
    text: utf8Vector(records.map(({ text }) => text)),
    quality: int32Vector(records.map(({ quality }) => quality)),
  });
}

function pageOf({ text }: Document): string {
  const paragraphs = text.split('\n').map((line) => `<p>${line.replaceAll('<', '&lt;')}</p>`);
  return `<html><body><article>${paragraphs.join('\n')}</article></body></html>`;
}

function warcMember(page: string, i: number): Buffer {
  const http = 'HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8';
  return gzipSync(
    warcRecord({ id: `urn:uuid:${i}`, url: `http://www.example.org/w${i}`, http, body: Buffer.from(page) }),
  );
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
