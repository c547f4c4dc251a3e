/**
 * Cells of Arrow columns and of Arrow's integration JSON in the same words, for comparisons.
 */
import { type Data, DataType as Is } from 'apache-arrow';
import { decimalToBigInt } from '../../src/core/decimal.ts';

/** One cell in the words of Arrow's JSON: integers and decimals as digits, bytes as hex. */
export function cell(data: Data, row: number): unknown {
  const type = data.type as Is;
  if (Is.isUnion(type)) {
    const child = type.typeIds.indexOf(data.typeIds[row]!);
    return cell(data.children[child]!, data.valueOffsets ? data.valueOffsets[row]! : row);
  }
  if (Is.isNull(type) || !data.getValid(row)) return null;
  if (Is.isStruct(type)) return data.children.map((child) => cell(child, row));
  if (Is.isBool(type)) return ((data.values[row >> 3]! >> (row & 7)) & 1) === 1;
  if (Is.isFixedSizeList(type))
    return Array.from({ length: type.listSize }, (_, i) => cell(data.children[0]!, row * type.listSize + i));
  if (data.valueOffsets !== undefined) {
    const [start, end] = [Number(data.valueOffsets[row]), Number(data.valueOffsets[row + 1])];
    const bytes = (): Buffer => Buffer.from((data.values as Uint8Array).subarray(start, end));
    if (Is.isUtf8(type)) return bytes().toString('utf8');
    if (Is.isBinary(type)) return bytes().toString('hex').toUpperCase();
    return Array.from({ length: end - start }, (_, i) => cell(data.children[0]!, start + i));
  }
  if (Is.isFixedSizeBinary(type))
    return Buffer.from(data.values.subarray(row * type.byteWidth, (row + 1) * type.byteWidth))
      .toString('hex')
      .toUpperCase();
  if (Is.isDecimal(type)) return String(decimalToBigInt(data.values, row * data.stride, data.stride));
  if (Is.isInterval(type) && data.stride === 2) return [data.values[row * 2], data.values[row * 2 + 1]];
  if (Is.isFloat(type)) return Number(data.values[row]);
  return String(data.values[row]);
}

export interface JsonField {
  name: string;
  type: { name: string; listSize?: number; mode?: string; typeIds?: number[]; precision?: string };
  children: JsonField[];
  dictionary?: { id: number };
}
export interface JsonColumn {
  count: number;
  VALIDITY?: number[];
  OFFSET?: (number | string)[];
  TYPE_ID?: number[];
  DATA?: unknown[];
  children?: JsonColumn[];
}

export function jsonCell(
  field: JsonField,
  column: JsonColumn,
  row: number,
  dictionaries: Map<number, JsonColumn>,
): unknown {
  const { name, listSize = 0, precision } = field.type;
  if (name === 'null' || column.VALIDITY?.[row] === 0) return null;
  if (field.dictionary !== undefined) {
    const { dictionary, ...value } = field;
    return jsonCell(value, dictionaries.get(dictionary.id)!, Number(column.DATA![row]), dictionaries);
  }
  const child = (i: number, at: number): unknown =>
    jsonCell(field.children[i]!, column.children![i]!, at, dictionaries);
  const range = (start: number, end: number): unknown[] =>
    Array.from({ length: end - start }, (_, i) => child(0, start + i));
  if (name === 'struct') return field.children.map((_, i) => child(i, row));
  if (name === 'fixedsizelist') return range(row * listSize, (row + 1) * listSize);
  if (name === 'list' || name === 'largelist' || name === 'map')
    return range(Number(column.OFFSET![row]), Number(column.OFFSET![row + 1]));
  const value = column.DATA![row];
  if (name === 'interval' && typeof value === 'object') return Object.values(value!);
  if (name === 'floatingpoint') return precision === 'SINGLE' ? Math.fround(value as number) : value;
  return name === 'bool' || name.endsWith('utf8') || name.endsWith('binary') ? value : String(value);
}
