/**
 * One Parquet data or dictionary page decoded into levels and values, without a JavaScript object per value.
 *
 * Byte arrays become (start, end) pairs into the page; numbers become typed arrays. Every length is checked against the bytes that are
 * there before anything is allocated.  Source: Apache Parquet, Encodings.md.
 */
import type { CompressionCodec, Encoding, PageHeader, ParquetType } from 'hyparquet';
import { decompress, maxPageBytes } from './parquet-codecs.ts';
import { type ByteValues, deltaBytes, deltaInts, deltaLengths } from './parquet-delta.ts';
import { bitWidth, readHybrid } from './parquet-levels.ts';

export type { ByteValues };
export type NumberArray = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
/** Values of `width` array elements each: 1, except fixed-length byte arrays. Booleans are bytes 0 and 1; INT96 are nanoseconds. */
export interface FixedValues {
  kind: 'fixed';
  array: NumberArray;
  width: number;
}
export type PageValues = ByteValues | FixedValues;

export interface Page {
  /** Number of levels: values, nulls and empty lists together. */
  levels: number;
  /** Absent when the column's maximum is 0. */
  definition: Uint8Array | undefined;
  repetition: Uint8Array | undefined;
  values: PageValues;
  /** Memory that only `values` uses: a decompressed page of texts. `freePage` gives it back. */
  owned?: ArrayBuffer | undefined;
}

/**
 * Gives the memory of a page back at once, when its values have been copied. The engine would keep it until it collects garbage,
 * and decompress every page into fresh memory: a third of the time of reading.
 */
export function freePage(page: Page): void {
  page.owned?.transfer(0);
}

export interface PageContext {
  type: ParquetType;
  typeLength: number | undefined;
  codec: CompressionCodec;
  maxDefinition: number;
  maxRepetition: number;
}

const maxLevels = 1 << 27;

export function decodeDictionary(body: Uint8Array, header: PageHeader, context: PageContext): PageValues {
  const dictionary = header.dictionary_page_header;
  if (dictionary === undefined) throw new Error('the dictionary page has no header');
  if (dictionary.encoding !== 'PLAIN' && dictionary.encoding !== 'PLAIN_DICTIONARY') {
    throw new Error(`a dictionary in encoding ${String(dictionary.encoding)}`);
  }
  const bytes = decompress(context.codec, body, pageSize(header.uncompressed_page_size));
  return plain(bytes, 0, countOf(dictionary.num_values), context);
}

export function decodeDataPage(
  body: Uint8Array,
  header: PageHeader,
  dictionary: PageValues | undefined,
  context: PageContext,
): Page {
  const size = pageSize(header.uncompressed_page_size);
  if (header.type === 'DATA_PAGE') {
    const own = header.data_page_header;
    if (own === undefined) throw new Error('the data page has no header');
    const levels = countOf(own.num_values);
    const bytes = decompress(context.codec, body, size);
    let at = 0;
    const read = (max: number, encoding: Encoding): Uint8Array | undefined => {
      if (max === 0) return undefined;
      if (encoding !== 'RLE') throw new Error(`levels in encoding ${String(encoding)} are not supported`);
      if (at + 4 > bytes.length) throw new Error('the page ends before its levels');
      const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
      const start = at + 4;
      if (start + length > bytes.length)
        throw new Error(`levels of ${length} bytes in a page of ${bytes.length}`);
      at = start + length;
      return readLevels(bytes, start, at, max, levels);
    };
    const repetition = read(context.maxRepetition, own.repetition_level_encoding);
    const definition = read(context.maxDefinition, own.definition_level_encoding);
    const values = decodeValues(
      bytes,
      at,
      own.encoding,
      countValues(definition, levels, context),
      dictionary,
      context,
    );
    return { levels, definition, repetition, values, owned: ownedBy(values, bytes, body) };
  }
  const own = header.data_page_header_v2;
  if (own === undefined) throw new Error('the data page has no header');
  const levels = countOf(own.num_values);
  const repetitionEnd = countOf(own.repetition_levels_byte_length);
  const definitionEnd = repetitionEnd + countOf(own.definition_levels_byte_length);
  if (definitionEnd > body.length || definitionEnd > size)
    throw new Error(`levels of ${definitionEnd} bytes in a page of ${body.length}`);
  const repetition =
    context.maxRepetition === 0
      ? undefined
      : readLevels(body, 0, repetitionEnd, context.maxRepetition, levels);
  const definition =
    context.maxDefinition === 0
      ? undefined
      : readLevels(body, repetitionEnd, definitionEnd, context.maxDefinition, levels);
  const rest = body.subarray(definitionEnd);
  const count = countValues(definition, levels, context);
  // A page of nulls only may leave out the compressed block altogether.
  const bytes =
    own.is_compressed === false || (count === 0 && rest.length === 0)
      ? rest
      : decompress(context.codec, rest, size - definitionEnd);
  const values = decodeValues(bytes, 0, own.encoding, count, dictionary, context);
  return { levels, definition, repetition, values, owned: ownedBy(values, bytes, body) };
}

