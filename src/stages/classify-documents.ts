/**
 * The documents of any input of `midtrain classify`, one after another: filter runs (what they kept), Parquet, Arrow, JSONL, WARC, pages.
 *
 * A damaged record or file is counted and listed, and reading goes on behind it. Texts are made only when asked for, so who wants a few
 * documents of many pays for no extraction of the others.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bytesAt, hasColumn } from '../core/batch.ts';
import { InputError, InterruptedError } from '../core/errors.ts';
import { count, type Ledger } from '../core/ledger.ts';
import { type ColumnMapping, documentInputColumns } from '../io/document-columns.ts';
import { type InputSpec, planRead, type ReadPlan, type ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { assertReadable } from './assert-readable.ts';
import { BatchCells } from './batch-cells.ts';
import { BatchText } from './batch-text.ts';
import { keptPages } from './source-texts.ts';
import type { Failure } from './unit-texts.ts';

export interface ClassifyInput {
  path: string;
  columns?: ColumnMapping;
  /** Value of the column `source`; default: the input's own, else the name of the file or folder. */
  source?: string;
}

/** One document of a batch that is being read; valid until the next is asked for. */
export interface OpenDocument {
  id: string;
  url: string | null;
  source: string;
  /** Name of the file, as in reports. */
  file: string;
  /** Row in that file. */
  row: number;
  /** Any cell; `a.b` is field b of record a. */
  read(column: string): unknown;
  /** UTF-8 bytes of the text, or of the page that it will come out of. */
  bytes: number;
  /** The text; throws `InputError` when the page cannot be extracted. */
  text(): string;
}

export interface DocumentTally {
  ledger: Ledger;
  failures: Failure[];
  /** Columns of the input read last. */
  columns: readonly string[];
}

/** The read plan of the inputs. Throws `UserError` when nothing in them can be read. */
export async function planDocuments(
  inputs: readonly ClassifyInput[],
  options: Parameters<typeof planRead>[1] = {},
): Promise<ReadPlan> {
  const specs: InputSpec[] = inputs.map(({ path, columns, source }) => ({
    path: documentsOf(path),
    ...(columns === undefined ? {} : { columns }),
    ...(source === undefined ? {} : { source }),
  }));
  const began = performance.now();
  const plan = await planRead(specs, { requireText: true, ...options }).catch((error: unknown) => {
    throw options.signal?.aborted === true ? new InterruptedError() : error;
  });
  const seconds = (performance.now() - began) / 1000;
  options.emit?.({ kind: 'end', task: 'plan', done: inputs.length, unit: 'inputs', seconds });
  assertReadable(plan, 'give filter runs, or files with a text column');
  return plan;
}

/** The documents of a folder that a command wrote: what a filter run kept, the rows that `classify label` wrote. */
function documentsOf(path: string): string {
  const labels = join(path, 'labels.parquet');
  return existsSync(join(path, 'run.json')) && existsSync(labels) ? labels : keptPages(path);
}

/** The failures of a plan and of reading that are listed; the ledger counts all. */
const mostFailures = 100;

export interface ReadDocumentsOptions {
  signal?: AbortSignal | undefined;
  progress?: (bytes: number) => void;
  batchBytes?: number;
  /** Columns that `read` is asked for, beside those of every document; all by default. Fewer are fewer bytes of Parquet files. */
  columns?: readonly string[];
}

/** Names of the columns of the first batch that can be read, for messages. */
export async function columnsOfUnits(units: readonly ReadUnit[]): Promise<string[]> {
  for (const unit of units)
    for await (const item of readUnit(unit, { batchBytes: 1 }))
      if (item.kind === 'batch') return item.batch.records.schema.fields.map(({ name }) => name);
  return [];
}

/** All documents of the units, in order. `tally.ledger` counts what came and what could not be read; the caller counts the rest. */
export async function* readDocuments(
  units: readonly ReadUnit[],
  tally: DocumentTally,
  options: ReadDocumentsOptions = {},
): AsyncGenerator<OpenDocument> {
  const { batchBytes = 4 * 1024 * 1024, columns } = options;
  const fail = (failure: Failure): void => {
    if (tally.failures.length < mostFailures) tally.failures.push(failure);
  };
  let before = 0;
  for (const unit of units) {
    let rows = 0;
    try {
      const only = columns === undefined ? {} : { only: [...documentInputColumns(unit.columns), ...columns] };
      const signal = options.signal === undefined ? {} : { signal: options.signal };
      for await (const item of readUnit(unit, { batchBytes, ...only, ...signal })) {
        if (item.kind === 'failed') {
          tally.ledger.in += item.count;
          count(tally.ledger.failed, item.reason, item.count);
          fail({ file: item.file, place: item.place, problem: item.problem });
          continue;
        }
        const { records, origin } = item.batch;
        tally.columns = records.schema.fields.map(({ name }) => name);
        const texts = await BatchText.of(item.batch, null, unit.format);
        const cells = new BatchCells(records);
        const textColumn = texts.extracts ? 'html' : hasColumn(records, 'text') ? 'text' : undefined;
        for (let row = 0; row < records.numRows; row++) {
          if (options.signal?.aborted) throw new InterruptedError();
          tally.ledger.in++;
          cells.row = row;
          yield {
            id: texts.idAt(row),
            url: texts.urlAt(row),
            source: String(cells.read('source')),
            file: origin.file,
            row: origin.firstRow + row,
            read: (column) => nested(cells, column),
            bytes: textColumn === undefined ? 0 : (bytesAt(records, textColumn, row)?.length ?? 0),
            text: () => texts.textAt(row),
          };
        }
        rows += records.numRows;
        if (unit.rows !== undefined && unit.rows > 0)
          options.progress?.(before + Math.floor(unit.bytes * Math.min(1, rows / unit.rows)));
      }
    } catch (error) {
      if (options.signal?.aborted === true) throw new InterruptedError();
      if (!(error instanceof InputError)) throw error;
      const { file, problem, place } = error;
      tally.ledger.in++;
      count(tally.ledger.failed, 'unreadable');
      fail({ file, problem, ...(place === undefined ? {} : { place }) });
    }
    before += unit.bytes;
    options.progress?.(before);
  }
}

/** A cell by its name, or a field of a record column by a name with a dot. */
function nested(cells: BatchCells, column: string): unknown {
  const whole = cells.read(column);
  const dot = column.indexOf('.');
  if (whole !== undefined || dot < 0) return whole;
  const record = cells.read(column.slice(0, dot));
  if (record === null || typeof record !== 'object') return undefined;
  return (record as Record<string, unknown>)[column.slice(dot + 1)];
}
