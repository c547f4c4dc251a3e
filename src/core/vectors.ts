/**
 * Arrow vectors from plain arrays: the signal columns, row numbers and flags that stages add to a batch. Values are copied; no nulls,
 * except where the name says so.
 */
import { Bool, Data, Float32, Float64, Int32, Int64, Null, type Utf8, Vector } from 'apache-arrow';
import { Utf8Builder } from './utf8-builder.ts';

/** float64; NaN allowed. */
export function float64Vector(values: ArrayLike<number>): Vector<Float64> {
  return new Vector([
    new Data(new Float64(), 0, values.length, 0, [undefined, Float64Array.from(values)] as never),
  ]);
}

/** float64 with nulls: row k has a value where `valid(k)`. */
export function nullableFloat64Vector(
  values: ArrayLike<number>,
  valid: (row: number) => boolean,
): Vector<Float64> {
  const bits = new Uint8Array((values.length + 7) >> 3);
  let nulls = 0;
  for (let row = 0; row < values.length; row++) {
    if (valid(row)) bits[row >> 3]! |= 1 << (row & 7);
    else nulls++;
  }
  const validity = nulls === 0 ? undefined : bits;
  const data = [undefined, Float64Array.from(values), validity] as never;
  return new Vector([new Data(new Float64(), 0, values.length, nulls, data)]);
}

/** float32; NaN allowed. */
export function float32Vector(values: ArrayLike<number>): Vector<Float32> {
  return new Vector([
    new Data(new Float32(), 0, values.length, 0, [undefined, Float32Array.from(values)] as never),
  ]);
}

/** int32; values must be integers in range. */
export function int32Vector(values: ArrayLike<number>): Vector<Int32> {
  return new Vector([
    new Data(new Int32(), 0, values.length, 0, [undefined, Int32Array.from(values)] as never),
  ]);
}

/** int64; numbers must be safe integers. */
export function int64Vector(values: ArrayLike<number | bigint>): Vector<Int64> {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = BigInt(values[i]!);
  return new Vector([new Data(new Int64(), 0, values.length, 0, [undefined, data] as never)]);
}

export function boolVector(values: ArrayLike<boolean | number>): Vector<Bool> {
  const bits = new Uint8Array((values.length + 7) >> 3);
  for (let i = 0; i < values.length; i++) if (values[i]) bits[i >> 3]! |= 1 << (i & 7);
  return new Vector([new Data(new Bool(), 0, values.length, 0, [undefined, bits] as never)]);
}

export function utf8Vector(values: readonly (string | null)[]): Vector<Utf8> {
  const builder = new Utf8Builder(values.length, values.length * 16);
  for (const value of values) builder.append(value);
  return builder.finish();
}

/** The same string in every row: one copy per row, because Parquet stores it as a dictionary anyway. */
export function constantUtf8Vector(text: string | null, rows: number): Vector<Utf8> {
  const bytes = text === null ? null : Buffer.from(text);
  const builder = new Utf8Builder(rows, (bytes?.length ?? 0) * rows);
  for (let i = 0; i < rows; i++) builder.appendBytes(bytes);
  return builder.finish();
}

export function nullVector(rows: number): Vector<Null> {
  return new Vector([new Data(new Null(), 0, rows, rows)]);
}
