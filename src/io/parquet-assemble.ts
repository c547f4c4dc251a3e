/**
 * Arrow data from Parquet levels and values: the Dremel record assembly, straight into offsets, bitmaps and value buffers.
 *
 * Each level of nesting is one pass over the levels of one leaf below it. A slot of a node exists where the definition level reaches the
 * innermost list element around it; it is valid where the level reaches the node's own. Nothing becomes a JavaScript object, so 64-bit,
 * decimal and null values, duplicate map keys and empty lists survive exactly.
 * Source: Melnik et al., "Dremel" (2010), section 4.2; the Arrow columnar format.
 */
import { Data, DataType } from 'apache-arrow';
import type { ByteValues, FixedValues, PageValues } from './parquet-page.ts';
import type { ColumnNode, LeafNode, ListNode, StructNode } from './parquet-schema.ts';

/** What one leaf contributes to a batch: its levels, and its values as pieces of pages. */
export interface LeafLevels {
  levels: number;
  /** Absent when no level is below the maximum anywhere or the maximum is 0. */
  definition: Uint8Array | undefined;
  repetition: Uint8Array | undefined;
  maxDefinition: number;
  pieces: { values: PageValues; start: number; end: number }[];
}

/** Arrow data of one top-level column from the levels of its leaves. */
export function assembleColumn(node: ColumnNode, leaves: ReadonlyMap<LeafNode, LeafLevels>): Data {
  return assemble(node, 0, 0, leaves);
}

function assemble(
  node: ColumnNode,
  slotLevel: number,
  repetition: number,
  leaves: ReadonlyMap<LeafNode, LeafLevels>,
): Data {
  if (node.kind === 'leaf') return assembleLeaf(node, slotLevel, leaves.get(node)!);
  return node.kind === 'struct'
    ? assembleStruct(node, slotLevel, repetition, leaves)
    : assembleList(node, slotLevel, repetition, leaves);
}

function firstLeaf(node: ColumnNode): LeafNode {
  if (node.kind === 'leaf') return node;
  return firstLeaf(node.kind === 'list' ? node.child : node.children[0]!);
}

/** Bits appended one after the other. */
class Bits {
  bytes: Uint8Array;
  length = 0;
  zeros = 0;
  constructor(capacity: number) {
    this.bytes = new Uint8Array((capacity + 7) >> 3);
  }
  push(set: boolean): void {
    if (set) this.bytes[this.length >> 3]! |= 1 << (this.length & 7);
    else this.zeros++;
    this.length++;
  }
  /** The bitmap, or nothing when all bits are set. */
  finish(): Uint8Array | undefined {
    return this.zeros === 0 ? undefined : this.bytes.slice(0, (this.length + 7) >> 3);
  }
}

function assembleStruct(
  node: StructNode,
  slotLevel: number,
  repetition: number,
  leaves: ReadonlyMap<LeafNode, LeafLevels>,
): Data {
  const { levels, definition, repetition: reps } = leaves.get(firstLeaf(node))!;
  const valid = new Bits(levels);
  for (let i = 0; i < levels; i++) {
    if (reps !== undefined && reps[i]! > repetition) continue;
    const def = definition === undefined ? Number.POSITIVE_INFINITY : definition[i]!;
    if (def < slotLevel) continue;
    valid.push(def >= node.definition);
  }
  const children = node.children.map((child) => assemble(child, slotLevel, repetition, leaves));
  for (const child of children) {
    if (child.length !== valid.length)
      throw new Error(
        `the parts of "${node.path.join('.')}" differ in length: ${child.length} and ${valid.length}`,
      );
  }
  return new Data(
    node.field.type,
    0,
    valid.length,
    valid.zeros,
    [undefined, undefined, valid.finish()] as never,
    children,
  );
}

function assembleList(
  node: ListNode,
  slotLevel: number,
  repetition: number,
  leaves: ReadonlyMap<LeafNode, LeafLevels>,
): Data {
  const { levels, definition, repetition: reps } = leaves.get(firstLeaf(node))!;
  const valid = new Bits(levels);
  const offsets = new Int32Array(levels + 1);
  let elements = 0;
  for (let i = 0; i < levels; i++) {
    const rep = reps === undefined ? 0 : reps[i]!;
    if (rep > node.repetition) continue;
    const def = definition === undefined ? Number.POSITIVE_INFINITY : definition[i]!;
    if (def < slotLevel) continue;
    if (rep <= repetition) {
      offsets[valid.length] = elements;
      valid.push(def >= node.definition);
    }
    if (def >= node.elementDefinition) elements++;
  }
  offsets[valid.length] = elements;
  const child = assemble(node.child, node.elementDefinition, node.repetition, leaves);
  if (child.length !== elements)
    throw new Error(`"${node.path.join('.')}" has ${child.length} elements where ${elements} are expected`);
  return new Data(
    node.field.type,
    0,
    valid.length,
    valid.zeros,
    [offsets.slice(0, valid.length + 1), undefined, valid.finish()] as never,
    [child],
  );
}

