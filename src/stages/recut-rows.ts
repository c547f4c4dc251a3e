/**
 * Where the texts of a recut come from: rows of kept/ and dropped/ of the run, or its inputs read again. Each source hands out rows with
 * their document index, ascending, in the columns a filter job would have written under the new rules.
 *
 * Stored rows have no index; they are matched by their order (the k-th row of kept/<unit> is the k-th document that the run kept) and
 * checked by id against signals/. Rows read again are found by their row number and must have the length that was measured: an input that
 * has changed since is an error, not another text under an old score.
 */
import type { RecordBatch } from 'apache-arrow';
import {
  columnData,
  float32Vector,
  gatherRows,
  selectColumns,
  stringAt,
  Utf8Builder,
  withColumns,
} from '../core/batch.ts';
import { InputError, invariant, UserError } from '../core/errors.ts';
import { readUnit } from '../io/read-unit.ts';
import type { ReadUnit } from '../io/read-unit-types.ts';
import { BatchText } from './batch-text.ts';
import { readBack, type StoredBatch } from './read-back.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { ScoredRows } from './scored-rows.ts';
import type { SignalTable } from './signal-table.ts';
import { transformText } from './transform-text.ts';

/** Rows and the index of each among the unit's documents, ascending. */
export interface IndexedRows {
  records: RecordBatch;
  indices: number[];
}

/** Walks signals/ of a unit; documents are asked for in ascending order. */
export class SignalCursor {
  private readonly batches: AsyncGenerator<StoredBatch>;
  private batch: StoredBatch | undefined;

  constructor(path: string, only?: readonly string[]) {
    this.batches = readBack(path, damagedRun, only);
  }

  async at(index: number): Promise<{ records: RecordBatch; row: number }> {
    while (this.batch === undefined || index >= this.batch.first + this.batch.records.numRows) {
      const next = await this.batches.next();
      invariant(next.done !== true, `document ${index} is beyond the end of its signals`);
      this.batch = next.value;
    }
    return { records: this.batch.records, row: index - this.batch.first };
  }

  async close(): Promise<void> {
    await this.batches.return(undefined);
  }
}

/** For a file of the run that cannot be read back. */
export function damagedRun(path: string, rowGroup: number, problem: string): InputError {
  return new InputError(path, problem, {
    place: `row group ${rowGroup}`,
    hint: 'the disk may be failing; run the filter again into another folder',
  });
}

/** What all sources of one unit share. */
export interface UnitRows {
  /** The run's folder. */
  folder: string;
  name: string;
  signals: string;
  /** Under the new rules. */
  table: SignalTable;
  filter: ResolvedFilter;
  /** Number, through all units, of the unit's first document. */
  firstDocument: number;
}

/** Rows of stored files. `order` lists the indices of their rows, `wanted` says which to hand out. */
export async function* storedRows(
  unit: UnitRows,
  files: readonly string[],
  order: readonly number[],
  wanted: (index: number) => boolean,
  options: { transform: boolean },
): AsyncGenerator<IndexedRows> {
  const ids = new SignalCursor(unit.signals, ['id']);
  let at = 0;
  try {
    for (const path of files) {
      for await (const { records } of readBack(path, damagedRun)) {
        const rows: number[] = [];
        const indices: number[] = [];
        for (let row = 0; row < records.numRows; row++) {
          const index = order[at++];
          const known = index === undefined ? undefined : await ids.at(index);
          if (
            known === undefined ||
            stringAt(known.records, 'id', known.row) !== stringAt(records, 'id', row)
          ) {
            throw new InputError(path, `row ${at - 1} is not the document that signals/ has in its place`, {
              hint: 'the folder holds files of two runs; run midtrain filter again with --fresh',
            });
          }
          if (!wanted(index!)) continue;
          rows.push(row);
          indices.push(index!);
        }
        if (rows.length === 0) continue;
        const gathered = gatherRows(records, rows);
        const names = options.transform ? unit.filter.transform : [];
        yield {
          records: withMargins(names.length === 0 ? gathered : transformed(gathered, names), unit.table),
          indices,
        };
      }
    }
    if (at < order.length) {
      throw new InputError(files[0]!, `${at} rows; the run's signals and rules say ${order.length}`, {
        hint: 'the folder holds files of two runs; run midtrain filter again with --fresh',
      });
    }
  } finally {
    await ids.close();
  }
}

function transformed(records: RecordBatch, names: ResolvedFilter['transform']): RecordBatch {
  const texts = new Utf8Builder(records.numRows);
  for (let row = 0; row < records.numRows; row++)
    texts.append(transformText(stringAt(records, 'text', row) ?? '', names));
  return withColumns(records, [{ name: 'text', vector: texts.finish() }]);
}

