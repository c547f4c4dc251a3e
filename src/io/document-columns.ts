/**
 * Gives every batch the document columns `id`, `text` or `html`, `url`, `source`, `date` (all Utf8), whatever the input calls them.
 *
 * A mapped input column (`columns: { text: content }`) appears under its document name and no longer under its own; its bytes are not
 * copied. An input column that already bears a document name and cannot be that column (an `id` of type int64, a `date` that is a
 * timestamp) is cast for the document column and stays, untouched, under `<name>_input`. All other input columns follow untouched.
 */
import { Data, DataType, Field, type RecordBatch, Schema, Utf8, Vector } from 'apache-arrow';
import { batchOf, constantUtf8Vector, Utf8Builder } from '../core/batch.ts';
import { decimalText, decimalToBigInt } from '../core/decimal.ts';
import { InputError } from '../core/errors.ts';
import { repairUtf8 } from './repair-utf8.ts';

/** Which input column holds what. */
export interface ColumnMapping {
  text?: string;
  id?: string;
  url?: string;
  html?: string;
  date?: string;
}

export interface DocumentColumnOptions {
  file: string;
  /** Names rows without an id: `<label>#<row>`. */
  label: string;
  columns: ColumnMapping;
  source: string;
  /** `source` was given by the user and wins over a `source` column of the input. */
  sourceGiven: boolean;
  /** A batch without `text` and without `html` is an error. */
  requireText: boolean;
}

const documentNames = ['id', 'text', 'html', 'url', 'source', 'date'] as const;
type DocumentName = (typeof documentNames)[number];

/** How the columns of one schema become document columns: made once per file. */
export interface DocumentColumnPlan {
  /** Index of the input column behind each document column that has one. */
  from: Partial<Record<DocumentName, number>>;
  /** Input columns that are carried on, with the name they get. */
  carried: { index: number; name: string }[];
}

/** The input columns that become document columns, for readers that want no others (`only` of `readUnit`). */
export function documentInputColumns(columns: ColumnMapping): string[] {
  return documentNames.map((name) => (name === 'source' ? name : (columns[name] ?? name)));
}

/** Throws an `InputError` when a mapped column is missing or cannot hold text. */
export function planDocumentColumns(schema: Schema, options: DocumentColumnOptions): DocumentColumnPlan {
  const names = schema.fields.map((field) => field.name);
  const from: DocumentColumnPlan['from'] = {};
  const used = new Set<number>();
  for (const name of documentNames) {
    if (name === 'source') {
      const index = options.sourceGiven ? -1 : names.indexOf('source');
      if (index >= 0 && isText(schema.fields[index]!.type)) from.source = index;
      continue;
    }
    const mapped = options.columns[name];
    const index = names.indexOf(mapped ?? name);
    if (index < 0) {
      if (mapped === undefined) continue;
      throw new InputError(
        options.file,
        `there is no column "${mapped}" to take as ${name}; the columns are ${names.join(', ')}`,
        {
          hint: `name one of these columns as ${name}`,
        },
      );
    }
    const { type } = schema.fields[index]!;
    const castable = name !== 'text' && name !== 'html' && isScalar(type);
    if (!isText(type) && !castable) {
      if (mapped === undefined) continue;
      throw new InputError(options.file, `the column "${mapped}" holds ${type} and cannot be the ${name}`, {
        hint: `name a column of strings as ${name}; the columns are ${names.join(', ')}`,
      });
    }
    from[name] = index;
    if (isText(type)) used.add(index);
  }
  if (options.requireText && from.text === undefined && from.html === undefined) {
    throw new InputError(
      options.file,
      `there is no text: no column is named "text" or "html"; the columns are ${names.join(', ')}`,
      {
        hint: 'say which column holds it, for example columns: { text: content }',
      },
    );
  }
  const carried: DocumentColumnPlan['carried'] = [];
  for (const [index, name] of names.entries()) {
    if (used.has(index) || from.source === index) continue;
    const taken = (documentNames as readonly string[]).includes(name) && !isUnusedText(name, from);
    carried.push({ index, name: taken ? freeName(`${name}_input`, names) : name });
  }
  return { from, carried };
}

/** `text` and `html` are only document columns of a file that has them; another column of that name is carried as it is. */
function isUnusedText(name: string, from: DocumentColumnPlan['from']): boolean {
  return (name === 'text' || name === 'html') && from[name] === undefined;
}

function freeName(name: string, taken: readonly string[]): string {
  let free = name;
  for (let i = 2; taken.includes(free); i++) free = `${name}_${i}`;
  return free;
}

/**
 * The batch with document columns first. `firstRow` is the number of its first row in the file. Bytes of `text` and `html` that are not
 * UTF-8 become U+FFFD, and `tally` counts the rows.
 */
