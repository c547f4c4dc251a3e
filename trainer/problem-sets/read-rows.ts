/**
 * The rows of a problem file as plain objects: JSONL, JSON, Parquet, Arrow, folders, patterns and `hf://`, through the bounded readers of src/io.
 *
 * A row has the file's own columns with JavaScript values (structs are objects, lists are arrays, 64-bit integers numbers where a double
 * holds them, else texts). A damaged record is an error: a problem that is not read would silently be missing from the score.
 */
import type { RecordBatch } from 'apache-arrow';
import { InputError, UserError } from '../../src/core/errors.ts';
import { planRead, type ReadUnit } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface PlacedRow {
  row: Row;
  /** As the user knows it: path or `hf://`. */
  file: string;
  /** `record 3`, counted from 1 over the file. */
  place: string;
}

/** More than any problem set in use (NuminaMath has 860,000); a corpus named by mistake ends here. */
const mostRows = 2_000_000;
/** Nesting deeper than this becomes null. */
const deepest = 32;
/** Columns that the reader makes where an input has none. Given a source, it keeps the input's own column as `source_input`. */
const madeBySource = '-';

/** Every row of what `path` names, in the order of the files. Throws an `InputError` naming the file that cannot be read. */
export async function* readRows(path: string, signal?: AbortSignal): AsyncGenerator<PlacedRow> {
  const plan = await planRead(
    [{ path, columns: {}, source: madeBySource }],
    signal === undefined ? {} : { signal },
  );
  const [failure] = plan.failures;
  if (failure !== undefined) {
    throw new InputError(failure.file, failure.problem, {
      ...(failure.place === undefined ? {} : { place: failure.place }),
      hint: failure.hint ?? 'give JSONL, JSON, Parquet or Arrow with one problem a record',
    });
  }
  let read = 0;
  for (const unit of plan.units) {
    for await (const part of readUnit(unit, signal === undefined ? {} : { signal })) {
      if (part.kind === 'failed') {
        throw new InputError(part.file, part.problem, {
          place: part.place,
          hint: 'mend the file: a problem that is not read would be missing from the score',
        });
      }
      const { records, origin } = part.batch;
      let at = 0;
      for (const row of rowsOfBatch(records, columnsOf(records, unit))) {
        if (++read > mostRows) {
          throw new UserError(`${path}: more than ${mostRows} records`, {
            hint: 'a problem set has one problem a record; name one file of it',
          });
        }
        yield { row, file: unit.file, place: `record ${origin.firstRow + ++at}` };
      }
    }
  }
}

/** The rows of a batch as plain objects; by default with all of its columns as they are. */
export function* rowsOfBatch(
  records: RecordBatch,
  columns: readonly RowColumn[] = plainColumns(records),
): Generator<Row> {
  for (let at = 0; at < records.numRows; at++) {
    const row: Record<string, unknown> = {};
    for (const { name, get } of columns) {
      const value = get(at);
      if (value !== undefined) row[name] = value;
    }
    yield row;
  }
}

interface RowColumn {
  name: string;
  get: (row: number) => unknown;
}

function plainColumns(records: RecordBatch): RowColumn[] {
  return records.schema.fields.map(({ name }, i) => {
    const vector = records.getChildAt(i)!;
    return { name, get: (row) => plainValue(vector.get(row), 0) };
  });
}

/** The file's own columns: what src/io/document-columns.ts added is taken away again, what it renamed gets its name back. */
function columnsOf(records: RecordBatch, unit: ReadUnit): RowColumn[] {
  const names = records.schema.fields.map((field) => field.name);
  return plainColumns(records).flatMap(({ name, get: read }) => {
    const renamed = `${name}_input`;
    if (name === 'source' || names.includes(renamed)) return [];
    const own = /^(?:id|source|date|url|text|html)_input$/.test(name) ? name.slice(0, -6) : name;
    const get = (row: number): unknown => {
      const value = read(row);
      // Made by the reader: an id from label and row, a url and a date of null.
      if ((name === 'url' || name === 'date') && value === null) return undefined;
      if (name === 'id' && typeof value === 'string' && value.startsWith(`${unit.label}#`)) return undefined;
      return value;
    };
    return [{ name: own, get }];
  });
}

function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value === null || value === undefined || typeof value !== 'object') return value ?? null;
  if (depth > deepest) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const kind = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '';
  const toJson = (value as { toJSON?: () => unknown }).toJSON;
  if ((kind === 'Row' || kind === 'Map') && typeof toJson === 'function') {
    return plainValue(toJson.call(value), depth + 1);
  }
  if (Symbol.iterator in value)
    return [...(value as Iterable<unknown>)].map((item) => plainValue(item, depth + 1));
  // No prototype: a column called __proto__ is a column.
  const record: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(value)) record[name] = plainValue(item, depth + 1);
  return record;
}
