/**
 * Arrow columns from parsed JSON values of a known type (json-schema.ts). `jsonMisfit` is asked first: it finds values that do not fit,
 * because the schema was declared or the file has changed since it was planned, and names the column and both types.
 */
import { Data, type RecordBatch } from 'apache-arrow';
import { batchOf, Utf8Builder } from '../core/batch.ts';
import { type JsonColumns, type JsonType, jsonArrowSchema, jsonArrowType } from './json-schema.ts';
import { jsonText } from './json-value.ts';

/** One batch from records that fit (`jsonMisfit`). */
export function jsonBatch(columns: JsonColumns, records: readonly Record<string, unknown>[]): RecordBatch {
  const children = columns.map(([name, type]) =>
    column(
      type,
      records.map((record) => own(record, name)),
      name,
    ),
  );
  return batchOf(jsonArrowSchema(columns), children, records.length);
}

/** What is wrong with a record under this schema, or nothing. */
export function jsonMisfit(columns: JsonColumns, record: Record<string, unknown>): string | undefined {
  const known = namesOf(columns);
  for (const key of Object.keys(record)) {
    if (!known.has(key)) return `the key "${key}" is not in the schema of this input`;
  }
  for (const [name, type] of columns) {
    const misfit = valueMisfit(type, own(record, name), name);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

const namesByColumns = new WeakMap<JsonColumns, Set<string>>();

function namesOf(columns: JsonColumns): Set<string> {
  let names = namesByColumns.get(columns);
  if (names === undefined) namesByColumns.set(columns, (names = new Set(columns.map(([name]) => name))));
  return names;
}

function valueMisfit(type: JsonType, value: unknown, path: string): string | undefined {
  if (value === null || value === undefined || type === 'text' || type === 'json') return undefined;
  if (typeof type === 'object') {
    if ('list' in type) {
      if (!Array.isArray(value)) return misfit(type, value, path);
      for (const item of value) {
        const inner = valueMisfit(type.list, item, `${path}[]`);
        if (inner !== undefined) return inner;
      }
      return undefined;
    }
    if (typeof value !== 'object' || Array.isArray(value)) return misfit(type, value, path);
    for (const [key, item] of Object.entries(value)) {
      const field = type.struct.find(([name]) => name === key);
      if (field === undefined) return `the key "${path}.${key}" is not in the schema of this input`;
      const inner = valueMisfit(field[1], item, `${path}.${key}`);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }
  const fits =
    type === 'bool'
      ? typeof value === 'boolean'
      : type === 'int'
        ? Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
        : type === 'float' && (typeof value === 'number' || typeof value === 'bigint');
  return fits ? undefined : misfit(type, value, path);
}

function misfit(type: JsonType, value: unknown, path: string): string {
  const shown = jsonText(value);
  return `the column "${path}" holds ${jsonArrowType(type)}, and this value is ${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown}`;
}

/** Own keys only, so that a column named like a method of Object reads data. */
function own(record: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function column(type: JsonType, values: readonly unknown[], path: string): Data {
  const n = values.length;
  const arrow = jsonArrowType(type);
  if (type === 'null') return new Data(arrow, 0, n, n);
  if (type === 'text' || type === 'json') {
    let units = 64;
    for (const value of values) if (typeof value === 'string') units += value.length;
    const builder = new Utf8Builder(n, units);
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
  if (typeof type === 'object') return nested(type, arrow, values, validity, nulls, path);
  const out =
    type === 'bool'
      ? new Uint8Array((n + 7) >> 3)
      : type === 'int'
        ? new BigInt64Array(n)
        : new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (out instanceof BigInt64Array) out[i] = BigInt(value as number);
    else if (out instanceof Float64Array) out[i] = Number(value);
    else if (value === true) out[i >> 3]! |= 1 << (i & 7);
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
): Data {
  const n = values.length;
  if ('list' in type) {
    const offsets = new Int32Array(n + 1);
    const items: unknown[] = [];
    for (let i = 0; i < n; i++) {
      const value = values[i];
      if (Array.isArray(value)) for (const item of value) items.push(item);
      offsets[i + 1] = items.length;
    }
    return new Data(arrow, 0, n, nulls, [offsets, undefined, validity] as never, [
      column(type.list, items, `${path}[]`),
    ]);
  }
  const children = type.struct.map(([name, child]) =>
    column(
      child,
      values.map((value) =>
        value === null || value === undefined ? null : own(value as Record<string, unknown>, name),
      ),
      `${path}.${name}`,
    ),
  );
  return new Data(arrow, 0, n, nulls, [undefined, undefined, validity] as never, children);
}