/** The stored columns without what the old rules and steps said, and the margins of the new rules. */
function withMargins(records: RecordBatch, table: SignalTable): RecordBatch {
  const names = records.schema.fields.map((field) => field.name);
  const base = selectColumns(
    records,
    names.filter((name) => !/^(margin|verdict|dedup)\./.test(name)),
  );
  const columns = table.signals.map((signal) => columnData(records, signal));
  const values = new Float64Array(columns.length);
  const margins = table.reasons.map(() => new Float32Array(records.numRows));
  for (let row = 0; row < records.numRows; row++) {
    for (const [i, column] of columns.entries()) {
      values[i] = column.getValid(row) ? Number((column.values as ArrayLike<number>)[row]) : Number.NaN;
    }
    for (const [i, margin] of table.margins(values).entries()) margins[i]![row] = margin;
  }
  const added = table.reasons.map((reason, i) => ({
    name: `margin.${reason}`,
    vector: float32Vector(margins[i]!),
  }));
  return withColumns(base, added);
}

/** Documents read again from the input. */
export async function* sourceRows(
  unit: UnitRows,
  read: ReadUnit,
  wanted: readonly number[],
  keeps: (index: number) => boolean,
): AsyncGenerator<IndexedRows> {
  const { table, filter } = unit;
  const signals = new SignalCursor(unit.signals);
  let at = 0;
  try {
    let next = wanted.length > 0 ? await describeDocument(signals, wanted[0]!, table) : undefined;
    for await (const item of readUnit(read)) {
      if (next === undefined) break;
      if (item.kind === 'failed') continue;
      const { origin, records } = item.batch;
      const texts = await BatchText.of(item.batch, filter.keepHtml, read.format);
      const rows = new ScoredRows(table, texts, false);
      const indices: number[] = [];
      while (next !== undefined && next.row < origin.firstRow + records.numRows) {
        const row = next.row - origin.firstRow;
        if (row < 0)
          throw changed(read.file, `row ${next.row} (document ${next.id}) cannot be read any more`);
        const text = texts.textAt(row);
        const bytes = text.trim() === '' ? 0 : Buffer.byteLength(text);
        if (texts.idAt(row) !== next.id || bytes !== next.bytes) {
          throw changed(read.file, `row ${next.row} is not the text that was measured (document ${next.id})`);
        }
        const { transform } = filter;
        const own = keeps(next.index) ? transformText(text, transform) : text;
        rows.add({
          ...next,
          row,
          url: null, // the signals are not written again
          excerpt: '',
          text: transform.length > 0 ? own : texts.extracts ? text : undefined,
          reason: undefined,
          rule: undefined,
        });
        indices.push(next.index);
        at++;
        next = at < wanted.length ? await describeDocument(signals, wanted[at]!, table) : undefined;
      }
      const batch = rows.keptBatch();
      if (batch !== undefined) yield { records: batch, indices };
    }
    if (next !== undefined)
      throw changed(read.file, `row ${next.row} (document ${next.id}) is not there any more`);
  } finally {
    await signals.close();
  }
}

function changed(file: string, problem: string): InputError {
  return new InputError(file, problem, {
    hint: 'the input has changed since the run; run midtrain filter again with the new thresholds',
  });
}

async function describeDocument(
  signals: SignalCursor,
  index: number,
  table: SignalTable,
): Promise<{
  index: number;
  row: number;
  id: string;
  values: Float64Array;
  measured: number;
  labels: (string | null)[];
  bytes: number;
  tokens: number;
}> {
  const { records, row } = await signals.at(index);
  const number = (name: string): number =>
    Number((columnData(records, name).values as ArrayLike<number>)[row]);
  const columns = table.signals.map((signal) => columnData(records, signal));
  const missing = columns.findIndex((column) => !column.getValid(row));
  return {
    index,
    row: number('row'),
    id: stringAt(records, 'id', row) ?? '',
    values: Float64Array.from(columns, (column) =>
      column.getValid(row) ? Number((column.values as ArrayLike<number>)[row]) : Number.NaN,
    ),
    measured: missing < 0 ? columns.length : missing,
    labels: table.labels.map((label) => stringAt(records, label, row)),
    bytes: number('text.bytes'),
    tokens: number('text.tokens'),
  };
}

/** For a run whose dropped documents and inputs are both gone. */
export function noTexts(folder: string, name: string, problem: string): UserError {
  return new UserError(
    `${folder}: the texts of unit ${name} that are needed are not in kept/ or dropped/, and ${problem}`,
    {
      hint: 'put the inputs back where they were, or run midtrain filter again with the new thresholds',
    },
  );
}
