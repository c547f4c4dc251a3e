/**
 * Arrow schema to Parquet schema elements: what each column is called, how it nests, and which physical and logical type its leaves get.
 * Lists and maps take the standard three-level form; 64-bit, decimal, time and half-precision types keep their meaning. What Arrow could
 * not say (JSON, ENUM, UUID ...) comes back from the field's metadata (parquet-schema.ts).
 */
import { type DataType, type Field, DataType as Is, type Schema, TimeUnit } from 'apache-arrow';
import type { LogicalType, SchemaElement } from 'hyparquet';
import { UserError } from '../core/errors.ts';
import { annotationKey } from './parquet-schema.ts';

/** One leaf to be written: its place, its levels, and how values are handed to the encoder. */
export interface WriteLeaf {
  /** Names from the top-level column down. */
  path: string[];
  /** Elements from the root to the leaf, as the encoder counts levels from them. */
  schemaPath: SchemaElement[];
  /** The leaf's element with the annotations that the encoder itself should act on. */
  element: SchemaElement;
  statistics: boolean;
}

/** The elements of the whole file in depth-first order, and the leaves in the order of their column chunks. */
export function parquetElements(schema: Schema): { elements: SchemaElement[]; leaves: WriteLeaf[] } {
  const root: SchemaElement = { name: 'schema', num_children: schema.fields.length };
  const elements = [root];
  const leaves: WriteLeaf[] = [];
  for (const field of schema.fields) add(field, field.name, [], [root], elements, leaves);
  return { elements, leaves };
}

function add(
  field: Field,
  name: string,
  path: string[],
  above: SchemaElement[],
  elements: SchemaElement[],
  leaves: WriteLeaf[],
): void {
  const type = field.type as DataType;
  const here = [...path, name];
  const repetition_type = field.nullable || Is.isNull(type) ? 'OPTIONAL' : 'REQUIRED';
  const push = (element: SchemaElement): SchemaElement[] => {
    elements.push(element);
    return [...above, element];
  };
  if (Is.isList(type) || Is.isFixedSizeList(type) || (type as { typeId: number }).typeId === 21) {
    const outer = push({
      name,
      repetition_type,
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    });
    const middle: SchemaElement = { name: 'list', repetition_type: 'REPEATED', num_children: 1 };
    elements.push(middle);
    add(
      (type as { children: Field[] }).children[0]!,
      'element',
      [...here, 'list'],
      [...outer, middle],
      elements,
      leaves,
    );
    return;
  }
  if (Is.isMap(type)) {
    const outer = push({
      name,
      repetition_type,
      num_children: 1,
      converted_type: 'MAP',
      logical_type: { type: 'MAP' },
    });
    const middle: SchemaElement = { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 };
    elements.push(middle);
    const [key, value] = (type.children[0]!.type as { children: Field[] }).children;
    const inner = [...outer, middle];
    add(required(key!), 'key', [...here, 'key_value'], inner, elements, leaves);
    add(value!, 'value', [...here, 'key_value'], inner, elements, leaves);
    return;
  }
  if (Is.isStruct(type)) {
    const children = type.children as Field[];
    if (children.length === 0) throw unsupported(here, 'an object without fields');
    const note = annotationOf(field);
    const outer = push({
      name,
      repetition_type,
      num_children: children.length,
      ...(note === undefined ? {} : { logical_type: note }),
    });
    for (const child of children) add(child, child.name, here, outer, elements, leaves);
    return;
  }
  const physical = {
    name,
    repetition_type,
    ...leafElement(Is.isDictionary(type) ? type.dictionary : type, here),
  } as SchemaElement;
  const note = annotationOf(field);
  if (physical.logical_type?.type === 'FLOAT16') {
    // Handed over as its two bytes: through a number every NaN would become the same one.
    const element: SchemaElement = { name, repetition_type, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2 };
    leaves.push({ path: here, schemaPath: push(physical), element, statistics: false });
    return;
  }
  if (note === undefined) {
    leaves.push({ path: here, schemaPath: push(physical), element: physical, statistics: !Is.isNull(type) });
    return;
  }
  // The encoder would convert values of these types; it gets bytes and must leave them as they are, without bounds.
  const plain: SchemaElement = {
    name,
    repetition_type,
    type: physical.type!,
    ...(physical.type_length === undefined ? {} : { type_length: physical.type_length }),
  };
  const { type: noteType } = note;
  const converted =
    noteType === 'JSON' || noteType === 'ENUM' || noteType === 'BSON' || noteType === 'INTERVAL'
      ? { converted_type: noteType }
      : {};
  const logical = noteType === 'INTERVAL' ? {} : { logical_type: note };
  leaves.push({
    path: here,
    schemaPath: push({ ...plain, ...converted, ...logical }),
    element: plain,
    statistics: false,
  });
}

