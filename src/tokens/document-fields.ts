/**
 * Takes a template's fields out of one record by a card's column map. Pure: the record is whatever JSON or Arrow row the reader
 * made; a cell that is not text is written as JSON (numbers as they are), a list of plain values one to a line.
 */
import type { Columns, Slot, SlotChoice, SlotList, SlotPart, Where } from '../core/slots.ts';
import type { DocumentFields, Message } from './templates.ts';

export type ReadCell = (column: string) => unknown;

/** The fields that the map names and the record has. An absent column leaves its field undefined. */
export function fieldsOf(read: ReadCell, columns: Columns): DocumentFields {
  const fields: DocumentFields = {};
  for (const name of ['text', 'question', 'reasoning', 'answer'] as const) {
    const slot = columns[name];
    const value = slot === undefined ? undefined : readSlot(read, slot);
    if (value !== undefined) fields[name] = value;
  }
  if (columns.messages !== undefined) {
    const messages = readMessages(read(columns.messages));
    if (messages !== undefined) fields.messages = messages;
  }
  return fields;
}

/** Every column that `fieldsOf` and `isSelected` may ask for; wide tables hold much more. Sorted by first use, each once. */
export function columnsNeeded(columns: Columns, where?: Where): string[] {
  const { id, url, messages, ...slots } = columns;
  return [
    ...new Set([
      ...[id, url, messages].filter((column) => column !== undefined),
      ...Object.values(slots).flatMap((slot) => (slot === undefined ? [] : columnsOfSlot(slot))),
      ...Object.keys(where ?? {}),
    ]),
  ];
}

function columnsOfSlot(slot: Slot): string[] {
  if (typeof slot === 'string') return [slot];
  if (Array.isArray(slot)) return slot.flatMap(columnsOfSlot);
  if ('choices' in slot)
    return [
      columnOfList(slot.choices),
      slot.answer,
      ...(slot.labels === undefined ? [] : [columnOfList(slot.labels)]),
    ];
  return [slot.column, ...(typeof slot.item === 'object' ? [slot.item.firstTrue] : [])];
}

function columnOfList(list: SlotList): string {
  return typeof list === 'string' ? list : list.column;
}

function readSlot(read: ReadCell, slot: Slot): string | undefined {
  if (!Array.isArray(slot)) return readOne(read, slot);
  const parts = slot.map((part) => readOne(read, part));
  if (parts.every((part) => part === undefined)) return undefined;
  return parts.filter((part) => part !== undefined && part !== '').join('\n');
}

function readOne(read: ReadCell, slot: Exclude<Slot, unknown[]>): string | undefined {
  if (typeof slot === 'string') return asText(read(slot));
  return 'choices' in slot ? chosen(read, slot) : readPart(read, slot);
}

function readPart(read: ReadCell, slot: SlotPart): string | undefined {
  let cell = read(slot.column);
  if (slot.field !== undefined) cell = fieldIn(cell, slot.field);
  if (slot.item !== undefined) {
    const at =
      typeof slot.item === 'number' ? slot.item : (listOf(read(slot.item.firstTrue))?.indexOf(true) ?? -1);
    cell = at === -1 ? undefined : listOf(cell)?.[at];
  }
  let text = asText(cell);
  if (text === undefined) return undefined;
  if (slot.between !== undefined) {
    const [open, close] = slot.between;
    const from = text.indexOf(open);
    const to = from === -1 ? -1 : text.indexOf(close, from + open.length);
    if (to === -1) return undefined;
    text = text.slice(from + open.length, to).trim();
  }
  if (slot.after !== undefined) {
    const from = text.indexOf(slot.after);
    if (from === -1) return undefined;
    text = text.slice(from + slot.after.length).trim();
  }
  return slot.remove === undefined ? text : text.replace(new RegExp(slot.remove, 'gu'), '');
}

/** The choice that the answer names; undefined where it names none of them (nothing is guessed). */
function chosen(read: ReadCell, slot: SlotChoice): string | undefined {
  const choices = readList(read, slot.choices);
  const answer = asText(read(slot.answer))?.trim();
  if (choices === undefined || answer === undefined) return undefined;
  if (slot.labels !== undefined) {
    const at = readList(read, slot.labels)?.findIndex((label) => asText(label) === answer) ?? -1;
    return at === -1 ? undefined : asText(choices[at]);
  }
  if (/^\d{1,3}$/.test(answer)) return asText(choices[Number(answer)]);
  if (/^[A-Za-z]$/.test(answer)) return asText(choices[answer.toUpperCase().charCodeAt(0) - 65]);
  return undefined;
}

/** The list that a column holds, or a field of each of its records; undefined where it holds no list. */
export function readList(read: ReadCell, list: SlotList): unknown[] | undefined {
  if (typeof list === 'string') return listOf(read(list));
  const cell = read(list.column);
  return listOf(list.field === undefined ? cell : fieldIn(cell, list.field));
}

/** A field of a record, or of every record of a list. Own fields only: `constructor` of a JSON object is none. */
function fieldIn(cell: unknown, field: string): unknown {
  const list = listOf(cell);
  if (list !== undefined) return list.map((item) => fieldIn(item, field));
  if (cell === null || typeof cell !== 'object' || !Object.hasOwn(plainRecord(cell), field)) return undefined;
  return plainRecord(cell)[field];
}

/** Arrow's struct rows as plain objects: their fields answer to property names but are not the row's own. */
function plainRecord(cell: object): Record<string, unknown> {
  const toJson = (cell as { toJSON?: () => unknown }).toJSON;
  return (typeof toJson === 'function' ? toJson.call(cell) : cell) as Record<string, unknown>;
}

function asText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  const list = listOf(value);
  if (list?.every(isPlain)) return list.map((item) => (item === null ? '' : String(item))).join('\n');
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

/** A list of { role, content }, or of ShareGPT's { from, value }. */
function readMessages(value: unknown): Message[] | undefined {
  const list = listOf(value);
  return list?.map((item) => {
    const message = (item ?? {}) as Record<string, unknown>;
    return {
      role: String(message.role ?? message.from ?? ''),
      content: String(message.content ?? message.value ?? ''),
    };
  });
}

/** An Arrow list is iterable; its structs answer to property names. */
export function listOf(value: unknown): unknown[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value)
    ? value
    : Symbol.iterator in value && !isStruct(value)
      ? [...(value as Iterable<unknown>)]
      : undefined;
}

/** Arrow's struct and map rows are iterable too (over their entries), and are no lists. */
function isStruct(value: object): boolean {
  const kind = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '';
  return kind === 'Row' || kind === 'Map';
}
