/** A small corpus for the job tests: pages, JSONL and Parquet with duplicates, short and blank documents, and a pipeline for it. */
import './compile-cache.ts';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { batchFromVectors, int64Vector, utf8Vector } from '../../src/core/batch.ts';
import { Random } from '../../src/core/random.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { type FilterConfig, filterConfigSchema } from '../../src/stages/filter-config.ts';

const words =
  'the of and to that with have be number prime proof sum line point value about where every between under'.split(
    ' ',
  );

/** Prose of some sentences, decided by the seed alone. */
export function prose(seed: number, sentences: number): string {
  const random = new Random(seed);
  return Array.from({ length: sentences }, () => {
    const sentence = Array.from({ length: 8 + random.int(9) }, () => random.pick(words)).join(' ');
    return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
  }).join('\n');
}

/** Writes the corpus into `folder`; every fifth text is a copy of an earlier one. */
export async function writeCorpus(folder: string, size = 40): Promise<void> {
  const text = (i: number): string =>
    i % 11 === 3 ? '  ' : prose(i % 5 === 4 ? i % 10 : i, i % 7 === 0 ? 1 : 6);
  mkdirSync(join(folder, 'pages'), { recursive: true });
  for (let i = 0; i < size / 4; i++) {
    const body = text(i)
      .split('\n')
      .map((line) => `<p>${line}</p>`)
      .join('');
    writeFileSync(
      join(folder, 'pages', `p${String(i).padStart(3, '0')}.html`),
      `<html><body>${body}</body></html>`,
    );
  }
  const lines = Array.from({ length: size }, (_, i) =>
    JSON.stringify({ id: `j${i}`, text: text(i), extra: { n: i } }),
  );
  writeFileSync(join(folder, 'a.jsonl'), `${lines.join('\n')}\n`);
  const rows = Array.from({ length: size }, (_, i) => i);
  const output = new ParquetOutput(
    join(folder, 'b.parquet'),
    batchFromVectors({ text: utf8Vector(['']), big: int64Vector([1n]) }).schema,
    { rowGroupBytes: 4096 },
  );
  for (const row of rows) {
    await output.write(
      batchFromVectors({ text: utf8Vector([text(row)]), big: int64Vector([2n ** 60n + BigInt(row)]) }),
    );
  }
  await output.finish();
}

export function corpusConfig(folder: string, change: Record<string, unknown> = {}): FilterConfig {
  return filterConfigSchema.parse({
    name: 'test',
    inputs: ['pages', 'a.jsonl', 'b.parquet'].map((name) => ({ path: join(folder, name) })),
    signals: ['gopher-quality', 'math'],
    thresholds: { use: ['gopher-quality'] },
    dedup: 'exact',
    output: { dropped: true },
    limits: { unitBytes: 4096, stallSeconds: 30 },
    ...change,
  });
}

/** What differs between two runs of a job: clocks, progress, locks. */
const ofTheRun = /^(run\.json|metrics\.jsonl|job\.lock|rank-.*\.lock)$/;

/** sha256 of every file that a finished job leaves, by name: kept, dropped, signals, markers, ledgers, clusters, plan. */
export function outputHashes(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (!entry.isFile() || ofTheRun.test(path)) continue;
    found[path] = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  }
  return Object.fromEntries(Object.entries(found).sort());
}
