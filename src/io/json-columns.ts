/**
 * Arrow columns from parsed JSON values of a known type (json-schema.ts). A value that does not fit, because the file has changed since
 * it was planned, is an error that names the column and both types.
 */
import { Data, type RecordBatch } from 'apache-arrow';
import { batchOf, Utf8Builder } from '../core/batch.ts';
import { type JsonColumns, type JsonType, jsonArrowSchema, jsonArrowType } from './json-schema.ts';
import { jsonText } from './json-value.ts';

/** One batch from records; keys that the schema does not know are an error. */
export function jsonBatch(columns: JsonColumns, records: readonly Record<string, unknown>[]): RecordBatch {
  const children = columns.map(([name, type]) => column(type, records.map((record) => own(record, name)), name));
  return batchOf(jsonArrowSchema(columns), children, records.length);
}

/** What is wrong with a record under this schema, or nothing. Slower than building; used to find the record that failed. */
export function jsonMisfit(columns: JsonColumns, record: Record<string, unknown>): string | undefined {
  const known = new Set(columns.map(([name]) => name));
  const extra = Object.keys(record).find((key) => !known.has(key));
  if (extra !== undefined) return `the key "${extra}" was not there when the job was planned`;
  try {
    jsonBatch(columns, [record]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Own keys only, so that a column named like a method of Object reads data. */
function own(record: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function column(type: JsonType, values: readonly unknown[], path: string): Data {
  const n = values.length;
  const arrow = jsonArrowType(type);
  const misfit = (value: unknown): never => {
    const shown = jsonText(value);
    throw new Error(`the column "${path}" is ${arrow} and the value is ${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown}; the file has changed since the job was planned`);
  };
  if (type === 'null') {
    for (const value of values) if (value !== null && value !== undefined) misfit(value);
    return new Data(arrow, 0, n, n);
  }
  if (type === 'text' || type === 'json') {
    const builder = new Utf8Builder(n, n * 16);
    for (const value of values) {
      if (value === null || value === undefined) builder.append(null);
      else builder.append(typeof value === 'string' && type === 'text' ? value : jsonText(value));
    }
    return builder.finish().data[0]!;
  }
  const bitmap = new Uint8Array((n + 7) >> 3);
  let nulls = 0;
  for (let i = 0; i < n; i++) {
    if (values[i] === null || values[i] === undefined) nulls++;
    else bitmap[i >> 3]! |= 1 << (i & 7);
  }
  const validity = nulls === 0 ? undefined : bitmap;
  if (typeof type === 'object') return nested(type, arrow, values, validity, nulls, path, misfit);
  if (type === 'bool') {
    const bits = new Uint8Array((n + 7) >> 3);
    for (let i = 0; i < n; i++) {
      const value = values[i];
      if (value === true) bits[i >> 3]! |= 1 << (i & 7);
      else if (value !== false && value !== null && value !== undefined) misfit(value);
    }
    return new Data(arrow, 0, n, nulls, [undefined, bits, validity] as never);
  }
  if (type === 'int') {
    const out = new BigInt64Array(n);
    for (let i = 0; i < n; i++) {
      const value = values[i];
      if (value === null || value === undefined) continue;
      if (typeof value === 'bigint' ? BigInt.asIntN(64, value) !== value : !Number.isSafeInteger(value)) misfit(value);
      out[i] = BigInt(value as number);
    }
    return new Data(arrow, 0, n, nulls, [undefined, out, validity] as never);
  }
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (typeof value !== 'number' && typeof value !== 'bigint') misfit(value);
    out[i] = Number(value);
  }
  return new Data(arrow, 0, n, nulls, [undefined, out, validity] as never);
}

function nested(
  type: Exclude<JsonType, string>,
  arrow: ReturnType<typeof jsonArrowType>,
  values: readonly unknown[],
  validity: Uint8Array | undefined,
  nulls: number,
  path: string,
  misfit: (value: unknown) => never,
): Data {
  const n = values.length;
  if ('list' in type) {
    const offsets = new Int32Array(n + 1);
    const items: unknown[] = [];
    for (let i = 0; i < n; i++) {
      const value = values[i];
      if (Array.isArray(value)) for (const item of value) items.push(item);
      else if (value !== null && value !== undefined) misfit(value);
      offsets[i + 1] = items.length;
    }
    return new Data(arrow, 0, n, nulls, [offsets, undefined, validity] as never, [column(type.list, items, `${path}[]`)]);
  }
  const known = new Set(type.struct.map(([name]) => name));
  for (const value of values) {
    if (value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value)) misfit(value);
    for (const key of Object.keys(value)) if (!known.has(key)) misfit(value);
  }
  const children = type.struct.map(([name, child]) =>
    column(
      child,
      values.map((value) => (value === null || value === undefined ? null : own(value as Record<string, unknown>, name))),
      `${path}.${name}`,
    ),
  );
  return new Data(arrow, 0, n, nulls, [undefined, undefined, validity] as never, children);
}
