/**
 * The schema of a Parquet file as a tree of columns with their Dremel levels and the Arrow type each becomes.
 *
 * Lists, maps and their legacy two-level forms follow the backward-compatibility rules of the Parquet format (LogicalTypes.md). What
 * Arrow has no type for (JSON, ENUM, BSON, UUID, INTERVAL, GEOMETRY, VARIANT) keeps its bytes and its annotation in the field's metadata,
 * from where parquet-write puts it back.
 */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  TimeMicrosecond,
  TimeMillisecond,
  TimeNanosecond,
  Timestamp,
  TimeUnit,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import type { SchemaElement } from 'hyparquet';

/** Field metadata key under which a Parquet annotation without an Arrow type travels. */
export const annotationKey = 'parquet.annotation';

const maxDepth = 64;
const maxElements = 50_000;

interface Common {
  name: string;
  /** Path from below the root to this element. */
  path: string[];
  nullable: boolean;
  /** A slot of this node holds a value when the definition level reaches this. */
  definition: number;
  field: Field;
}

export interface LeafNode extends Common {
  kind: 'leaf';
  element: SchemaElement;
  repetition: number;
}
export interface StructNode extends Common {
  kind: 'struct';
  children: ColumnNode[];
}
/** A list or map: elements exist from definition level `elementDefinition`; a new element of the same list has repetition level `repetition`. */
export interface ListNode extends Common {
  kind: 'list';
  elementDefinition: number;
  repetition: number;
  child: ColumnNode;
}
export type ColumnNode = LeafNode | StructNode | ListNode;

interface Tree {
  element: SchemaElement;
  path: string[];
  children: Tree[];
}

/** Columns of the file in order. Throws an `Error` on a schema that is not well formed. */
export function columnTree(elements: readonly SchemaElement[]): ColumnNode[] {
  if (elements.length === 0) throw new Error('the schema is empty');
  if (elements.length > maxElements)
    throw new Error(`the schema has ${elements.length} elements; the limit is ${maxElements}`);
  let at = 0;
  const build = (path: string[], depth: number): Tree => {
    if (depth > maxDepth) throw new Error(`the schema is nested deeper than ${maxDepth} levels`);
    const element = elements[at++];
    if (element === undefined) throw new Error('the schema ends before all children are named');
    const tree: Tree = { element, path, children: [] };
    const n = element.num_children ?? 0;
    if (n < 0 || n > elements.length)
      throw new Error(`the schema element "${element.name}" claims ${n} children`);
    for (let i = 0; i < n; i++) tree.children.push(build([...path, elements[at]?.name ?? ''], depth + 1));
    return tree;
  };
  const root = build([], 0);
  if (at !== elements.length)
    throw new Error(`the schema has ${elements.length - at} elements that belong to nothing`);
  return root.children.map((child) => node(child, 0, 0));
}

export function arrowSchema(columns: readonly ColumnNode[]): Schema {
  return new Schema(columns.map((column) => column.field));
}

/** Leaves in file order, which is the order of column chunks in a row group. */
export function leavesOf(node: ColumnNode): LeafNode[] {
  if (node.kind === 'leaf') return [node];
  return node.kind === 'list' ? leavesOf(node.child) : node.children.flatMap(leavesOf);
}

function node(tree: Tree, definition: number, repetition: number): ColumnNode {
  if (tree.element.repetition_type === 'REPEATED') return bareRepeated(tree, definition, repetition);
  const nullable = tree.element.repetition_type === 'OPTIONAL';
  const own = definition + (nullable ? 1 : 0);
  const common = { name: tree.element.name, path: tree.path, nullable, definition: own };
  const { converted_type: converted, logical_type: logical } = tree.element;
  if (tree.children.length === 0) {
    if (tree.element.type === undefined) {
      if (tree.element.num_children === 0)
        throw new Error(`the group "${tree.path.join('.')}" has no fields`);
      throw new Error(`the column "${tree.path.join('.')}" has no type`);
    }
    return leaf(tree, common, repetition);
  }
  const repeated = tree.children[0]!;
  if (tree.children.length === 1 && repeated.element.repetition_type === 'REPEATED') {
    if (converted === 'MAP' || converted === 'MAP_KEY_VALUE' || logical?.type === 'MAP') {
      return mapNode(tree, common, repetition);
    }
    if (converted === 'LIST' || logical?.type === 'LIST') return listNode(tree, common, repetition);
  }
  const children = tree.children.map((child) => node(child, own, repetition));
  return structNode(tree, common, children);
}

