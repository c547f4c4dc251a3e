/**
 * Makes run folders as a finished filter job leaves them (plan.json, run.json, signals/, dedup/<step>/*.clusters, kept/, dropped/) out of
 * a few lines that say what each document measured. For the tests of recut and inspect, and for timing recut over many documents.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordBatch, Vector } from 'apache-arrow';
import {
  batchFromVectors,
  float32Vector,
  float64Vector,
  nullableFloat64Vector,
  utf8Vector,
} from '../../src/core/batch.ts';
import { initHash64 } from '../../src/core/hash64.ts';
import { clusterFile } from '../../src/dedup/cluster-file.ts';
import { RecordWriter } from '../../src/dedup/record-file.ts';
import { fails, type Rule } from '../../src/filters/rule.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { startRun } from '../../src/io/run-record.ts';
import type { Priority } from '../../src/stages/filter-config.ts';
import { clustersPath } from '../../src/stages/unit-clusters.ts';

export interface MadeDocument {
  id: string;
  url?: string | null;
  text: string;
  /** By signal; undefined or null: not measured. */
  values?: Record<string, number | null>;
}

export interface MadeRun {
  /** By unit. */
  units: MadeDocument[][];
  signals: string[];
  rules: Rule[];
  families?: string[];
  dedup?: { name: 'exact' | 'url' | 'minhash'; keep: Priority }[];
  /** By step: clusters, each a list of (unit, index) in order. */
  clusters?: Record<string, [unit: number, index: number][][]>;
  tokenizer?: string | null;
  rowGroupBytes?: number;
}

export const unitName = (i: number): string => `${String(i).padStart(4, '0')}-unit`;

/** The plan.json of such a run. */
export function planOf(made: MadeRun): Record<string, unknown> {
  return {
    version: 1,
    command: 'filter',
    hash: '0123456789abcdef',
    name: 'made',
    filter: {
      families: made.families ?? [],
      math: 'plain',
      language: { model: 'eld', languages: ['en'] },
      urlLists: null,
      classifiers: [],
      decontaminate: null,
      rules: made.rules,
      dedup: made.dedup ?? [],
      transform: [],
      tokenizer: made.tokenizer ?? null,
      rowGroupBytes: made.rowGroupBytes ?? 1 << 25,
      dropped: true,
      keepHtml: null,
    },
    limit: null,
    inputs: [],
    unreadable: [],
    warnings: [],
    code: {},
    units: made.units.map((_, i) => ({ name: unitName(i), read: { id: unitName(i), file: `${i}.jsonl` } })),
  };
}

export function writeFrame(folder: string, made: MadeRun): void {
  for (const sub of ['signals', 'kept', 'dropped', 'dedup'])
    mkdirSync(join(folder, sub), { recursive: true });
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(planOf(made)));
  startRun(folder, { command: 'filter', name: 'made', config: {} }).finish('done');
}

/** Writes the run with its texts; what is kept follows from the rules and `drops` (documents that dedup dropped, by id). */
export async function makeRun(
  folder: string,
  made: MadeRun,
  drops: Readonly<Record<string, string>> = {},
  options: { dropped?: boolean } = {},
): Promise<void> {
  writeFrame(folder, made);
  await writeClusters(folder, made);
  for (const [i, documents] of made.units.entries()) {
    if (documents.length === 0) continue;
    const file = `${unitName(i)}.parquet`;
    await writeParquet(
      join(folder, 'signals', file),
      signalsBatch(documents, made.signals),
      made.rowGroupBytes,
    );
    const reasons = documents.map((document) => reasonOf(document, made.rules) ?? drops[document.id]);
    const kept = documents.filter((_, k) => reasons[k] === undefined);
    if (kept.length > 0)
      await writeParquet(join(folder, 'kept', file), textBatch(kept, made), made.rowGroupBytes);
    if (options.dropped === false) continue;
    for (const [name, wanted] of [
      [file, (reason: string) => !reason.startsWith('duplicate')],
      [`${unitName(i)}.duplicates.parquet`, (reason: string) => reason.startsWith('duplicate')],
    ] as const) {
      const rows = [...documents.keys()].filter((k) => reasons[k] !== undefined && wanted(reasons[k]));
      if (rows.length === 0) continue;
      const batch = textBatch(
        rows.map((k) => documents[k]!),
        made,
        rows.map((k) => reasons[k]!),
      );
      await writeParquet(join(folder, 'dropped', name), batch, made.rowGroupBytes);
    }
  }
}

