/**
 * Arrow data to Parquet levels and values, leaf by leaf: the Dremel shredding, the reverse of parquet-assemble.ts.
 *
 * Strings and binary values are handed to the encoder as views of the Arrow buffer; no JavaScript string is made.
 * Source: Melnik et al., "Dremel" (2010), appendix A; apache-arrow's layout of sliced data.
 */
import { type Data, type DataType, type Field, DataType as Is, type Vector } from 'apache-arrow';
import { decimalToBigInt } from '../core/decimal.ts';
import { UserError } from '../core/errors.ts';

/** Levels and values of one leaf over several batches. `values` has one entry per level, null where there is none. */
export interface ShreddedLeaf {
  definition: Uint8Array;
  repetition: Uint8Array;
  maxDefinition: number;
  maxRepetition: number;
  values: ArrayLike<unknown> & { slice(a: number, b: number): unknown };
}

/** Rows of `data` that are still alive on the way down: `index` into the data, -1 where a parent is null or empty. */
interface Slots {
  index: Int32Array;
  definition: Uint8Array;
  repetition: Uint8Array;
}

/** All leaves of a column, in order, over consecutive batches of it. */
export function shredColumn(field: Field, parts: readonly Data[]): ShreddedLeaf[] {
  const rows = parts.map((data): { data: Data; slots: Slots } => ({
    data,
    slots: {
      index: Int32Array.from({ length: data.length }, (_, i) => i),
      definition: new Uint8Array(data.length),
      repetition: new Uint8Array(data.length),
    },
  }));
  return shred(field, field.nullable, rows, 0, 0, field.name);
}

function shred(
  field: Field,
  nullable: boolean,
  parts: { data: Data; slots: Slots }[],
  definition: number,
  repetition: number,
  path: string,
): ShreddedLeaf[] {
  const type = field.type as DataType;
  const optional = nullable || Is.isNull(type);
  for (const { data, slots } of parts) markNulls(data, slots, optional, definition, path);
  const own = definition + (optional ? 1 : 0);
  if (Is.isStruct(type)) {
    return type.children.flatMap((child: Field, i: number) =>
      shred(
        child,
        child.nullable,
        parts.map(({ data, slots }) => ({ data: data.children[i]!, slots: copy(slots) })),
        own,
        repetition,
        `${path}.${child.name}`,
      ),
    );
  }
  if (Is.isMap(type)) {
    const inner = parts.map(({ data, slots }) => ({
      data: data.children[0]!,
      slots: expand(data, slots, own, repetition + 1),
    }));
    const [key, value] = (type.children[0]!.type as { children: Field[] }).children;
    return [key!, value!].flatMap((child, i) =>
      shred(
        child,
        i === 1 && child.nullable,
        inner.map(({ data, slots }) => ({ data: data.children[i]!, slots: copy(slots) })),
        own + 1,
        repetition + 1,
        `${path}.${i === 0 ? 'key' : 'value'}`,
      ),
    );
  }
  if (parts[0]?.data.children.length === 1 || Is.isList(type) || Is.isFixedSizeList(type)) {
    const child = (type as { children: Field[] }).children[0]!;
    const inner = parts.map(({ data, slots }) => ({
      data: data.children[0]!,
      slots: expand(data, slots, own, repetition + 1),
    }));
    return shred(child, child.nullable, inner, own + 1, repetition + 1, `${path}[]`);
  }
  return [leaf(type, parts, own, repetition)];
}

function copy({ index, definition, repetition }: Slots): Slots {
  return { index: index.slice(), definition: definition.slice(), repetition };
}

/** Slots whose value is there go up one definition level; null ones end here. */
function markNulls(
  data: Data,
  { index, definition }: Slots,
  optional: boolean,
  level: number,
  path: string,
): void {
  const allNull = Is.isNull(data.type as DataType);
  const someNull = allNull || data.nullCount > 0;
  for (let i = 0; i < index.length; i++) {
    if (index[i]! < 0) continue;
    if (someNull && (allNull || !data.getValid(index[i]!))) {
      if (!optional) throw new UserError(`the column "${path}" has a null and its schema allows none`);
      index[i] = -1;
    } else if (optional) {
      definition[i] = level + 1;
    }
  }
}