function structNode(
  tree: Tree,
  common: Omit<StructNode, 'kind' | 'children' | 'field'>,
  children: ColumnNode[],
): StructNode {
  const type = new Struct(children.map((child) => child.field));
  return {
    ...common,
    kind: 'struct',
    children,
    field: new Field(common.name, type, common.nullable, annotation(tree.element)),
  };
}

/** A repeated field outside a LIST group: a required list of required elements. */
function bareRepeated(tree: Tree, definition: number, repetition: number): ListNode {
  const child = elementOf(tree, definition + 1, repetition + 1);
  const field = new Field(tree.element.name, new List(child.field), false);
  const common = { name: tree.element.name, path: tree.path, nullable: false, definition };
  return {
    ...common,
    kind: 'list',
    elementDefinition: definition + 1,
    repetition: repetition + 1,
    child,
    field,
  };
}

/** The repeated element read as a required value of its own. */
function elementOf(tree: Tree, definition: number, repetition: number): ColumnNode {
  return node({ ...tree, element: { ...tree.element, repetition_type: 'REQUIRED' } }, definition, repetition);
}

function listNode(
  tree: Tree,
  common: Omit<ListNode, 'kind' | 'child' | 'field' | 'elementDefinition' | 'repetition'>,
  repetition: number,
): ListNode {
  const repeated = tree.children[0]!;
  const { name } = repeated.element;
  const twoLevel =
    repeated.children.length !== 1 ||
    repeated.children[0]!.element.repetition_type === 'REPEATED' ||
    name === 'array' ||
    name === `${tree.element.name}_tuple`;
  const elementDefinition = common.definition + 1;
  const child = twoLevel
    ? elementOf(repeated, elementDefinition, repetition + 1)
    : node(repeated.children[0]!, elementDefinition, repetition + 1);
  const field = new Field(common.name, new List(renamed(child.field, 'element')), common.nullable);
  return { ...common, kind: 'list', elementDefinition, repetition: repetition + 1, child, field };
}

function mapNode(
  tree: Tree,
  common: Omit<ListNode, 'kind' | 'child' | 'field' | 'elementDefinition' | 'repetition'>,
  repetition: number,
): ListNode {
  const entries = tree.children[0]!;
  const elementDefinition = common.definition + 1;
  if (entries.children.length === 0 || entries.children.length > 2) return listNode(tree, common, repetition);
  const children = entries.children.map((child) => node(child, elementDefinition, repetition + 1));
  const entryCommon = {
    name: entries.element.name,
    path: entries.path,
    nullable: false,
    definition: elementDefinition,
  };
  const isMap = children.length === 2;
  const fields = isMap
    ? [renamed(children[0]!.field, 'key'), renamed(children[1]!.field, 'value')]
    : children.map((c) => c.field);
  const entryField = new Field(isMap ? 'key_value' : entries.element.name, new Struct(fields), false);
  const child: StructNode = { ...entryCommon, kind: 'struct', children, field: entryField };
  const type = isMap
    ? new Map_(entryField as Field<Struct<{ key: DataType; value: DataType }>>)
    : new List(entryField);
  const field = new Field(common.name, type, common.nullable);
  return { ...common, kind: 'list', elementDefinition, repetition: repetition + 1, child, field };
}

function renamed(field: Field, name: string): Field {
  return field.name === name ? field : new Field(name, field.type, field.nullable, field.metadata);
}

function leaf(
  tree: Tree,
  common: Omit<LeafNode, 'kind' | 'element' | 'repetition' | 'field'>,
  repetition: number,
): LeafNode {
  const type = arrowType(tree.element);
  const field = new Field(common.name, type, common.nullable, annotation(tree.element));
  return { ...common, kind: 'leaf', element: tree.element, repetition, field };
}