/** Smaller buffers may be parts of a pool of Node's. */
const leastOwned = 1 << 17;

/** The memory of the decompressed page, if it is not that of the file's bytes and the values are in it and not in a dictionary. */
function ownedBy(values: PageValues, page: Uint8Array, file: Uint8Array): ArrayBuffer | undefined {
  const { buffer } = page;
  if (values.kind !== 'bytes' || values.bytes.buffer !== buffer || buffer === file.buffer) return undefined;
  return buffer instanceof ArrayBuffer && page.byteOffset === 0 && buffer.byteLength >= leastOwned
    ? buffer
    : undefined;
}

function pageSize(declared: number): number {
  if (!(declared >= 0)) throw new Error(`the page declares ${declared} bytes`);
  if (declared > maxPageBytes)
    throw new Error(`the page declares ${declared} bytes; the limit is ${maxPageBytes}`);
  return declared;
}

function countOf(n: number): number {
  if (!(n >= 0) || n > maxLevels)
    throw new Error(`the page declares ${n} values or bytes of levels; the limit is ${maxLevels}`);
  return n;
}

function readLevels(bytes: Uint8Array, start: number, end: number, max: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  readHybrid(bytes, start, end, bitWidth(max), out, count);
  for (const level of out) if (level > max) throw new Error(`a level of ${level}, the maximum is ${max}`);
  return out;
}

function countValues(definition: Uint8Array | undefined, levels: number, context: PageContext): number {
  if (definition === undefined) return levels;
  let n = 0;
  for (const level of definition) if (level === context.maxDefinition) n++;
  return n;
}

function decodeValues(
  bytes: Uint8Array,
  start: number,
  encoding: Encoding,
  count: number,
  dictionary: PageValues | undefined,
  context: PageContext,
): PageValues {
  if (count === 0) return empty(context);
  switch (encoding) {
    case 'PLAIN':
      return plain(bytes, start, count, context);
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      if (dictionary === undefined) throw new Error('a dictionary-encoded page without a dictionary');
      const indices = new Int32Array(count);
      readHybrid(bytes, start + 1, bytes.length, bytes[start] ?? 0, indices, count);
      return lookUp(dictionary, indices);
    }
    case 'RLE': {
      if (context.type !== 'BOOLEAN') throw new Error(`encoding RLE for ${context.type}`);
      const array = new Uint8Array(count);
      readHybrid(bytes, start + 4, bytes.length, 1, array, count);
      return { kind: 'fixed', array, width: 1 };
    }
    case 'DELTA_BINARY_PACKED': {
      if (context.type !== 'INT32' && context.type !== 'INT64')
        throw new Error(`encoding ${encoding} for ${context.type}`);
      const array = context.type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
      deltaInts(bytes, start, array);
      return { kind: 'fixed', array, width: 1 };
    }
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return deltaLengths(bytes, start, count);
    case 'DELTA_BYTE_ARRAY':
      return toFixed(deltaBytes(bytes, start, count), context);
    case 'BYTE_STREAM_SPLIT':
      return plain(joinStreams(bytes, start, count, context), 0, count, context);
    default:
      throw new Error(`the encoding ${String(encoding)} is not supported`);
  }
}

function empty({ type, typeLength }: PageContext): PageValues {
  if (type === 'BYTE_ARRAY')
    return { kind: 'bytes', bytes: new Uint8Array(0), starts: new Int32Array(0), ends: new Int32Array(0) };
  return {
    kind: 'fixed',
    array: new (numberArrays[type] ?? Uint8Array)(0),
    width: type === 'FIXED_LEN_BYTE_ARRAY' ? (typeLength ?? 1) : 1,
  };
}

const numberArrays: Partial<Record<ParquetType, new (n: number) => NumberArray>> = {
  INT32: Int32Array,
  INT64: BigInt64Array,
  INT96: BigInt64Array,
  FLOAT: Float32Array,
  DOUBLE: Float64Array,
};

const physicalWidths = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 } as const;

function plain(bytes: Uint8Array, start: number, count: number, context: PageContext): PageValues {
  const { type } = context;
  const remaining = bytes.length - start;
  if (count === 0) return empty(context);
  if (type === 'BYTE_ARRAY') return plainByteArrays(bytes, start, count);
  if (type === 'BOOLEAN') {
    if (Math.ceil(count / 8) > remaining) throw new Error(`${count} booleans in ${remaining} bytes`);
    const array = new Uint8Array(count);
    for (let i = 0; i < count; i++) array[i] = (bytes[start + (i >> 3)]! >> (i & 7)) & 1;
    return { kind: 'fixed', array, width: 1 };
  }
  const width = type === 'FIXED_LEN_BYTE_ARRAY' ? (context.typeLength ?? 0) : physicalWidths[type];
  if (!(width > 0)) throw new Error(`values of type ${String(type)} and length ${width}`);
  if (count * width > remaining) throw new Error(`${count} values of ${width} bytes in ${remaining} bytes`);
  if (type === 'FIXED_LEN_BYTE_ARRAY')
    return { kind: 'fixed', array: bytes.slice(start, start + count * width), width };
  if (type === 'INT96') return { kind: 'fixed', array: nanoseconds(bytes, start, count), width: 1 };
  // Copied, so that the values are aligned and the page can be freed.
  const copy = bytes.slice(start, start + count * width).buffer;
  const array = new (
    numberArrays[type] as unknown as new (
      b: ArrayBufferLike,
      at: number,
      n: number,
    ) => NumberArray
  )(copy, 0, count);
  return { kind: 'fixed', array, width: 1 };
}

