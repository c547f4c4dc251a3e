/**
 * Takes a template's fields out of one record by a card's column map. Pure: the record is whatever JSON or Arrow row the reader
 * made; a cell that is not text is written as JSON (numbers as they are).
 */
import type { Columns, Slot } from '../core/card.ts';
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

function readSlot(read: ReadCell, slot: Slot): string | undefined {
  if (typeof slot === 'string') return asText(read(slot));
  if (Array.isArray(slot)) {
    const parts = slot.map((column) => asText(read(column)));
    if (parts.every((part) => part === undefined)) return undefined;
    return parts.filter((part) => part !== undefined && part !== '').join('\n');
  }
  const cell = read(slot.column);
  let text = asText(slot.item === undefined ? cell : listOf(cell)?.[slot.item]);
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

function asText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return JSON.stringify(value);
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
function listOf(value: unknown): unknown[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value)
    ? value
    : Symbol.iterator in value
      ? [...(value as Iterable<unknown>)]
      : undefined;
}
