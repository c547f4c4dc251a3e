/**
 * Carries out one unit of a read plan: a pulled stream of document batches, with what could not be read reported in between.
 *
 * Nothing is read ahead of the consumer beyond one batch and one page. A record, page or row group that is damaged becomes a `failed`
 * item with its place and its number of rows, and reading goes on behind it; an `InputError` is thrown when the rest of the file is
 * lost, after everything readable has been delivered.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import {
  batchFromVectors,
  type DocumentBatch,
  defaultBatchBytes,
  maxBatchBytes,
  Utf8Builder,
} from '../core/batch.ts';
import { InputError, invariant, messageOf } from '../core/errors.ts';
import { openArrow } from './arrow-file.ts';
import { readArrowBatches } from './arrow-read.ts';
import { toUtf8 } from './charset.ts';
import { type DocumentColumnPlan, planDocumentColumns, withDocumentColumns } from './document-columns.ts';
import { fetchHubFile, type HubOptions, hubSnapshotFolder, listHubFiles, parseHubAddress } from './hub.ts';
import { isHubFileCached } from './hub-download.ts';
import { openHubParquet } from './hub-parquet.ts';
import { jsonBatch, jsonMisfit } from './json-columns.ts';
import { parseRecord, recordsOf } from './json-scan.ts';
import { openParquet, type ParquetFile } from './parquet-footer.ts';
import { readRowGroups } from './parquet-read.ts';
import type { ReadTally, ReadUnit } from './read-unit-types.ts';
import { WarcColumns, warcDocuments } from './read-warc.ts';

export type ReadItem =
  | { kind: 'batch'; batch: DocumentBatch }
  | { kind: 'failed'; count: number; reason: 'unreadable'; file: string; place: string; problem: string };

export interface ReadUnitOptions {
  /** Aim for the size of a batch; default 16 MiB, at most 64 MiB. */
  batchBytes?: number;
  /** Input columns to read (before they get their document names); all by default. Parquet only: JSON is parsed whole anyway. */
  only?: readonly string[];
  maxRecordBytes?: number;
  /** Pages larger than this are failed items; default 64 MiB. */
  maxPageBytes?: number;
  /** Counts what is neither a document nor a failure. */
  tally?: ReadTally;
  /** For units of files from the Hub. */
  hub?: HubOptions;
  /** Nobody will read the unit again: what was fetched of a large file on the Hub for it goes once it was read to its end. */
  once?: boolean;
  signal?: AbortSignal;
}