function plainByteArrays(bytes: Uint8Array, start: number, count: number): ByteValues {
  if (count * 4 > bytes.length - start)
    throw new Error(`${count} byte arrays in ${bytes.length - start} bytes`);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw new Error(`the page ends before value ${i} of ${count}`);
    const length = bytes[at]! + bytes[at + 1]! * 256 + bytes[at + 2]! * 65536 + bytes[at + 3]! * 16777216;
    at += 4;
    if (length > bytes.length - at)
      throw new Error(`value ${i} has ${length} bytes, ${bytes.length - at} remain`);
    starts[i] = at;
    at += length;
    ends[i] = at;
  }
  return { kind: 'bytes', bytes, starts, ends };
}

/** INT96: nanoseconds of the day (8 bytes) and Julian day (4 bytes) to nanoseconds since 1970. */
function nanoseconds(bytes: Uint8Array, start: number, count: number): BigInt64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * 12);
  const array = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const days = BigInt(view.getUint32(i * 12 + 8, true)) - 2440588n;
    const value = days * 86_400_000_000_000n + view.getBigInt64(i * 12, true);
    if (BigInt.asIntN(64, value) !== value)
      throw new Error('an INT96 time outside the years 1677 to 2262, which nanoseconds cannot hold');
    array[i] = value;
  }
  return array;
}

function lookUp(dictionary: PageValues, indices: Int32Array): PageValues {
  const size =
    dictionary.kind === 'bytes' ? dictionary.starts.length : dictionary.array.length / dictionary.width;
  for (const index of indices) {
    if (index < 0 || index >= size) throw new Error(`dictionary index ${index} of a dictionary of ${size}`);
  }
  if (dictionary.kind === 'bytes') {
    const starts = new Int32Array(indices.length);
    const ends = new Int32Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      starts[i] = dictionary.starts[indices[i]!]!;
      ends[i] = dictionary.ends[indices[i]!]!;
    }
    return { kind: 'bytes', bytes: dictionary.bytes, starts, ends };
  }
  const { width } = dictionary;
  const from = dictionary.array as { length: number; [i: number]: unknown };
  const array = new (dictionary.array.constructor as new (n: number) => NumberArray)(indices.length * width);
  const to = array as { [i: number]: unknown };
  for (let i = 0; i < indices.length; i++) {
    for (let j = 0; j < width; j++) to[i * width + j] = from[indices[i]! * width + j];
  }
  return { kind: 'fixed', array, width };
}

/** Byte arrays of one length, for columns whose type says so. */
function toFixed(values: ByteValues, { type, typeLength }: PageContext): PageValues {
  if (type === 'BYTE_ARRAY') return values;
  const width = typeLength ?? 0;
  if (type !== 'FIXED_LEN_BYTE_ARRAY' || width <= 0) throw new Error(`encoding DELTA_BYTE_ARRAY for ${type}`);
  const array = new Uint8Array(values.starts.length * width);
  for (let i = 0; i < values.starts.length; i++) {
    if (values.ends[i]! - values.starts[i]! !== width)
      throw new Error(`value ${i} does not have ${width} bytes`);
    array.set(values.bytes.subarray(values.starts[i]!, values.ends[i]!), i * width);
  }
  return { kind: 'fixed', array, width };
}

/** Undoes BYTE_STREAM_SPLIT: byte b of value i lies at `b * count + i`. */
function joinStreams(
  bytes: Uint8Array,
  start: number,
  count: number,
  { type, typeLength }: PageContext,
): Uint8Array {
  const width =
    type === 'FIXED_LEN_BYTE_ARRAY'
      ? (typeLength ?? 0)
      : type === 'BYTE_ARRAY' || type === 'BOOLEAN'
        ? 0
        : physicalWidths[type];
  if (width <= 0) throw new Error(`encoding BYTE_STREAM_SPLIT for ${type}`);
  if (count * width > bytes.length - start)
    throw new Error(`${count} values of ${width} bytes in ${bytes.length - start} bytes`);
  const out = new Uint8Array(count * width);
  for (let b = 0; b < width; b++)
    for (let i = 0; i < count; i++) out[i * width + b] = bytes[start + b * count + i]!;
  return out;
}
