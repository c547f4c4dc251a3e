/**
 * Every file of hyparquet's own test set, read through our reader, against the rows hyparquet stored for it.
 *
 * The expected rows are JSON, which has fewer types: int64 as numbers, times as ISO strings in milliseconds, decimals as floats, maps as
 * objects. Our exact values are converted the same way here, so a difference is a difference in what was read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Data, type DataType, DataType as Is } from 'apache-arrow';
import { expect, it } from 'vitest';
import { decimalToBigInt } from '../../src/core/decimal.ts';
import { readWhole } from './parquet-rows.ts';
import { describeWith, sharedData } from './shared-data.ts';

const folder = join(sharedData, 'parquet', 'hyparquet');

/** One cell as hyparquet's `toJson` writes it. */
function asJson(data: Data, row: number): unknown {
  const type = data.type as DataType;
  if (Is.isNull(type) || !data.getValid(row)) return null;
  if (Is.isStruct(type))
    return object(type.children.map((child, i) => [child.name, asJson(data.children[i]!, row)]));
  if (Is.isBool(type))
    return ((data.values[(data.offset + row) >> 3]! >> ((data.offset + row) & 7)) & 1) === 1;
  if (data.valueOffsets !== undefined) {
    const start = Number(data.valueOffsets[row]);
    const end = Number(data.valueOffsets[row + 1]);
    if (data.children.length === 0) return Buffer.from(data.values.subarray(start, end)).toString('utf8');
    const items = Array.from({ length: end - start }, (_, i) => start + i);
    const child = data.children[0]!;
    if (!Is.isMap(type)) return items.map((i) => asJson(child, i));
    return object(items.map((i) => [String(asJson(child.children[0]!, i)), asJson(child.children[1]!, i)]));
  }
  if (Is.isDecimal(type))
    return Number(decimalToBigInt(data.values, row * data.stride, data.stride)) * 10 ** -type.scale;
  if (Is.isTimestamp(type))
    return new Date(Number(data.values[row] / 10n ** BigInt(type.unit * 3 - 3))).toISOString();
  if (Is.isDate(type)) return new Date(data.values[row] * 86_400_000).toISOString();
  if (Is.isFixedSizeBinary(type))
    return Array.from(data.values.subarray(row * type.byteWidth, (row + 1) * type.byteWidth));
  if (Is.isFloat(type) && type.precision === 0) return half(data.values[row]);
  const value = Number(data.values[row]);
  return Object.is(value, -0) ? 0 : value;
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return (bits & 0x8000 ? -size : size) + 0;
}

/** hyparquet leaves undefined fields out and writes null ones; both mean null. */
function object(entries: [string, unknown][]): unknown {
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  return object(Object.entries(value).map(([key, item]) => [key, withoutNulls(item)]));
}

/**
 * In these files hyparquet gives null for empty lists written in the old two-level form or without a LIST group. The format says that they
 * are empty lists, and so do pyarrow (test/oracles/parquet.py) and we.
 */
const nullForEmpty = new Set(['duckdb2557.parquet', 'adam_genotypes.parquet']);

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(withoutEmpty);
  if (value === null || typeof value !== 'object') return value;
  return object(Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)]));
}

describeWith('parquet/hyparquet', 'hyparquet test files', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.parquet'))) {
    it(`${name} gives the expected rows`, async () => {
      const expected = JSON.parse(
        readFileSync(join(folder, name.replace(/parquet$/, 'json')), 'utf8'),
      ) as unknown[][];
      const same = nullForEmpty.has(name) ? withoutEmpty : withoutNulls;
      // Small batches, so that rows are cut across pages and row groups on the way.
      for (const batchBytes of [undefined, 2000]) {
        const { batches, problems } = await readWhole(join(folder, name), batchBytes);
        expect(problems).toEqual([]);
        const rows = batches.flatMap((records) =>
          Array.from({ length: records.numRows }, (_, row) =>
            records.data.children.map((child) => asJson(child, row)),
          ),
        );
        expect(rows.length).toBe(expected.length);
        expect(rows.map(same)).toEqual(expected.map(same));
      }
    });
  }
});