export async function* readUnit(unit: ReadUnit, options: ReadUnitOptions = {}): AsyncGenerator<ReadItem> {
  const batchBytes = Math.min(maxBatchBytes, Math.max(1, options.batchBytes ?? defaultBatchBytes));
  const file = await placeOf(unit, { ...options.hub, ...(options.signal && { signal: options.signal }) });
  try {
    for await (const item of itemsOf({ ...unit, file }, batchBytes, options)) {
      options.signal?.throwIfAborted();
      // A file of the Hub is called by its address, not by where this machine's cache holds it.
      yield item.kind === 'failed' ? { ...item, file: item.file.replace(file, () => unit.file) } : item;
    }
  } catch (error) {
    if (!(error instanceof InputError) || error.file !== file || file === unit.file) throw error;
    throw new InputError(unit.file, error.problem, {
      ...(error.place === undefined ? {} : { place: error.place }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** Where the unit's file, or the folder of its pages, lies on this machine; what is not in the cache is fetched. */
async function placeOf({ file, remote, files }: ReadUnit, hub: HubOptions): Promise<string> {
  if (remote !== undefined) return remote.ranged === true ? file : fetchHubFile(remote, hub);
  if (!file.startsWith('hf://')) return file;
  // Pages: the list of their commit is in the cache, or asked for again.
  const address = parseHubAddress(file);
  const { commit, files: listed } = await listHubFiles(address, hub);
  const own = new Map(listed.map((page) => [page.path, page]));
  for (const path of files ?? []) {
    const page = own.get(path);
    if (page === undefined) throw new InputError(file, `has no file ${path}`);
    await fetchHubFile(page, hub);
  }
  return hubSnapshotFolder({ ...address, commit }, hub);
}

function itemsOf(unit: ReadUnit, batchBytes: number, options: ReadUnitOptions): AsyncGenerator<ReadItem> {
  switch (unit.format) {
    case 'parquet':
      return parquetUnit(unit, batchBytes, options);
    case 'arrow':
      return arrowUnit(unit, batchBytes, options);
    case 'json':
    case 'jsonl':
      return jsonUnit(unit, unit.format, batchBytes, options);
    case 'warc':
    case 'wet':
      return warcUnit(unit, batchBytes, options);
    case 'html':
    case 'text':
      return pageUnit(unit, batchBytes, options);
  }
}

function failed(unit: ReadUnit, count: number, place: string, problem: string, file = unit.file): ReadItem {
  return { kind: 'failed', count, reason: 'unreadable', file, place, problem };
}

function batch(unit: ReadUnit, records: RecordBatch, firstRow: number): ReadItem {
  return { kind: 'batch', batch: { records, origin: { file: unit.label, firstRow } } };
}

/** The file here, or the unit's row groups of one on the Hub, which `done` lets go of. */
async function parquetOf(
  { file, remote, rowGroups }: ReadUnit,
  { hub = {}, signal, only, once }: ReadUnitOptions,
): Promise<{ file: ParquetFile; done: (isWhole: boolean) => Promise<void> }> {
  const here = async (path: string) => ({ file: await openParquet(path), done: async () => {} });
  if (remote?.ranged !== true || rowGroups === undefined) return here(file);
  const options = signal === undefined ? hub : { ...hub, signal };
  if (await isHubFileCached(remote, options)) return here(await fetchHubFile(remote, options));
  const opened = await openHubParquet(remote, rowGroups, only, options);
  return {
    file: opened,
    async done(isWhole) {
      // What is damaged may have come so: the next run asks for it again.
      if (once === true || !isWhole) await opened.handle.discard();
    },
  };
}

async function* parquetUnit(
  unit: ReadUnit,
  batchBytes: number,
  options: ReadUnitOptions,
): AsyncGenerator<ReadItem> {
  const { file, done } = await parquetOf(unit, options);
  try {
    const groups = unit.rowGroups ?? [0, file.metadata.row_groups.length];
    if (groups[1] > file.metadata.row_groups.length) {
      throw new InputError(
        unit.file,
        `has ${file.metadata.row_groups.length} row groups; it had ${groups[1]} when the job was planned`,
      );
    }
    let plan: DocumentColumnPlan | undefined;
    let isWhole = true;
    const limits = { batchBytes, ...(options.only === undefined ? {} : { only: options.only }) };
    for await (const item of readRowGroups(file, groups, limits)) {
      if (item.kind === 'failed') {
        isWhole = false;
        yield failed(unit, item.rows, `row group ${item.rowGroup}, from row ${item.firstRow}`, item.problem);
        continue;
      }
      plan ??= planDocumentColumns(item.records.schema, unit);
      const records = withDocumentColumns(item.records, plan, unit, item.firstRow, options.tally);
      yield batch(unit, records, item.firstRow);
    }
    await done(isWhole);
  } finally {
    await file.handle.close();
  }
}

async function* arrowUnit(
  unit: ReadUnit,
  batchBytes: number,
  options: ReadUnitOptions,
): AsyncGenerator<ReadItem> {
  const file = await openArrow(unit.file);
  try {
    const [first, end] = unit.batches ?? [0, Number.POSITIVE_INFINITY];
    const plan = planDocumentColumns(file.schema, unit);
    const { only } = options;
    const limits = {
      batchBytes,
      firstRow: unit.firstRow,
      ...(unit.arrowStart === undefined ? {} : { start: unit.arrowStart }),
      ...(only === undefined ? {} : { only }),
    };
    const narrow = only === undefined ? plan : undefined;
    for await (const item of readArrowBatches(file, [first, end], limits)) {
      if (item.kind === 'failed') {
        yield failed(unit, item.rows, `record batch ${item.batch}, from row ${item.firstRow}`, item.problem);
        continue;
      }
      const columns = narrow ?? planDocumentColumns(item.records.schema, unit);
      const records = withDocumentColumns(item.records, columns, unit, item.firstRow, options.tally);
      yield batch(unit, records, item.firstRow);
    }
  } finally {
    await file.handle.close();
  }
}

async function* warcUnit(
  unit: ReadUnit,
  batchBytes: number,
  options: ReadUnitOptions,
): AsyncGenerator<ReadItem> {
  // Pages compress to a fifth or so.
  const expected = Math.min(batchBytes, unit.bytes * (unit.compression === undefined ? 1 : 8));
  let columns = new WarcColumns(expected);
  let firstHeld = unit.firstRow;
  const flush = (): ReadItem => {
    const vectors = { id: columns.ids.finish(), url: columns.urls.finish(), date: columns.dates.finish() };
    const records = batchFromVectors({
      ...vectors,
      [unit.format === 'wet' ? 'text' : 'html']: columns.texts.finish(),
    });
    columns = new WarcColumns(expected);
    const plan = planDocumentColumns(records.schema, unit);
    return batch(unit, withDocumentColumns(records, plan, unit, firstHeld), firstHeld);
  };
  try {
    for await (const document of warcDocuments(unit, options.maxPageBytes ?? maxBatchBytes, options.tally)) {
      const isBad = 'problem' in document;
      if (columns.ids.length > 0 && (isBad || columns.texts.byteLength + document.utf8.length > batchBytes))
        yield flush();
      if (columns.ids.length === 0) firstHeld = document.row;
      if (isBad) yield failed(unit, 1, document.place, document.problem);
      else columns.add(document);
    }
  } catch (error) {
    // Documents before the damage are whole.
    if (columns.ids.length > 0) yield flush();
    throw error;
  }
  if (columns.ids.length > 0) yield flush();
}

async function* jsonUnit(
  unit: ReadUnit,
  format: 'json' | 'jsonl',
  batchBytes: number,
  options: ReadUnitOptions,
): AsyncGenerator<ReadItem> {
  const { schema } = unit;
  invariant(schema !== undefined, `the unit ${unit.id} has no schema`);
  const place = format === 'jsonl' ? 'line' : 'element';
  const [start, end] = unit.range ?? [0, undefined];
  const limits = {
    firstNumber: unit.firstLine ?? 1,
    firstOffset: start,
    ...(options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes }),
  };
  const range = { compression: unit.compression, start, ...(end === undefined ? {} : { end }) };
  let plan: DocumentColumnPlan | undefined;
  const toBatch = (rows: readonly HeldRecord[]): ReadItem => {
    const records = jsonBatch(
      schema,
      rows.map(({ record }) => record),
    );
    plan ??= planDocumentColumns(records.schema, unit);
    return batch(unit, withDocumentColumns(records, plan, unit, rows[0]!.row), rows[0]!.row);
  };
  let row = unit.firstRow;
  let held: HeldRecord[] = [];
  let heldBytes = 0;
  /** Rows of a batch follow one another in the file. Records that do not fit the planned schema fail; those around them are kept. */
  function* flush(): Generator<ReadItem> {
    const rows = held;
    held = [];
    heldBytes = 0;
    if (rows.length === 0) return;
    const misfits = rows.map(({ record }) => jsonMisfit(schema!, record));
    for (let from = 0; from < rows.length; ) {
      const misfit = misfits[from];
      let to = from + 1;
      if (misfit !== undefined) {
        yield failed(unit, 1, `${place} ${rows[from]!.number}`, misfit);
      } else {
        while (to < rows.length && misfits[to] === undefined) to++;
        yield toBatch(rows.slice(from, to));
      }
      from = to;
    }
  }
  let lost: unknown;
  try {
    for await (const raw of recordsOf(unit.file, format, range, limits)) {
      const parsed = parseRecord(raw);
      if ('problem' in parsed) {
        yield* flush();
        yield failed(unit, 1, `${place} ${raw.number}`, parsed.problem);
      } else {
        if (heldBytes + raw.length > batchBytes) yield* flush();
        held.push({ record: parsed.record, number: raw.number, row });
        heldBytes += raw.length;
      }
      row++;
    }
  } catch (error) {
    lost = error;
  }
  yield* flush();
  if (lost !== undefined) throw lost;
}

interface HeldRecord {
  record: Record<string, unknown>;
  /** Line or element. */
  number: number;
  row: number;
}

async function* pageUnit(
  unit: ReadUnit,
  batchBytes: number,
  options: ReadUnitOptions,
): AsyncGenerator<ReadItem> {
  const limit = options.maxPageBytes ?? maxBatchBytes;
  const column = unit.format === 'html' ? 'html' : 'text';
  let row = unit.firstRow;
  let firstHeld = row;
  let ids = new Utf8Builder(64);
  let pages = new Utf8Builder(64, 256 * 1024);
  const flush = (): ReadItem => {
    const names = ids.finish();
    const records = batchFromVectors({ id: names, url: names, [column]: pages.finish() });
    const plan = planDocumentColumns(records.schema, { ...unit, columns: {} });
    ids = new Utf8Builder(64);
    pages = new Utf8Builder(64, 256 * 1024);
    return batch(unit, withDocumentColumns(records, plan, unit, firstHeld), firstHeld);
  };
  for (const name of unit.files ?? []) {
    const path = join(unit.file, name);
    let utf8: Uint8Array | undefined;
    let problem = '';
    try {
      const { size } = await stat(path);
      if (size > limit) problem = `the page has ${size} bytes; the limit is ${limit}`;
      else utf8 = toUtf8(await readFile(path)).utf8;
    } catch (error) {
      problem = messageOf(error);
    }
    if (ids.length > 0 && (utf8 === undefined || pages.byteLength + utf8.length > batchBytes)) yield flush();
    if (ids.length === 0) firstHeld = row;
    if (utf8 === undefined) {
      yield failed(unit, 1, name, problem, path);
    } else {
      ids.append(name);
      pages.appendBytes(utf8);
    }
    row++;
  }
  if (ids.length > 0) yield flush();
}
