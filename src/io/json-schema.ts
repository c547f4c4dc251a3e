/**
 * The column types of JSON records, found by looking at every record before the first is read as data, so that no column is pinned by its
 * first rows: null for ten thousand rows and then a string is a string column; int then float is float64.
 *
 * Values that share no type become strings: a string stays as it is, anything else is written as JSON text, and the plan carries a
 * warning. Objects become structs and arrays lists, to 16 levels and 512 keys; beyond that they are kept as JSON text.
 */
import { Bool, type DataType, Field, Float64, Int64, List, Null, Schema, Struct, Utf8 } from 'apache-arrow';

const maxDepth = 16;
const maxKeys = 512;
const maxColumns = 4096;

/** A type as it stands in plan.json. `json`: JSON text of whatever is there. `text`: strings as they are, the rest as JSON text. */
export type JsonType =
  | 'null'
  | 'bool'
  | 'int'
  | 'float'
  | 'text'
  | 'json'
  | { list: JsonType }
  | { struct: [name: string, type: JsonType][] };
export type JsonColumns = [name: string, type: JsonType][];

/** A type as a user declares it: `int`, `{ list: text }`, `{ struct: { role: text } }`. */
export type DeclaredType =
  | Extract<JsonType, string>
  | { list: DeclaredType }
  | { struct: Record<string, DeclaredType> };

export function declaredColumns(schema: Readonly<Record<string, DeclaredType>>): JsonColumns {
  const convert = (type: DeclaredType): JsonType => {
    if (typeof type === 'string') return type;
    if ('list' in type) return { list: convert(type.list) };
    return { struct: declaredColumns(type.struct) };
  };
  return Object.entries(schema).map(([name, type]) => [name, convert(type)]);
}

const seenNull = 1;
const seenBool = 2;
const seenInt = 4;
const seenFloat = 8;
const seenString = 16;
const seenList = 32;
const seenObject = 64;
const seenBig = 128;

/** What has been seen at one place of the records. The order of observation does not matter, except for the order of new keys. */
class Observed {
  kinds = 0;
  element: Observed | undefined;
  keys: Map<string, Observed> | undefined;
  tooMany = false;

  add(value: unknown, depth: number): void {
    if (typeof value === 'string') this.kinds |= seenString;
    else if (value === null || value === undefined) this.kinds |= seenNull;
    else if (typeof value === 'number')
      this.kinds |= Number.isSafeInteger(value) && !Object.is(value, -0) ? seenInt : seenFloat;
    else if (typeof value === 'boolean') this.kinds |= seenBool;
    else if (typeof value === 'bigint') this.kinds |= BigInt.asIntN(64, value) === value ? seenInt : seenBig;
    else if (Array.isArray(value)) {
      this.kinds |= seenList;
      if (depth >= maxDepth) this.tooMany = true;
      if (this.tooMany) return;
      this.element ??= new Observed();
      for (const item of value) this.element.add(item, depth + 1);
    } else {
      this.kinds |= seenObject;
      this.addObject(value as Record<string, unknown>, depth, maxKeys);
    }
  }

  addObject(value: Record<string, unknown>, depth: number, limit: number): void {
    if (depth >= maxDepth) this.tooMany = true;
    if (this.tooMany) return;
    this.keys ??= new Map();
    for (const key of Object.keys(value)) {
      let child = this.keys.get(key);
      if (child === undefined) {
        if (this.keys.size >= limit) {
          this.tooMany = true;
          this.keys = undefined;
          return;
        }
        this.keys.set(key, (child = new Observed()));
      }
      child.add(value[key], depth + 1);
    }
  }

  type(path: string, conflicts: string[]): JsonType {
    const kinds = this.kinds & ~seenNull;
    if (kinds === 0) return 'null';
    if (kinds === seenString) return 'text';
    if (kinds === seenBool) return 'bool';
    if (kinds === seenInt) return 'int';
    if (kinds === seenFloat || kinds === (seenInt | seenFloat)) return 'float';
    if (kinds === seenList && !this.tooMany)
      return { list: this.element?.type(`${path}[]`, conflicts) ?? 'null' };
    if (kinds === seenObject && !this.tooMany && this.keys !== undefined) {
      if (this.keys.size === 0) return 'json';
      return { struct: [...this.keys].map(([key, child]) => [key, child.type(`${path}.${key}`, conflicts)]) };
    }
    conflicts.push(
      `${path} (${describe(kinds)}${this.tooMany ? `, beyond ${maxDepth} levels or ${maxKeys} keys` : ''})`,
    );
    return kinds & seenString ? 'text' : 'json';
  }
}

function describe(kinds: number): string {
  const names: [number, string][] = [
    [seenString, 'strings'],
    [seenInt, 'integers'],
    [seenBig, 'integers above 64 bits'],
    [seenFloat, 'fractions'],
    [seenBool, 'booleans'],
    [seenList, 'lists'],
    [seenObject, 'objects'],
  ];
  return names.flatMap(([bit, name]) => (kinds & bit ? [name] : [])).join(' and ');
}

/** Collects the types of records; several files can be observed into one schema. */
export class JsonSchemaScan {
  private readonly root = new Observed();
  rows = 0;

  /** Throws when the records have more than 4096 different keys: then keys are data, not columns. */
  observe(record: Record<string, unknown>): void {
    this.rows++;
    this.root.addObject(record, 0, maxColumns);
    if (this.root.tooMany)
      throw new Error(
        `more than ${maxColumns} different keys: the keys of these records look like data, not like columns`,
      );
  }

  /** The columns in order of first appearance, and a line per place where types did not agree. */
  finish(): { columns: JsonColumns; conflicts: string[] } {
    const conflicts: string[] = [];
    const columns: JsonColumns = [...(this.root.keys ?? [])].map(([key, child]) => [
      key,
      child.type(key, conflicts),
    ]);
    return { columns, conflicts };
  }
}

export function jsonArrowType(type: JsonType): DataType {
  if (typeof type === 'object') {
    if ('list' in type) return new List(new Field('element', jsonArrowType(type.list), true));
    return new Struct(type.struct.map(([name, child]) => new Field(name, jsonArrowType(child), true)));
  }
  switch (type) {
    case 'null':
      return new Null();
    case 'bool':
      return new Bool();
    case 'int':
      return new Int64();
    case 'float':
      return new Float64();
    default:
      return new Utf8();
  }
}

export function jsonArrowSchema(columns: JsonColumns): Schema {
  return new Schema(columns.map(([name, type]) => new Field(name, jsonArrowType(type), true)));
}