/** The elements of list slots; a null or empty list keeps one slot without a value. */
function expand(
  data: Data,
  { index, definition, repetition }: Slots,
  level: number,
  repetitionLevel: number,
): Slots {
  const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint> | undefined;
  const size = offsets === undefined ? (data.type as unknown as { listSize: number }).listSize : 0;
  const bounds = (i: number): [number, number] =>
    offsets === undefined ? [i * size, (i + 1) * size] : [Number(offsets[i]), Number(offsets[i + 1])];
  let total = 0;
  for (const i of index) {
    const [start, end] = i < 0 ? [0, 0] : bounds(i);
    total += Math.max(1, end - start);
  }
  const out: Slots = {
    index: new Int32Array(total),
    definition: new Uint8Array(total),
    repetition: new Uint8Array(total),
  };
  let at = 0;
  for (let s = 0; s < index.length; s++) {
    const i = index[s]!;
    const [start, end] = i < 0 ? [0, 0] : bounds(i);
    if (start === end) {
      out.index[at] = -1;
      out.definition[at] = definition[s]!;
      out.repetition[at++] = repetition[s]!;
      continue;
    }
    for (let j = start; j < end; j++) {
      out.index[at] = j;
      out.definition[at] = level + 1;
      out.repetition[at++] = j === start ? repetition[s]! : repetitionLevel;
    }
  }
  return out;
}

function leaf(
  type: DataType,
  parts: { data: Data; slots: Slots }[],
  maxDefinition: number,
  maxRepetition: number,
): ShreddedLeaf {
  const length = parts.reduce((n, { slots }) => n + slots.index.length, 0);
  const definition = join(
    parts.map(({ slots }) => slots.definition),
    length,
  );
  const repetition =
    maxRepetition === 0
      ? new Uint8Array(0)
      : join(
          parts.map(({ slots }) => slots.repetition),
          length,
        );
  return { definition, repetition, maxDefinition, maxRepetition, values: leafValues(type, parts, length) };
}

function join(parts: Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

type Numbers = Int32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

/** Types whose values the encoder takes from a typed array as they are. */
function plainArray(type: DataType): (new (n: number) => Numbers) | undefined {
  if (Is.isInt(type) && type.bitWidth === 64) return type.isSigned ? BigInt64Array : BigUint64Array;
  if (Is.isInt(type) && (type.isSigned || type.bitWidth < 32)) return Int32Array;
  if (Is.isFloat(type) && type.precision > 0) return type.precision === 1 ? Float32Array : Float64Array;
  if (Is.isTimestamp(type) && type.unit > 0) return BigInt64Array;
  return undefined;
}

function leafValues(
  type: DataType,
  parts: { data: Data; slots: Slots }[],
  length: number,
): ShreddedLeaf['values'] {
  const plain = plainArray(type);
  if (plain !== undefined && parts.every(({ slots }) => !slots.index.includes(-1))) {
    const out = new plain(length);
    let at = 0;
    for (const { data, slots } of parts) {
      const from = data.values as { [i: number]: never };
      for (const i of slots.index) out[at++] = from[i]!;
    }
    return out as never;
  }
  const out = new Array<unknown>(length);
  let at = 0;
  for (const { data, slots } of parts) {
    const read = reader(data);
    for (const i of slots.index) out[at++] = i < 0 ? null : read(i);
  }
  return out as never;
}

/** How one value of a leaf is handed to the encoder. */
function reader(data: Data): (i: number) => unknown {
  const type = data.type as DataType;
  const values = data.values as { [i: number]: number | bigint } & Uint8Array;
  if (Is.isNull(type)) return () => null;
  if (Is.isDictionary(type)) {
    const { dictionary } = data as { dictionary?: Vector };
    const chunks = (dictionary?.data ?? []).map((chunk) => ({
      length: chunk.length,
      chunk,
      read: reader(chunk as Data),
    }));
    return (i) => {
      let index = Number(values[i]);
      for (const { length, chunk, read } of chunks) {
        if (index < length) return (chunk as Data).getValid(index) ? read(index) : null;
        index -= length;
      }
      throw new UserError(`a dictionary index of ${Number(values[i])} is out of range`);
    };
  }
  if (Is.isBool(type))
    return (i) => (((values[(data.offset + i) >> 3]! as number) >> ((data.offset + i) & 7)) & 1) === 1;
  if (data.valueOffsets !== undefined) {
    const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint>;
    return (i) => values.subarray(Number(offsets[i]), Number(offsets[i + 1]));
  }
  if (Is.isFixedSizeBinary(type)) return (i) => values.subarray(i * type.byteWidth, (i + 1) * type.byteWidth);
  if (Is.isDecimal(type))
    return (i) => decimalToBigInt(data.values as Uint32Array, i * data.stride, data.stride);
  if (Is.isFloat(type) && type.precision === 0) {
    const { buffer, byteOffset } = data.values as Uint16Array;
    return (i) => new Uint8Array(buffer, byteOffset + i * 2, 2);
  }
  if (Is.isTimestamp(type) && type.unit === 0) return (i) => BigInt(values[i]!) * 1000n;
  if (Is.isTime(type) && type.unit === 0) return (i) => Number(values[i]) * 1000;
  return (i) => values[i];
}
