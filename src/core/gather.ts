/**
 * Selecting rows of Arrow data by copying bytes: no value ever becomes a JavaScript string or object, so nested, 64-bit, decimal and
 * null values survive exactly. The result owns its memory; the source can be freed.
 *
 * Covers every Arrow type this project reads or writes; view types (Utf8View, BinaryView) and dense unions are refused by name.
 */
import { Data, DataType, type Vector } from 'apache-arrow';
import { invariant, UserError } from './errors.ts';

/** Rows `rows` of `data`, in that order; a row may occur more than once. */
export function gatherData(data: Data, rows: Int32Array): Data {
  const type = data.type as DataType;
  const n = rows.length;
  if (DataType.isNull(type)) return new Data(type, 0, n, n);
  if (
    DataType.isUtf8View(type) ||
    DataType.isBinaryView(type) ||
    (DataType.isUnion(type) && data.valueOffsets)
  ) {
    throw new UserError(`rows of Arrow type ${type} cannot be selected`, {
      hint: 'convert the column to a plain type first',
    });
  }
  const [validity, nulls] = gatherValidity(data, rows);
  if (DataType.isUnion(type)) {
    const typeIds = new Int8Array(n);
    for (let i = 0; i < n; i++) typeIds[i] = data.typeIds[rows[i]!];
    const children = data.children.map((child) => gatherData(child, rows));
    return new Data(type, 0, n, 0, [undefined, undefined, undefined, typeIds] as never, children);
  }
  if (DataType.isStruct(type)) {
    const children = data.children.map((child) => gatherData(child, rows));
    return new Data(type, 0, n, nulls, [undefined, undefined, validity] as never, children);
  }
  if (DataType.isFixedSizeList(type)) {
    const size = type.listSize;
    const inner = new Int32Array(n * size);
    for (let i = 0; i < n; i++) for (let j = 0; j < size; j++) inner[i * size + j] = rows[i]! * size + j;
    return new Data(type, 0, n, nulls, [undefined, undefined, validity] as never, [
      gatherData(data.children[0]!, inner),
    ]);
  }
  if (DataType.isBool(type)) {
    const bits = new Uint8Array((n + 7) >> 3);
    for (let i = 0; i < n; i++) {
      const at = data.offset + rows[i]!;
      if ((data.values[at >> 3]! >> (at & 7)) & 1) bits[i >> 3]! |= 1 << (i & 7);
    }
    return new Data(type, 0, n, nulls, [undefined, bits, validity] as never);
  }
  if (data.valueOffsets) return gatherVariable(data, rows, validity, nulls);
  const values = gatherFixed(data.values as FixedArray, data.stride, rows);
  const dictionary = (data as { dictionary?: Vector }).dictionary;
  return new Data(type, 0, n, nulls, [undefined, values, validity] as never, [], dictionary);
}

type FixedArray = {
  length: number;
  subarray(a: number, b: number): FixedArray;
  set(a: FixedArray, at: number): void;
  slice(a: number, b: number): FixedArray;
  [i: number]: unknown;
} & { constructor: unknown };

function gatherFixed(values: FixedArray, stride: number, rows: Int32Array): FixedArray {
  const out = new (values.constructor as new (n: number) => FixedArray)(rows.length * stride);
  if (stride === 1) {
    for (let i = 0; i < rows.length; i++) out[i] = values[rows[i]!];
    return out;
  }
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * stride;
    for (let j = 0; j < stride; j++) out[i * stride + j] = values[from + j];
  }
  return out;
}

/** Utf8, Binary and their large forms, List, Map: offsets first, then bytes or child rows. */
function gatherVariable(data: Data, rows: Int32Array, validity: Uint8Array | undefined, nulls: number): Data {
  const type = data.type as DataType;
  const n = rows.length;
  const large = data.valueOffsets instanceof BigInt64Array;
  const from = data.valueOffsets as unknown as ArrayLike<number | bigint>;
  const starts = new Float64Array(n);
  const ends = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const row = rows[i]!;
    starts[i] = Number(from[row]);
    ends[i] = Number(from[row + 1]);
    total += ends[i]! - starts[i]!;
  }
  if (!large && total > 0x7fffffff) {
    throw new UserError(`selecting ${n} rows would give a column of ${total} bytes; the limit is 2 GiB`, {
      hint: 'select fewer rows at a time',
    });
  }
  const offsets = large ? new BigInt64Array(n + 1) : new Int32Array(n + 1);
  const setOffset = (i: number, value: number): void => {
    if (offsets instanceof BigInt64Array) offsets[i] = BigInt(value);
    else offsets[i] = value;
  };
  if (data.children.length > 0) {
    const inner = new Int32Array(total);
    let at = 0;
    for (let i = 0; i < n; i++) {
      for (let j = starts[i]!; j < ends[i]!; j++) inner[at++] = j;
      setOffset(i + 1, at);
    }
    return new Data(type, 0, n, nulls, [offsets, undefined, validity] as never, [
      gatherData(data.children[0]!, inner),
    ]);
  }
  const source = data.values as Uint8Array;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (let i = 0; i < n; ) {
    // Rows that follow one another in the source are one copy.
    let j = i + 1;
    while (j < n && starts[j] === ends[j - 1]) j++;
    bytes.set(source.subarray(starts[i]!, ends[j - 1]!), at);
    for (; i < j; i++) {
      at += ends[i]! - starts[i]!;
      setOffset(i + 1, at);
    }
  }
  return new Data(type, 0, n, nulls, [offsets, bytes, validity] as never);
}

function gatherValidity(data: Data, rows: Int32Array): [Uint8Array | undefined, number] {
  if (data.nullCount === 0 || !data.nullBitmap || data.nullBitmap.length === 0) return [undefined, 0];
  const bits = new Uint8Array((rows.length + 7) >> 3);
  let nulls = 0;
  for (let i = 0; i < rows.length; i++) {
    const at = data.offset + rows[i]!;
    if ((data.nullBitmap[at >> 3]! >> (at & 7)) & 1) bits[i >> 3]! |= 1 << (i & 7);
    else nulls++;
  }
  return nulls === 0 ? [undefined, 0] : [bits, nulls];
}

/** Bytes that the rows of `data` take, counted by what the offsets reach and not by how large the buffers behind them are. */
export function usedBytes(data: Data): number {
  const { length } = data;
  const type = data.type as DataType;
  if (length === 0 || DataType.isNull(type)) return 0;
  let bytes = data.nullBitmap && data.nullBitmap.length > 0 ? (length + 7) >> 3 : 0;
  if (DataType.isBool(type)) return bytes + ((length + 7) >> 3);
  if (data.typeIds) bytes += length;
  if (data.valueOffsets) {
    const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint>;
    const width = data.valueOffsets instanceof BigInt64Array ? 8 : 4;
    bytes += width * (length + 1);
    const first = Number(offsets[0]);
    const last = Number(offsets[length]);
    const child = data.children[0];
    if (child === undefined) return bytes + last - first;
    return (
      bytes +
      (first === 0 && last === child.length ? usedBytes(child) : usedBytes(child.slice(first, last - first)))
    );
  }
  if (data.children.length > 0) return data.children.reduce((sum, child) => sum + usedBytes(child), bytes);
  const values = data.values as { BYTES_PER_ELEMENT?: number; byteLength?: number } | undefined;
  invariant(values !== undefined, `Arrow data of type ${type} has no values`);
  return bytes + length * data.stride * (values.BYTES_PER_ELEMENT ?? 1);
}