/** The cluster files of every step and unit. */
async function writeClusters(folder: string, made: MadeRun): Promise<void> {
  await initHash64();
  const first = made.units.map((_, u) => made.units.slice(0, u).reduce((sum, unit) => sum + unit.length, 0));
  for (const { name } of made.dedup ?? []) {
    const entries: { unit: number; index: number; cluster: number; size: number }[] = [];
    for (const members of made.clusters?.[name] ?? []) {
      const cluster = Math.min(...members.map(([unit, index]) => first[unit]! + index));
      for (const [unit, index] of members) entries.push({ unit, index, cluster, size: members.length });
    }
    for (const [u, documents] of made.units.entries()) {
      const path = join(folder, clustersPath(name, unitName(u)));
      const writer = await RecordWriter.create(path, clusterFile, documents.length);
      const own = entries.filter(({ unit }) => unit === u).sort((a, b) => a.index - b.index);
      for (const { index, size, cluster } of own) writer.addTriple(index, size, cluster);
      await writer.commit();
    }
  }
}

export function reasonOf({ text, values }: MadeDocument, rules: readonly Rule[]): string | undefined {
  if (text.trim() === '') return 'empty_text';
  return rules.find((rule) => fails(rule, values?.[rule.signal] ?? Number.NaN))?.reason;
}

export function signalsBatch(documents: readonly MadeDocument[], signals: readonly string[]): RecordBatch {
  const bytes = documents.map(({ text }) => (text.trim() === '' ? 0 : Buffer.byteLength(text)));
  return batchFromVectors({
    id: utf8Vector(documents.map(({ id }) => id)),
    url: utf8Vector(documents.map(({ url }) => url ?? null)),
    row: float64Vector(documents.map((_, k) => k)),
    'text.bytes': float64Vector(bytes),
    'text.tokens': float64Vector(bytes.map((n) => n / 4)),
    excerpt: utf8Vector(documents.map(({ text }) => text.replace(/\s+/g, ' ').trim().slice(0, 200))),
    ...signalVectors(documents, signals),
  });
}

function signalVectors(
  documents: readonly MadeDocument[],
  signals: readonly string[],
): Record<string, Vector> {
  return Object.fromEntries(
    signals.map((name) => {
      const values = documents.map((document) => document.values?.[name]);
      const numbers = values.map((value) => value ?? Number.NaN);
      return [name, nullableFloat64Vector(numbers, (k) => values[k] !== null && values[k] !== undefined)];
    }),
  );
}

function textBatch(
  documents: readonly MadeDocument[],
  made: MadeRun,
  reasons?: readonly string[],
): RecordBatch {
  const margins = made.rules.map((rule) => [
    `margin.${rule.reason}`,
    float32Vector(
      documents.map(({ values }) => {
        const value = values?.[rule.signal] ?? Number.NaN;
        return rule.side === 'min' ? value - rule.bound : rule.bound - value;
      }),
    ),
  ]);
  return batchFromVectors({
    id: utf8Vector(documents.map(({ id }) => id)),
    text: utf8Vector(documents.map(({ text }) => text)),
    url: utf8Vector(documents.map(({ url }) => url ?? null)),
    source: utf8Vector(documents.map(() => 'made')),
    ...signalVectors(documents, made.signals),
    ...(Object.fromEntries(margins) as Record<string, Vector>),
    ...(reasons === undefined ? {} : { 'verdict.reason': utf8Vector(reasons) }),
  });
}

export async function writeParquet(path: string, batch: RecordBatch, rowGroupBytes?: number): Promise<void> {
  const output = new ParquetOutput(path, batch.schema, rowGroupBytes === undefined ? {} : { rowGroupBytes });
  await output.write(batch);
  await output.finish();
}
