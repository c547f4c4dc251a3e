/**
 * Carries out a unit of a WARC or WET file, and cuts a large file into such units.
 *
 * Cutting is exact and costs one pass that inflates the file without keeping it: a unit is a range of whole gzip members, found by going from
 * member to member. Looking for the gzip mark after a byte offset would be cheaper and wrong: an archived archive has it inside a record.
 */
import { Utf8Builder } from '../core/batch.ts';
import { messageOf } from '../core/errors.ts';
import type { ReadTally, ReadUnit } from './read-unit-types.ts';
import {
  chooseRecord,
  documentText,
  mayBeDocument,
  targetOf,
  type WarcContent,
  warcHeadBytes,
} from './warc-documents.ts';
import { type WarcHeader, type WarcItem, type WarcOptions, warcRecords } from './warc-records.ts';

const maxKinds = 256;

/** One document, or a failed record that counts as one. `row`: its number among the documents of the file. */
export type WarcDocument =
  | { id: string | null; url: string | null; date: string | null; utf8: Uint8Array; row: number }
  | { problem: string; place: string; row: number };

/** The documents of a unit in order. */
export async function* warcDocuments(
  unit: ReadUnit,
  maxPageBytes: number,
  tally: ReadTally | undefined,
): AsyncGenerator<WarcDocument> {
  const content: WarcContent = unit.format === 'wet' ? 'wet' : 'warc';
  let row = unit.firstRow;
  const limit = maxPageBytes + warcHeadBytes;
  const wanted = (header: WarcHeader): number =>
    mayBeDocument(header, content) ? Math.min(header.length, limit + 1) : 0;
  const [start, end] = unit.range ?? [0, undefined];
  const options = { compression: unit.compression, wanted, start, ...(end === undefined ? {} : { end }) };
  for await (const item of warcRecords(unit.file, options)) {
    if (item.kind === 'cut') continue;
    const place = `byte ${item.at}${item.header === undefined ? '' : `, ${item.header.fields.get('warc-record-id') ?? 'record without id'}`}`;
    if (item.kind === 'failed') {
      if (countsAsDocument(item, content)) yield { problem: item.problem, place, row: row++ };
      else count(tally, `damaged ${item.header?.type ?? 'record'}`);
      continue;
    }
    const { header, block } = item;
    const choice = chooseRecord(header, block, content);
    if ('skipped' in choice) {
      count(tally, choice.skipped);
      continue;
    }
    try {
      if (header.length > limit)
        throw new Error(`the record has ${header.length} bytes; the limit is ${limit}`);
      const { utf8, repaired } = documentText(block, choice, content, maxPageBytes);
      if (repaired && tally !== undefined) tally.repaired++;
      const { fields } = header;
      const [id, date] = [fields.get('warc-record-id') ?? null, fields.get('warc-date') ?? null];
      yield { id, url: targetOf(header), date, utf8, row: row++ };
    } catch (error) {
      yield { problem: messageOf(error), place, row: row++ };
    }
  }
}

/** A damaged record is a lost document unless its header says that it was none. */
function countsAsDocument(item: Extract<WarcItem, { kind: 'failed' }>, content: WarcContent): boolean {
  return item.header === undefined || mayBeDocument(item.header, content);
}

function count(tally: ReadTally | undefined, kind: string): void {
  if (tally === undefined) return;
  const known = kind in tally.skipped || Object.keys(tally.skipped).length < maxKinds;
  const key = known ? kind : 'records of other kinds';
  tally.skipped[key] = (tally.skipped[key] ?? 0) + 1;
}

export interface WarcPiece {
  start: number;
  end: number;
  firstRow: number;
  rows: number;
}

/** Units of about `pieceBytes` of the file as stored. Throws as reading does when the file is cut short, with the pieces so far in `pieces`. */
export async function cutWarc(
  path: string,
  compression: WarcOptions['compression'],
  content: WarcContent,
  bytes: number,
  pieceBytes: number,
  pieces: WarcPiece[],
): Promise<void> {
  let piece: WarcPiece = { start: 0, end: bytes, firstRow: 0, rows: 0 };
  pieces.push(piece);
  const wanted = (header: WarcHeader): number => (mayBeDocument(header, content) ? warcHeadBytes : 0);
  for await (const item of warcRecords(path, { compression, wanted })) {
    if (item.kind === 'cut') {
      if (item.at - piece.start < pieceBytes) continue;
      piece.end = item.at;
      piece = { start: item.at, end: bytes, firstRow: piece.firstRow + piece.rows, rows: 0 };
      pieces.push(piece);
    } else if (item.kind === 'failed') {
      if (countsAsDocument(item, content)) piece.rows++;
    } else if (!('skipped' in chooseRecord(item.header, item.block, content))) piece.rows++;
  }
}

/** Whether a file holds pages or texts, from its first records; nothing when those hold neither. */
export async function warcContent(
  path: string,
  compression: WarcOptions['compression'],
): Promise<{ content: WarcContent | undefined; whole: boolean }> {
  let left = 200;
  for await (const item of warcRecords(path, { compression, wanted: () => 0 })) {
    if (item.kind === 'cut') continue;
    const type = item.header?.type;
    if (type === 'conversion') return { content: 'wet', whole: false };
    if (type === 'response' || type === 'resource') return { content: 'warc', whole: false };
    if (--left === 0) return { content: undefined, whole: false };
  }
  return { content: undefined, whole: true };
}

/** Columns of documents, filled one by one. */
export class WarcColumns {
  readonly ids = new Utf8Builder(64);
  readonly urls = new Utf8Builder(64);
  readonly dates = new Utf8Builder(64);
  readonly texts: Utf8Builder;

  /** `expectedBytes`: of texts; growing a builder by doubling costs more than reading does. */
  constructor(expectedBytes: number) {
    this.texts = new Utf8Builder(64, expectedBytes);
  }

  add({ id, url, date, utf8 }: Extract<WarcDocument, { utf8: Uint8Array }>): void {
    this.ids.append(id);
    this.urls.append(url);
    this.dates.append(date);
    this.texts.appendBytes(utf8);
  }
}
