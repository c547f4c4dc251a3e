/**
 * The schema of an Arrow file as a tree that the reader walks: per field its layout in the body and the Arrow type it is handed on as.
 *
 * Types that hold the same values in another layout are handed on in the common one: large strings, lists and views as plain ones,
 * dictionaries as their values. Not read, and said so: run-end encoding, list views, 32- and 64-bit decimals, big-endian files.
 * Source: Apache Arrow columnar format 1.5, `format/Schema.fbs`.
 */
import {
  Binary,
  Bool,
  type DataType,
  Date_,
  Decimal,
  DenseUnion,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  Interval,
  List,
  Map_,
  Null,
  SparseUnion,
  Struct,
  Time,
  Timestamp,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import type { FlatTable } from './flatbuffer.ts';

const maxDepth = 64;
const maxFields = 100_000;

/** How the values of a field lie in a body. `fixed`: `width` bytes a value. */
export type ArrowLayout =
  | { kind: 'null' }
  | { kind: 'bool' }
  | { kind: 'fixed'; width: number }
  | { kind: 'bytes'; large: boolean }
  | { kind: 'view' }
  | { kind: 'list'; large: boolean }
  | { kind: 'fixed-list'; size: number }
  | { kind: 'struct' }
  | { kind: 'union'; dense: boolean; typeIds: readonly number[] };

export interface ArrowNode {
  name: string;
  /** Of the values; with a dictionary, of the dictionary's values. */
  layout: ArrowLayout;
  children: ArrowNode[];
  /** As handed on. */
  field: Field;
  /** Values lie in a dictionary, and the body holds indices of this width. */
  dictionary: { id: number; width: number; signed: boolean } | undefined;
}

export interface ArrowSchema {
  nodes: ArrowNode[];
  metadata: Map<string, string>;
  /** The value layout of each dictionary. */
  dictionaries: Map<number, ArrowNode>;
}

export function arrowSchemaOf(table: FlatTable): ArrowSchema {
  if (table.int16(0) !== 0) throw new Error('its numbers are big-endian, which is not supported');
  const state = { fields: 0, dictionaries: new Map<number, ArrowNode>() };
  const nodes = table.tables(1).map((field) => nodeOf(field, 0, state));
  return { nodes, metadata: metadataOf(table, 2), dictionaries: state.dictionaries };
}

function metadataOf(table: FlatTable, slot: number): Map<string, string> {
  return new Map(table.tables(slot).map((pair) => [pair.string(0) ?? '', pair.string(1) ?? '']));
}

function nodeOf(
  table: FlatTable,
  depth: number,
  state: { fields: number; dictionaries: Map<number, ArrowNode> },
): ArrowNode {
  if (depth > maxDepth) throw new Error(`its columns are nested deeper than ${maxDepth} levels`);
  if (++state.fields > maxFields) throw new Error(`it has more than ${maxFields} fields`);
  const name = table.string(0) ?? '';
  const children = table.tables(5).map((child) => nodeOf(child, depth + 1, state));
  const { type, layout } = typeOf(name, table, children);
  const encoding = table.table(4);
  // Parquet and JSON inputs have no nulls the schema forbids; here the schema is only believed when it allows them.
  const field = new Field(name, type, table.bool(1), metadataOf(table, 6));
  const node: ArrowNode = { name, layout, children, field, dictionary: undefined };
  if (encoding === undefined) return node;
  const id = encoding.int64(0);
  const index = encoding.table(1);
  const width = (index?.int32(0) ?? 32) / 8;
  if (![1, 2, 4, 8].includes(width))
    throw new Error(`the column "${name}" has dictionary indices of ${width} bytes`);
  state.dictionaries.set(id, node);
  return { ...node, dictionary: { id, width, signed: index?.bool(1) ?? true } };
}

function typeOf(
  name: string,
  table: FlatTable,
  children: readonly ArrowNode[],
): { type: DataType; layout: ArrowLayout } {
  const kind = table.uint8(2);
  const type = table.table(3);
  if (type === undefined) throw new Error(`the column "${name}" has no type`);
  const refuse = (what: string): never => {
    throw new Error(`the column "${name}" ${what}`);
  };
  const only = (): ArrowNode =>
    children.length === 1 ? children[0]! : refuse(`is a list and has ${children.length} children`);
  const fixed = (arrow: DataType, width: number) => ({
    type: arrow,
    layout: { kind: 'fixed', width } as const,
  });
  const unit = (slot: number, otherwise: number): number => {
    const value = type.int16(slot, otherwise);
    return value >= 0 && value <= 3 ? value : refuse(`has the time unit ${value}`);
  };
  switch (kind) {
    case 1:
      return { type: new Null(), layout: { kind: 'null' } };
    case 2: {
      const width = type.int32(0);
      const made = (type.bool(1) ? signed : unsigned)[width];
      return made === undefined ? refuse(`holds integers of ${width} bits`) : fixed(made(), width / 8);
    }
    case 3: {
      const made = [() => new Float16(), () => new Float32(), () => new Float64()][type.int16(0)];
      return made === undefined
        ? refuse('holds floats of unknown precision')
        : fixed(made(), 2 << type.int16(0));
    }
    case 4:
    case 19:
      return { type: new Binary(), layout: { kind: 'bytes', large: kind === 19 } };
    case 5:
    case 20:
      return { type: new Utf8(), layout: { kind: 'bytes', large: kind === 20 } };
    case 6:
      return { type: new Bool(), layout: { kind: 'bool' } };
    case 7: {
      const [precision, scale, width] = [type.int32(0), type.int32(1), type.int32(2, 128)];
      if (width !== 128 && width !== 256) refuse(`holds decimals of ${width} bits, which are not supported`);
      if (precision < 1 || precision > 76) refuse(`holds decimals of ${precision} digits`);
      return fixed(new Decimal(scale, precision, width), width / 8);
    }
    case 8: {
      const day = type.int16(0, 1) === 0;
      return fixed(new Date_(day ? 0 : 1), day ? 4 : 8);
    }
    case 9: {
      const width = type.int32(1, 32);
      if (width !== 32 && width !== 64) refuse(`holds times of ${width} bits`);
      const of = unit(0, 1);
      if (width !== (of < 2 ? 32 : 64)) refuse(`holds times of ${width} bits in unit ${of}`);
      return fixed(new Time(of, width as 32), width / 8);
    }
    case 10:
      return fixed(new Timestamp(unit(0, 0), type.string(1) ?? null), 8);
    case 11: {
      const width = [4, 8, 16][type.int16(0)];
      return width === undefined
        ? refuse('holds intervals of unknown kind')
        : fixed(new Interval(type.int16(0)), width);
    }
    case 12:
    case 21:
      return { type: new List(only().field), layout: { kind: 'list', large: kind === 21 } };
    case 13:
      return { type: new Struct(children.map((child) => child.field)), layout: { kind: 'struct' } };
    case 14:
      return unionType(name, type, children);
    case 15: {
      const width = type.int32(0);
      if (width < 0 || width > 1 << 24) refuse(`holds values of ${width} bytes`);
      return fixed(new FixedSizeBinary(width), width);
    }
    case 16: {
      const size = type.int32(0);
      if (size < 0 || size > 1 << 24) refuse(`holds lists of ${size} values`);
      return { type: new FixedSizeList(size, only().field), layout: { kind: 'fixed-list', size } };
    }
    case 17: {
      const entries = only();
      if (
        entries.layout.kind !== 'struct' ||
        entries.children.length !== 2 ||
        entries.dictionary !== undefined
      )
        refuse('is a map whose entries are not pairs');
      return { type: new Map_(entries.field as never, type.bool(0)), layout: { kind: 'list', large: false } };
    }
    case 18:
      return fixed(new Duration(unit(0, 1)), 8);
    case 23:
      return { type: new Binary(), layout: { kind: 'view' } };
    case 24:
      return { type: new Utf8(), layout: { kind: 'view' } };
    default:
      return refuse(`has the Arrow type ${unsupported[kind] ?? `number ${kind}`}, which is not supported`);
  }
}

const unsupported: Record<number, string> = { 22: 'RunEndEncoded', 25: 'ListView', 26: 'LargeListView' };
const signed: Record<number, () => DataType> = {
  8: () => new Int8(),
  16: () => new Int16(),
  32: () => new Int32(),
  64: () => new Int64(),
};
const unsigned: Record<number, () => DataType> = {
  8: () => new Uint8(),
  16: () => new Uint16(),
  32: () => new Uint32(),
  64: () => new Uint64(),
};

function unionType(
  name: string,
  type: FlatTable,
  children: readonly ArrowNode[],
): { type: DataType; layout: ArrowLayout } {
  const dense = type.int16(0) === 1;
  const given = type.int32s(1);
  const typeIds = given.length > 0 ? given : children.map((_, i) => i);
  if (typeIds.length !== children.length || typeIds.some((id) => id < 0 || id > 127))
    throw new Error(
      `the column "${name}" is a union of ${children.length} types with ${typeIds.length} type numbers`,
    );
  const fields = children.map((child) => child.field);
  return {
    type: dense ? new DenseUnion(typeIds, fields) : new SparseUnion(typeIds, fields),
    layout: { kind: 'union', dense, typeIds },
  };
}