export function withDocumentColumns(
  records: RecordBatch,
  plan: DocumentColumnPlan,
  options: DocumentColumnOptions,
  firstRow: number,
  tally?: { repaired: number },
): RecordBatch {
  const rows = records.numRows;
  const input = (name: DocumentName): Data | undefined => {
    const index = plan.from[name];
    return index === undefined ? undefined : asUtf8(records.data.children[index]!);
  };
  const fields: Field[] = [];
  const children: Data[] = [];
  const add = (name: string, data: Data, nullable: boolean): void => {
    fields.push(new Field(name, data.type, nullable));
    children.push(data);
  };
  const id = input('id');
  add('id', id === undefined || id.nullCount > 0 ? rowIds(id, rows, options.label, firstRow) : id, false);
  for (const name of ['text', 'html'] as const) {
    const data = input(name);
    if (data === undefined) continue;
    const repaired = repairUtf8(data);
    if (tally !== undefined) tally.repaired += repaired.rows;
    add(name, repaired.data, true);
  }
  add('url', input('url') ?? constantUtf8Vector(null, rows).data[0]!, true);
  add('source', filled(input('source'), rows, options.source), false);
  add('date', input('date') ?? constantUtf8Vector(null, rows).data[0]!, true);
  for (const { index, name } of plan.carried) {
    const field = records.schema.fields[index]!;
    fields.push(name === field.name ? field : new Field(name, field.type, field.nullable, field.metadata));
    children.push(records.data.children[index]!);
  }
  return batchOf(new Schema(fields), children, rows);
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isLargeUtf8(type);
}

function isScalar(type: DataType): boolean {
  return (
    DataType.isInt(type) ||
    DataType.isFloat(type) ||
    DataType.isBool(type) ||
    DataType.isDate(type) ||
    DataType.isTimestamp(type) ||
    DataType.isDecimal(type) ||
    DataType.isNull(type)
  );
}

/** A column of strings: the same buffers when it is one already, else each value written out. */
function asUtf8(data: Data): Data<Utf8> {
  const type = data.type as DataType;
  if (DataType.isUtf8(type)) return data as Data<Utf8>;
  if (DataType.isBinary(type)) {
    return new Data(new Utf8(), data.offset, data.length, data.nullCount, [
      data.valueOffsets,
      data.values,
      data.nullBitmap,
    ] as never);
  }
  const vector = new Vector([data]);
  const builder = new Utf8Builder(data.length, data.length * 12);
  for (let i = 0; i < data.length; i++) builder.append(scalarText(vector.get(i) as unknown, type, data, i));
  return builder.finish().data[0]!;
}

function scalarText(value: unknown, type: DataType, data: Data, i: number): string | null {
  if (value === null || value === undefined) return null;
  if (DataType.isTimestamp(type)) return timestampText((data.values as BigInt64Array)[i]!, type.unit);
  if (DataType.isDate(type)) return new Date(Number(value)).toISOString().slice(0, 10);
  if (DataType.isDecimal(type))
    return decimalText(decimalToBigInt(data.values as Uint32Array, i * data.stride, data.stride), type.scale);
  return String(value);
}

/** ISO 8601 with all digits the unit has; years outside 0 to 9999 as the plain number. */
function timestampText(value: bigint, unit: number): string {
  const perSecond = 10n ** BigInt(unit * 3);
  let seconds = value / perSecond;
  let rest = value % perSecond;
  if (rest < 0n) {
    rest += perSecond;
    seconds -= 1n;
  }
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0)
    return String(value);
  const whole = date.toISOString().slice(0, 19);
  return unit === 0 ? `${whole}Z` : `${whole}.${String(rest).padStart(unit * 3, '0')}Z`;
}

/** `<label>#<row>` wherever there is no id. */
function rowIds(id: Data | undefined, rows: number, label: string, firstRow: number): Data<Utf8> {
  const vector = id === undefined ? undefined : new Vector([id]);
  const builder = new Utf8Builder(rows, rows * (label.length + 8));
  for (let i = 0; i < rows; i++)
    builder.append((vector?.get(i) as string | null | undefined) ?? `${label}#${firstRow + i}`);
  return builder.finish().data[0]!;
}

function filled(data: Data<Utf8> | Data | undefined, rows: number, fallback: string): Data {
  if (data === undefined) return constantUtf8Vector(fallback, rows).data[0]!;
  if (data.nullCount === 0) return data;
  const vector = new Vector([data]);
  const builder = new Utf8Builder(rows, 16 * rows);
  for (let i = 0; i < rows; i++) builder.append((vector.get(i) as string | null) ?? fallback);
  return builder.finish().data[0]!;
}
