/**
 * A range of rows of one record batch as Arrow data with buffers of its own or views of the body: every offset, index and type number
 * that the data holds is checked here, so that nothing behind can read outside a buffer.
 */
import { Data, DataType } from 'apache-arrow';
import { gatherData, usedBytes } from '../core/gather.ts';
import type { ArrowBody, BoundColumn, BufferRegion } from './arrow-body.ts';
import { WindowTooLarge } from './arrow-body.ts';

/** The values of the dictionaries in force, by id. */
export type Dictionaries = ReadonlyMap<number, Data>;

/** Rows `[start, start + n)` of a column. */
export async function readWindow(
  body: ArrowBody,
  column: BoundColumn,
  start: number,
  n: number,
  dictionaries: Dictionaries,
): Promise<Data> {
  const { node, path, buffers, children } = column;
  const type = node.field.type as DataType;
  if (start + n > column.rows)
    throw new Error(`column "${path}" has ${column.rows} values, and ${start + n} are needed`);
  const [bitmap, nulls] = await validityOf(body, column, start, n);
  const build = (
    parts: { offsets?: Int32Array; values?: unknown; typeIds?: Int8Array },
    inner: Data[] = [],
  ): Data =>
    new Data(type, 0, n, nulls, [parts.offsets, parts.values, bitmap, parts.typeIds] as never, inner);
  const child = (i: number, from: number, count: number): Promise<Data> =>
    readWindow(body, children[i]!, from, count, dictionaries);
  if (node.dictionary !== undefined)
    return dictionaryWindow(body, column, start, n, bitmap, nulls, dictionaries);
  const { layout } = node;
  switch (layout.kind) {
    case 'null':
      return new Data(type, 0, n, n);
    case 'bool':
      return build({ values: await bits(body, buffers[0]!, start, n, path) });
    case 'fixed': {
      const bytes = await body.bytes(buffers[0]!, start * layout.width, (start + n) * layout.width, path);
      return build({ values: typed(bytes, type.ArrayType as TypedArrayOf) });
    }
    case 'bytes': {
      const { offsets, first, last } = await offsetsOf(body, buffers[0]!, layout.large, start, n, path);
      return build({ offsets, values: await body.bytes(buffers[1]!, first, last, path) });
    }
    case 'view':
      return build(await viewWindow(body, column, start, n, bitmap));
    case 'list': {
      const { offsets, first, last } = await offsetsOf(body, buffers[0]!, layout.large, start, n, path);
      return build({ offsets }, [await child(0, first, last - first)]);
    }
    case 'fixed-list':
      return build({}, [await child(0, start * layout.size, n * layout.size)]);
    case 'struct': {
      const inner: Data[] = [];
      for (let i = 0; i < children.length; i++) inner.push(await child(i, start, n));
      return build({}, inner);
    }
    case 'union': {
      const typeIds = Int8Array.from(await body.bytes(buffers[0]!, start, start + n, path));
      for (const id of typeIds)
        if (!layout.typeIds.includes(id)) throw new Error(`column "${path}" holds the type number ${id}`);
      if (layout.dense) return denseUnion(body, column, start, n, typeIds, dictionaries);
      const inner: Data[] = [];
      for (let i = 0; i < children.length; i++) inner.push(await child(i, start, n));
      return new Data(type, 0, n, 0, [undefined, undefined, undefined, typeIds] as never, inner);
    }
  }
}

type TypedArrayOf = {
  new (buffer: ArrayBufferLike, at: number, n: number): unknown;
  BYTES_PER_ELEMENT: number;
};