function assembleLeaf(node: LeafNode, slotLevel: number, leaf: LeafLevels): Data {
  const { type } = node.field;
  let count = leaf.levels;
  let bitmap: Uint8Array | undefined;
  let nulls = 0;
  if (leaf.definition !== undefined) {
    const bits = new Bits(leaf.levels);
    for (const def of leaf.definition) if (def >= slotLevel) bits.push(def === leaf.maxDefinition);
    count = bits.length;
    nulls = bits.zeros;
    bitmap = bits.finish();
  }
  const values = leaf.pieces.reduce((n, piece) => n + piece.end - piece.start, 0);
  if (values !== count - nulls)
    throw new Error(`"${node.path.join('.')}" has ${values} values where ${count - nulls} are expected`);
  if (DataType.isNull(type)) return new Data(type, 0, count, count);
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return variableLeaf(type, leaf, count, nulls, bitmap);
  const write = fixedWriter(type, count);
  let slot = 0;
  for (const piece of leaf.pieces) {
    for (let i = piece.start; i < piece.end; i++) {
      if (bitmap !== undefined) while (((bitmap[slot >> 3]! >> (slot & 7)) & 1) === 0) slot++;
      write.put(piece.values, i, slot++);
    }
  }
  return new Data(type, 0, count, nulls, [undefined, write.out, bitmap] as never);
}

function variableLeaf(
  type: DataType,
  leaf: LeafLevels,
  count: number,
  nulls: number,
  bitmap: Uint8Array | undefined,
): Data {
  const offsets = new Int32Array(count + 1);
  let total = 0;
  for (const { values, start, end } of leaf.pieces) {
    const { starts, ends } = values as ByteValues;
    for (let i = start; i < end; i++) total += ends[i]! - starts[i]!;
  }
  if (total > 0x7fffffff) throw new Error(`${total} bytes in one column of a batch; the limit is 2 GiB`);
  // Not cleared first, since every byte is written.
  const out = new Uint8Array(Buffer.allocUnsafeSlow(total).buffer, 0, total);
  let at = 0;
  let slot = 0;
  for (const { values, start, end } of leaf.pieces) {
    const { bytes, starts, ends } = values as ByteValues;
    for (let i = start; i < end; i++) {
      if (bitmap !== undefined) while (((bitmap[slot >> 3]! >> (slot & 7)) & 1) === 0) offsets[++slot] = at;
      const from = starts[i]!;
      const length = ends[i]! - from;
      if (length < 32) for (let j = 0; j < length; j++) out[at + j] = bytes[from + j]!;
      else out.set(bytes.subarray(from, from + length), at);
      at += length;
      offsets[++slot] = at;
    }
  }
  while (slot < count) offsets[++slot] = at;
  return new Data(type, 0, count, nulls, [offsets, out, bitmap] as never);
}

interface FixedWriter {
  out: unknown;
  put(values: PageValues, index: number, slot: number): void;
}

function fixedWriter(type: DataType, count: number): FixedWriter {
  if (DataType.isBool(type)) {
    const out = new Uint8Array((count + 7) >> 3);
    return {
      out,
      put: (values, i, slot) =>
        void ((values as FixedValues).array[i] && (out[slot >> 3]! |= 1 << (slot & 7))),
    };
  }
  if (DataType.isDecimal(type)) return decimalWriter(type.bitWidth / 32, count);
  if (DataType.isFixedSizeBinary(type)) {
    const width = type.byteWidth;
    const out = new Uint8Array(count * width);
    return {
      out,
      put: (values, i, slot) =>
        out.set(
          ((values as FixedValues).array as Uint8Array).subarray(i * width, (i + 1) * width),
          slot * width,
        ),
    };
  }
  if (DataType.isFloat(type) && type.precision === 0) {
    const out = new Uint16Array(count);
    const put = (values: PageValues, i: number, slot: number): void => {
      const bytes = (values as FixedValues).array as Uint8Array;
      out[slot] = bytes[i * 2]! | (bytes[i * 2 + 1]! << 8);
    };
    return { out, put };
  }
  const out = new (type.ArrayType as new (n: number) => { [i: number]: unknown })(count);
  return { out, put: (values, i, slot) => void (out[slot] = (values as FixedValues).array[i]) };
}

/** Decimals: any physical form to little-endian two's complement of `words` 32-bit words. */
function decimalWriter(words: number, count: number): FixedWriter {
  const out = new Uint32Array(count * words);
  const put = (values: PageValues, i: number, slot: number): void => {
    const at = slot * words;
    if (values.kind === 'fixed' && !(values.array instanceof Uint8Array)) {
      const value = BigInt(values.array[i] as number | bigint);
      const negative = value < 0n ? 0xffffffff : 0;
      out[at] = Number(BigInt.asUintN(32, value));
      out[at + 1] = Number(BigInt.asUintN(32, value >> 32n));
      out.fill(negative, at + 2, at + words);
      return;
    }
    const bytes = values.kind === 'bytes' ? values.bytes : (values.array as Uint8Array);
    const start = values.kind === 'bytes' ? values.starts[i]! : i * values.width;
    const end = values.kind === 'bytes' ? values.ends[i]! : start + values.width;
    const negative = start < end && bytes[start]! >= 0x80;
    if (end - start > words * 4) {
      // Wider than the type: fine as long as the surplus only repeats the sign.
      for (let b = start; b < end - words * 4; b++) {
        if (bytes[b] !== (negative ? 0xff : 0))
          throw new Error(`a decimal of ${end - start} bytes does not fit ${words * 32} bits`);
      }
    }
    out.fill(negative ? 0xffffffff : 0, at, at + words);
    for (let b = end - 1, k = 0; b >= start && k < words * 4; b--, k++) {
      const word = at + (k >> 2);
      const shift = (k & 3) * 8;
      out[word] = ((out[word]! & ~(0xff << shift)) | (bytes[b]! << shift)) >>> 0;
    }
  };
  return { out, put };
}