/** Map keys are never null in Parquet, whatever the Arrow field says. */
function required(field: Field): Field {
  return field.nullable ? field.clone({ nullable: false }) : field;
}

function annotationOf(field: Field): LogicalType | undefined {
  const text = field.metadata.get(annotationKey);
  return text === undefined ? undefined : (JSON.parse(text) as LogicalType);
}

function unsupported(path: readonly string[], what: string): UserError {
  return new UserError(
    `the column "${path.join('.')}" holds ${what}, which Parquet output does not support`,
    { hint: 'drop or convert the column' },
  );
}

const timeUnits = {
  [TimeUnit.MILLISECOND]: 'MILLIS',
  [TimeUnit.MICROSECOND]: 'MICROS',
  [TimeUnit.NANOSECOND]: 'NANOS',
} as const;

function leafElement(type: DataType, path: readonly string[]): Omit<SchemaElement, 'name'> {
  if (Is.isNull(type)) return { type: 'INT32', logical_type: { type: 'NULL' } };
  if (Is.isBool(type)) return { type: 'BOOLEAN' };
  if (Is.isInt(type)) return intElement(type.bitWidth, type.isSigned);
  if (Is.isFloat(type)) {
    if (type.precision === 0)
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } };
    return { type: type.precision === 1 ? 'FLOAT' : 'DOUBLE' };
  }
  if (Is.isUtf8(type) || Is.isLargeUtf8(type))
    return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
  if (Is.isBinary(type) || Is.isLargeBinary(type)) return { type: 'BYTE_ARRAY' };
  if (Is.isFixedSizeBinary(type)) return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: type.byteWidth };
  if (Is.isDate(type)) {
    if (type.unit === 0) return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MILLIS' } };
  }
  if (Is.isTimestamp(type))
    return timestampElement(timeUnits[type.unit as 1 | 2 | 3] ?? 'MILLIS', Boolean(type.timezone));
  if (Is.isTime(type)) {
    const unit = timeUnits[type.unit as 1 | 2 | 3] ?? 'MILLIS';
    return {
      type: unit === 'MILLIS' ? 'INT32' : 'INT64',
      logical_type: { type: 'TIME', isAdjustedToUTC: false, unit },
    };
  }
  if (Is.isDecimal(type)) return decimalElement(type.precision, type.scale);
  throw unsupported(path, String(type));
}

function intElement(bitWidth: number, isSigned: boolean): Omit<SchemaElement, 'name'> {
  const type = bitWidth === 64 ? 'INT64' : 'INT32';
  if (isSigned && bitWidth >= 32) return { type };
  // Without the newer INTEGER annotation: hyparquet-writer 0.17 writes its bit width with the wrong Thrift type, and pyarrow refuses the file.
  return {
    type,
    converted_type: `${isSigned ? '' : 'U'}INT_${bitWidth}` as NonNullable<SchemaElement['converted_type']>,
  };
}

function timestampElement(
  unit: 'MILLIS' | 'MICROS' | 'NANOS',
  isAdjustedToUTC: boolean,
): Omit<SchemaElement, 'name'> {
  // The converted type means UTC, so local times must go without it.
  const legacy = isAdjustedToUTC && unit !== 'NANOS' ? { converted_type: `TIMESTAMP_${unit}` as const } : {};
  return { type: 'INT64', ...legacy, logical_type: { type: 'TIMESTAMP', isAdjustedToUTC, unit } };
}

function decimalElement(precision: number, scale: number): Omit<SchemaElement, 'name'> {
  const common = {
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  } as const;
  if (precision <= 9) return { type: 'INT32', ...common };
  if (precision <= 18) return { type: 'INT64', ...common };
  // Smallest n with 2^(8n-1) > 10^precision.
  const type_length = Math.ceil((precision * Math.log2(10) + 1) / 8);
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length, ...common };
}