/** A view where the bytes lie right for the type, else a copy. */
function typed(bytes: Uint8Array, of: TypedArrayOf): unknown {
  const width = of.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new of(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
}

async function validityOf(
  body: ArrowBody,
  { node, validity, path, rows }: BoundColumn,
  start: number,
  n: number,
): Promise<[Uint8Array | undefined, number]> {
  if (node.layout.kind === 'null' && node.dictionary === undefined) return [undefined, n];
  // An absent buffer means that nothing is null, whatever the count in the metadata says.
  if (validity === undefined || validity.length === 0 || rows === 0 || n === 0) return [undefined, 0];
  const bitmap = await bits(body, validity, start, n, path);
  let valid = 0;
  for (let i = 0; i < bitmap.length; i++) valid += ones[bitmap[i]!]!;
  return valid === n ? [undefined, 0] : [bitmap, n - valid];
}

const ones = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** Bits `[start, start + n)` moved to the front; those behind are 0. */
async function bits(
  body: ArrowBody,
  region: BufferRegion,
  start: number,
  n: number,
  path: string,
): Promise<Uint8Array> {
  const from = Math.floor(start / 8);
  const bytes = await body.bytes(region, from, Math.ceil((start + n) / 8), path);
  const shift = start % 8;
  const out = new Uint8Array((n + 7) >> 3);
  if (shift === 0) out.set(bytes.subarray(0, out.length));
  else
    for (let i = 0; i < out.length; i++) out[i] = (bytes[i]! >> shift) | ((bytes[i + 1] ?? 0) << (8 - shift));
  if (n % 8 !== 0) out[out.length - 1]! &= (1 << (n % 8)) - 1;
  return out;
}

/** Offsets of `n` values counted from the first, and where in the child or the bytes they begin and end. */
async function offsetsOf(
  body: ArrowBody,
  region: BufferRegion,
  large: boolean,
  start: number,
  n: number,
  path: string,
): Promise<{ offsets: Int32Array; first: number; last: number }> {
  const offsets = new Int32Array(n + 1);
  // Writers may leave the offsets out where there are no values.
  if (n === 0) return { offsets, first: 0, last: 0 };
  const width = large ? 8 : 4;
  const bytes = await body.bytes(region, start * width, (start + n + 1) * width, path);
  const source = typed(bytes, Int32Array) as Int32Array;
  const at = (i: number): number =>
    large ? source[2 * i + 1]! * 4294967296 + (source[2 * i]! >>> 0) : source[i]!;
  const first = at(0);
  let last = first;
  if (first < 0) throw new Error(`column "${path}" has the offset ${first}`);
  for (let i = 1; i <= n; i++) {
    const next = at(i);
    if (next < last)
      throw new Error(`column "${path}" has the offset ${next} behind ${last}, at row ${start + i}`);
    last = next;
    if (last - first > 0x7fffffff) throw new WindowTooLarge(`column "${path}"`);
    offsets[i] = last - first;
  }
  return { offsets, first, last };
}

/** Strings and binary values as views: short ones inside the view, others anywhere in the data buffers. Copied into one buffer. */
async function viewWindow(
  body: ArrowBody,
  { buffers, path }: BoundColumn,
  start: number,
  n: number,
  bitmap: Uint8Array | undefined,
): Promise<{ offsets: Int32Array; values: Uint8Array }> {
  const views = await body.bytes(buffers[0]!, start * 16, (start + n) * 16, path);
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const offsets = new Int32Array(n + 1);
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (bitmap === undefined || (bitmap[i >> 3]! >> (i & 7)) & 1) {
      const length = view.getInt32(i * 16, true);
      if (length < 0) throw new Error(`column "${path}" has a value of ${length} bytes, at row ${start + i}`);
      total += length;
    }
    if (total > body.budget) throw new WindowTooLarge(`column "${path}"`);
    offsets[i + 1] = total;
  }
  body.budget -= total;
  const values = new Uint8Array(total);
  for (let i = 0; i < n; i++) {
    const length = offsets[i + 1]! - offsets[i]!;
    if (length === 0) continue;
    let from = i * 16 + 4;
    let source = views;
    if (length > 12) {
      const buffer = buffers[1 + view.getInt32(i * 16 + 8, true)];
      from = view.getInt32(i * 16 + 12, true);
      if (buffer === undefined || from < 0)
        throw new Error(`column "${path}" points outside its buffers, at row ${start + i}`);
      source = await body.bytes(buffer, from, from + length, path, true);
      from = 0;
    }
    values.set(source.subarray(from, from + length), offsets[i]!);
  }
  return { offsets, values };
}