/** Annotations that the Arrow type alone would lose. */
function annotation(element: SchemaElement): Map<string, string> | undefined {
  const logical = element.logical_type?.type;
  const converted = element.converted_type;
  const kept = ['JSON', 'ENUM', 'BSON', 'UUID', 'INTERVAL', 'VARIANT'];
  const found = kept.find((name) => logical === name || converted === name);
  if (found !== undefined) return new Map([[annotationKey, JSON.stringify({ type: found })]]);
  if (logical === 'GEOMETRY' || logical === 'GEOGRAPHY')
    return new Map([[annotationKey, JSON.stringify(element.logical_type)]]);
  return undefined;
}

/** The Arrow type of a Parquet leaf. Throws for what cannot be represented. */
export function arrowType(element: SchemaElement): DataType {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'NULL') return new Null();
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') return decimalType(element);
  switch (type) {
    case 'BOOLEAN':
      return new Bool();
    case 'INT32':
      return int32Type(element);
    case 'INT64':
      return int64Type(element);
    case 'INT96':
      return new Timestamp(TimeUnit.NANOSECOND);
    case 'FLOAT':
      return new Float32();
    case 'DOUBLE':
      return new Float64();
    case 'BYTE_ARRAY': {
      const text = converted === 'UTF8' || converted === 'JSON' || converted === 'ENUM';
      return text || logical?.type === 'STRING' || logical?.type === 'JSON' || logical?.type === 'ENUM'
        ? new Utf8()
        : new Binary();
    }
    case 'FIXED_LEN_BYTE_ARRAY': {
      const width = element.type_length;
      if (width === undefined || width <= 0 || width > 1 << 24)
        throw new Error(`the column "${element.name}" has fixed length ${width}`);
      if (logical?.type === 'FLOAT16' && width === 2) return new Float16();
      return new FixedSizeBinary(width);
    }
    default:
      throw new Error(`the column "${element.name}" has the unknown type ${String(type)}`);
  }
}

function int32Type({ converted_type: converted, logical_type: logical }: SchemaElement): DataType {
  const integer = logical?.type === 'INTEGER' ? logical : undefined;
  const signed = integer?.isSigned ?? !converted?.startsWith('UINT');
  const width = integer?.bitWidth ?? Number(/^U?INT_(8|16|32)$/.exec(converted ?? '')?.[1] ?? 32);
  if (converted === 'DATE' || logical?.type === 'DATE') return new DateDay();
  if (converted === 'TIME_MILLIS' || logical?.type === 'TIME') return new TimeMillisecond();
  if (width === 8) return signed ? new Int8() : new Uint8();
  if (width === 16) return signed ? new Int16() : new Uint16();
  return signed ? new Int32() : new Uint32();
}

function int64Type({ converted_type: converted, logical_type: logical }: SchemaElement): DataType {
  if (logical?.type === 'TIMESTAMP')
    return new Timestamp(timeUnits[logical.unit], logical.isAdjustedToUTC ? 'UTC' : null);
  if (converted === 'TIMESTAMP_MILLIS') return new Timestamp(TimeUnit.MILLISECOND, 'UTC');
  if (converted === 'TIMESTAMP_MICROS') return new Timestamp(TimeUnit.MICROSECOND, 'UTC');
  if (converted === 'TIME_MICROS') return new TimeMicrosecond();
  if (logical?.type === 'TIME')
    return logical.unit === 'NANOS' ? new TimeNanosecond() : new TimeMicrosecond();
  const unsigned = converted === 'UINT_64' || (logical?.type === 'INTEGER' && !logical.isSigned);
  return unsigned ? new Uint64() : new Int64();
}

const timeUnits = {
  MILLIS: TimeUnit.MILLISECOND,
  MICROS: TimeUnit.MICROSECOND,
  NANOS: TimeUnit.NANOSECOND,
} as const;

function decimalType(element: SchemaElement): DataType {
  const logical = element.logical_type?.type === 'DECIMAL' ? element.logical_type : undefined;
  const precision = logical?.precision ?? element.precision ?? 0;
  const scale = logical?.scale ?? element.scale ?? 0;
  if (precision < 1 || precision > 76 || scale < 0 || scale > precision) {
    throw new Error(`the column "${element.name}" is a decimal of precision ${precision} and scale ${scale}`);
  }
  return new Decimal(scale, precision, precision > 38 ? 256 : 128);
}
