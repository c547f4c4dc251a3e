/**
 * The unit that flows through the pipeline: an Arrow record batch of documents, bounded in bytes, and where its rows came from.
 *
 * Columns `id`, `text` (or `html`), `url`, `source`, `date` are Utf8; every other column of the input is carried untouched. Stages select
 * rows (`gatherRows`) and add columns (`withColumns`); neither turns a value into a JavaScript string. (design.md section 4, "Batch")
 */
import {
  type Data,
  DataType,
  Field,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  type Utf8,
  type Vector,
} from 'apache-arrow';
import { invariant, UserError } from './errors.ts';
import { gatherData, usedBytes } from './gather.ts';

export { Utf8Builder } from './utf8-builder.ts';
export {
  boolVector,
  constantUtf8Vector,
  float32Vector,
  float64Vector,
  int32Vector,
  int64Vector,
  nullableFloat64Vector,
  nullVector,
  utf8Vector,
} from './vectors.ts';

/** Batches aim at this size and never exceed `maxBatchBytes`, except for a single row that is larger by itself. */
export const defaultBatchBytes = 16 * 1024 * 1024;
export const maxBatchBytes = 64 * 1024 * 1024;

export interface DocumentBatch {
  records: RecordBatch;
  /** `file` as in the read unit; `firstRow` is the number in that file of row 0. */
  origin: { file: string; firstRow: number };
}

/** The single Arrow data of a column; throws a `UserError` that lists the columns when there is none of that name. */
export function columnData(records: RecordBatch, column: string): Data {
  const index = records.schema.fields.findIndex((field) => field.name === column);
  if (index < 0) {
    throw new UserError(
      `there is no column "${column}"; the columns are ${records.schema.fields.map((f) => f.name).join(', ')}`,
      {
        hint: `say which column it is, for example columns: { ${column}: <name> }`,
      },
    );
  }
  return records.data.children[index]!;
}

export function hasColumn(records: RecordBatch, column: string): boolean {
  return records.schema.fields.some((field) => field.name === column);
}

/** Decodes one cell of a string column; null for null. */
export function stringAt(records: RecordBatch, column: string, row: number): string | null {
  const data = columnData(records, column);
  const { valueOffsets } = data;
  if (DataType.isUtf8(data.type) && valueOffsets instanceof Int32Array) {
    invariant(row >= 0 && row < data.length, `row ${row} of column ${column} with ${data.length} rows`);
    if (data.nullCount > 0 && !data.getValid(row)) return null;
    return bufferOf(data.values as Uint8Array).toString('utf8', valueOffsets[row], valueOffsets[row + 1]);
  }
  const bytes = cellBytes(data, column, row);
  return bytes === null
    ? null
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** One Buffer per column instead of two views per cell. */
let lastValues: Uint8Array | undefined;
let lastBuffer: Buffer | undefined;

function bufferOf(values: Uint8Array): Buffer {
  if (values !== lastValues || lastBuffer === undefined) {
    lastValues = values;
    lastBuffer = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  }
  return lastBuffer;
}

/** The UTF-8 bytes of one cell of a string or binary column, as a view; null for null. */
export function bytesAt(records: RecordBatch, column: string, row: number): Uint8Array | null {
  return cellBytes(columnData(records, column), column, row);
}

function cellBytes(data: Data, column: string, row: number): Uint8Array | null {
  invariant(row >= 0 && row < data.length, `row ${row} of column ${column} with ${data.length} rows`);
  if (DataType.isNull(data.type) || !data.getValid(row)) return null;
  if (DataType.isDictionary(data.type)) {
    const dictionary = (data as { dictionary?: Vector }).dictionary;
    let index = Number(data.values[row]);
    for (const part of dictionary?.data ?? []) {
      if (index < part.length) return cellBytes(part, column, index);
      index -= part.length;
    }
    throw new UserError(`column "${column}": dictionary index ${String(data.values[row])} is out of range`);
  }
  if (data.valueOffsets === undefined || data.children.length > 0) {
    throw new UserError(`column "${column}" holds ${data.type}, not text`, { hint: 'name a string column' });
  }
  const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint>;
  return (data.values as Uint8Array).subarray(Number(offsets[row]), Number(offsets[row + 1]));
}

/** Bytes in use by all columns of the batch. Columns that share one buffer are counted once each. */
export function bytesOf(records: RecordBatch): number {
  return records.data.children.reduce((sum, child) => sum + usedBytes(child), 0);
}

/** The given rows, in the given order, as a batch that owns its memory. Copies bytes, never strings. */
export function gatherRows(records: RecordBatch, rows: readonly number[] | Int32Array): RecordBatch {
  const indices = rows instanceof Int32Array ? rows : Int32Array.from(rows);
  for (const row of indices) {
    invariant(row >= 0 && row < records.numRows, `row ${row} of a batch of ${records.numRows}`);
  }
  const children = records.data.children.map((child) => gatherData(child, indices));
  return batchOf(records.schema, children, indices.length);
}

/** Rows `[start, end)` as views of the same memory. */
export function sliceRows(records: RecordBatch, start: number, end: number): RecordBatch {
  const children = records.data.children.map((child) => child.slice(start, end - start));
  return batchOf(records.schema, children, end - start);
}

/** Appends columns, or replaces those of the same name in place. Every vector must have one row per row of the batch. */
export function withColumns(
  records: RecordBatch,
  columns: readonly { name: string; vector: Vector; nullable?: boolean }[],
): RecordBatch {
  const fields = [...records.schema.fields];
  const children = [...records.data.children];
  for (const { name, vector, nullable } of columns) {
    invariant(
      vector.length === records.numRows,
      `column ${name} has ${vector.length} rows, the batch has ${records.numRows}`,
    );
    invariant(vector.data.length === 1, `column ${name} must be one contiguous vector`);
    const data = vector.data[0]!;
    const field = new Field(name, vector.type, nullable ?? true);
    const at = fields.findIndex((f) => f.name === name);
    if (at < 0) {
      fields.push(field);
      children.push(data);
    } else {
      fields[at] = field;
      children[at] = data;
    }
  }
  return batchOf(new Schema(fields, records.schema.metadata), children, records.numRows);
}

/** Only the named columns, in that order. */
export function selectColumns(records: RecordBatch, names: readonly string[]): RecordBatch {
  const fields = names
    .map((name) => records.schema.fields.find((f) => f.name === name))
    .map((field, i) => {
      if (field === undefined) columnData(records, names[i]!);
      return field as Field;
    });
  return batchOf(
    new Schema(fields, records.schema.metadata),
    names.map((name) => columnData(records, name)),
    records.numRows,
  );
}

/** A record batch from a schema and one Arrow data per field. */
export function batchOf(schema: Schema, children: Data[], rows: number): RecordBatch {
  const data = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
  return new RecordBatch(schema, data as Data<Struct>);
}

/** A record batch from named vectors: mostly for tests and small tables. */
export function batchFromVectors(columns: Record<string, Vector>): RecordBatch {
  const names = Object.keys(columns);
  const fields = names.map((name) => new Field(name, columns[name]!.type, true));
  const children = names.map((name) => columns[name]!.data[0]!);
  return batchOf(new Schema(fields), children, children[0]?.length ?? 0);
}

/** Whether a column is plain Utf8 (the type of the document columns). */
export function isUtf8(data: Data): data is Data<Utf8> {
  return DataType.isUtf8(data.type);
}
