/**
 * Random Arrow columns of every type the project carries, and their cells as plain values, for property tests.
 */
import {
  Binary,
  Bool,
  Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  DataType as Is,
  List,
  Map_,
  Null,
  Struct,
  Timestamp,
  TimeUnit,
  Uint8,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import fc from 'fast-check';
import { decimalToBigInt } from '../../src/core/decimal.ts';

const leafTypes: (() => DataType)[] = [
  () => new Utf8(),
  () => new Binary(),
  () => new Bool(),
  () => new Int8(),
  () => new Int16(),
  () => new Int32(),
  () => new Int64(),
  () => new Uint8(),
  () => new Uint32(),
  () => new Uint64(),
  () => new Float32(),
  () => new Float64(),
  () => new DateDay(),
  () => new Timestamp(TimeUnit.MICROSECOND, 'UTC'),
  () => new Timestamp(TimeUnit.NANOSECOND),
  () => new Decimal(2, 9, 128),
  () => new Decimal(4, 38, 128),
  () => new FixedSizeBinary(3),
  () => new Null(),
];

/** A type, nested up to three levels. */
export const arrowType: fc.Arbitrary<DataType> = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.constantFrom(...leafTypes).map((make) => make()),
    tie('type').map((inner) => new List(new Field('element', inner, true)) as DataType),
    fc
      .array(tie('type'), { minLength: 1, maxLength: 3 })
      .map((inner) => new Struct(inner.map((type, i) => new Field(`f${i}`, type, true))) as DataType),
    tie('type').map(
      (inner) =>
        new Map_(
          new Field(
            'key_value',
            new Struct([new Field('key', new Utf8(), false), new Field('value', inner, true)]),
            false,
          ) as never,
        ) as DataType,
    ),
  ),
})).type;

/** Random data of a type: `length` rows, some of them null unless `nullable` is false. */
export function randomData(type: DataType, length: number, next: () => number, nullable = true): Data {
  if (Is.isNull(type)) return new Data(type, 0, length, length);
  const bits = new Uint8Array((length + 7) >> 3);
  let nulls = 0;
  for (let i = 0; i < length; i++) {
    if (nullable && next() < 0.2) nulls++;
    else bits[i >> 3]! |= 1 << (i & 7);
  }
  const validity = nulls === 0 ? undefined : bits;
  const int = (n: number): number => Math.floor(next() * n);
  const build = (offsets: unknown, values: unknown, children: Data[] = []): Data =>
    new Data(type, 0, length, nulls, [offsets, values, validity] as never, children);
  if (Is.isStruct(type)) {
    return build(
      undefined,
      undefined,
      type.children.map((child) => randomData(child.type, length, next, child.nullable)),
    );
  }
  if (Is.isUtf8(type) || Is.isBinary(type) || Is.isList(type) || Is.isMap(type)) {
    const offsets = new Int32Array(length + 1);
    for (let i = 0; i < length; i++)
      offsets[i + 1] = offsets[i]! + ((bits[i >> 3]! >> (i & 7)) & 1 ? int(4) : 0);
    const total = offsets[length]!;
    if (Is.isUtf8(type))
      return build(
        offsets,
        Uint8Array.from({ length: total }, () => 97 + int(26)),
      );
    if (Is.isBinary(type))
      return build(
        offsets,
        Uint8Array.from({ length: total }, () => int(256)),
      );
    const child = type.children[0]!;
    return build(offsets, undefined, [randomData(child.type, total, next, child.nullable)]);
  }
  if (Is.isBool(type))
    return build(
      undefined,
      Uint8Array.from({ length: (length + 7) >> 3 }, () => int(256)),
    );
  if (Is.isFixedSizeBinary(type))
    return build(
      undefined,
      Uint8Array.from({ length: length * type.byteWidth }, () => int(256)),
    );
  if (Is.isDecimal(type)) {
    const words = type.bitWidth / 32;
    const values = new Uint32Array(length * words);
    const limit = 10 ** Math.min(9, type.precision);
    for (let i = 0; i < length; i++) {
      let value = BigInt(int(limit)) * (type.precision > 18 ? 10n ** 20n : 1n);
      if (next() < 0.5) value = -value;
      for (let w = 0; w < words; w++)
        values[i * words + w] = Number(BigInt.asUintN(32, value >> BigInt(32 * w)));
    }
    return build(undefined, values);
  }
  const values = new (type.ArrayType as new (n: number) => { [i: number]: number | bigint })(length);
  for (let i = 0; i < length; i++) {
    if (values instanceof BigInt64Array || values instanceof BigUint64Array)
      values[i] = (BigInt(int(2 ** 32)) << 32n) | BigInt(int(2 ** 32));
    else values[i] = Is.isFloat(type) ? next() * 1e6 - 5e5 : int(2 ** 32);
  }
  return build(undefined, values);
}

/** One cell as JSON: BigInts as "123n", bytes as hex, maps as lists of pairs. */
export function cellValue(data: Data, row: number): unknown {
  const type = data.type as DataType;
  if (Is.isNull(type) || !data.getValid(row)) return null;
  if (Is.isStruct(type)) {
    return Object.fromEntries(
      type.children.map((child, i) => [child.name, cellValue(data.children[i]!, row)]),
    );
  }
  if (Is.isBool(type))
    return ((data.values[(data.offset + row) >> 3]! >> ((data.offset + row) & 7)) & 1) === 1;
  if (data.valueOffsets !== undefined) {
    const start = Number(data.valueOffsets[row]);
    const end = Number(data.valueOffsets[row + 1]);
    if (Is.isUtf8(type)) return Buffer.from(data.values.subarray(start, end)).toString('utf8');
    if (Is.isBinary(type)) return `0x${Buffer.from(data.values.subarray(start, end)).toString('hex')}`;
    return Array.from({ length: end - start }, (_, i) => cellValue(data.children[0]!, start + i));
  }
  if (Is.isFixedSizeBinary(type))
    return `0x${Buffer.from(data.values.subarray(row * type.byteWidth, (row + 1) * type.byteWidth)).toString('hex')}`;
  if (Is.isDecimal(type)) return `${decimalToBigInt(data.values, row * data.stride, data.stride)}n`;
  const value = data.values[row] as number | bigint;
  return typeof value === 'bigint' ? `${value}n` : value;
}

export function columnValues(data: Data): unknown[] {
  return Array.from({ length: data.length }, (_, i) => cellValue(data, i));
}