/** Each child is read over the range of rows that the window points to. */
async function denseUnion(
  body: ArrowBody,
  { node, path, buffers, children }: BoundColumn,
  start: number,
  n: number,
  typeIds: Int8Array,
  dictionaries: Dictionaries,
): Promise<Data> {
  const layout = node.layout as Extract<typeof node.layout, { kind: 'union' }>;
  const bytes = await body.bytes(buffers[1]!, start * 4, (start + n) * 4, path);
  const offsets = Int32Array.from(typed(bytes, Int32Array) as Int32Array);
  const inner: Data[] = [];
  for (const [c, child] of children.entries()) {
    const id = layout.typeIds[c]!;
    let first = Number.POSITIVE_INFINITY;
    let last = -1;
    for (let i = 0; i < n; i++) {
      if (typeIds[i] !== id) continue;
      first = Math.min(first, offsets[i]!);
      last = Math.max(last, offsets[i]!);
    }
    if (last >= 0 && first < 0) throw new Error(`column "${path}" has the offset ${first}`);
    const from = last < 0 ? 0 : first;
    inner.push(await readWindow(body, child, from, last < 0 ? 0 : last + 1 - from, dictionaries));
    for (let i = 0; i < n; i++) if (typeIds[i] === id) offsets[i]! -= from;
  }
  return new Data(node.field.type, 0, n, 0, [offsets, undefined, undefined, typeIds] as never, inner);
}

async function dictionaryWindow(
  body: ArrowBody,
  { node, path, buffers }: BoundColumn,
  start: number,
  n: number,
  bitmap: Uint8Array | undefined,
  nulls: number,
  dictionaries: Dictionaries,
): Promise<Data> {
  const { id, width, signed } = node.dictionary!;
  const dictionary = dictionaries.get(id);
  if (dictionary === undefined)
    throw new Error(`column "${path}" needs dictionary ${id}, which has not come before it`);
  const bytes = await body.bytes(buffers[0]!, start * width, (start + n) * width, path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    if (bitmap !== undefined && !((bitmap[i >> 3]! >> (i & 7)) & 1)) continue;
    const index = indexAt(view, i * width, width, signed);
    if (!(index >= 0 && index < dictionary.length))
      throw new Error(
        `column "${path}" has index ${index} into a dictionary of ${dictionary.length}, at row ${start + i}`,
      );
    rows[i] = index;
  }
  if (dictionary.length === 0) return allNull(node.field.type as DataType, n);
  charge(body, dictionary, rows, path);
  const gathered = gatherData(dictionary, rows);
  if (nulls === 0) return gathered;
  if (gathered.typeIds)
    throw new Error(`column "${path}" is a dictionary of unions with nulls, which is not supported`);
  let count = 0;
  const both = new Uint8Array((n + 7) >> 3);
  for (let i = 0; i < n; i++) {
    if ((bitmap![i >> 3]! >> (i & 7)) & 1 && gathered.getValid(i)) both[i >> 3]! |= 1 << (i & 7);
    else count++;
  }
  const { valueOffsets, values, children } = gathered;
  return new Data(gathered.type, 0, n, count, [valueOffsets, values, both] as never, children);
}

function indexAt(view: DataView, at: number, width: number, signed: boolean): number {
  if (width === 1) return signed ? view.getInt8(at) : view.getUint8(at);
  if (width === 2) return signed ? view.getInt16(at, true) : view.getUint16(at, true);
  if (width === 4) return signed ? view.getInt32(at, true) : view.getUint32(at, true);
  return Number(signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
}

/** Writing dictionary values out can multiply them; the window pays for what it will hold. */
function charge(body: ArrowBody, dictionary: Data, rows: Int32Array, path: string): void {
  const costs = new Map<number, number>();
  let total = 0;
  for (const row of rows) {
    let cost = costs.get(row);
    if (cost === undefined) costs.set(row, (cost = usedBytes(dictionary.slice(row, 1))));
    total += cost;
  }
  body.budget -= total;
  if (body.budget < 0) throw new WindowTooLarge(`column "${path}"`);
}

/** `n` nulls of any type. */
function allNull(type: DataType, n: number): Data {
  const empty = new Data(type, 0, 0, 0);
  const children = (type as { children?: { type: DataType }[] }).children ?? [];
  const perRow = DataType.isStruct(type) ? 1 : DataType.isFixedSizeList(type) ? type.listSize : 0;
  const offsets = new (type.OffsetArrayType as new (n: number) => unknown)(n + 1);
  const values = new (type.ArrayType as new (n: number) => unknown)(n * empty.stride);
  const inner = children.map((child) => allNull(child.type, n * perRow));
  return new Data(type, 0, n, n, [offsets, values, new Uint8Array((n + 7) >> 3)] as never, inner);
}
