/**
 * The first pass over a JSON file: column types, number of records, and where the file can be cut into units. Bad records are not its
 * business; they are counted when the file is read. A file that is cut short is scanned up to the damage.
 */
import { isUtf8 } from 'node:buffer';
import { InputError, messageOf } from '../core/errors.ts';
import { type Compression, readFileBytes } from './byte-stream.ts';
import { type RawRecord, splitLines, splitValues } from './json-records.ts';
import type { JsonSchemaScan } from './json-schema.ts';
import { parseJson } from './json-value.ts';

export interface JsonPiece {
  start: number;
  end: number;
  firstLine: number;
  firstRow: number;
  rows: number;
}

export interface JsonScanResult {
  /** `json` files whose first line is a whole record are read as lines. */
  format: 'jsonl' | 'json';
  rows: number;
  pieces: JsonPiece[];
  /** Pieces are byte ranges of the file. */
  splittable: boolean;
  damage: InputError | undefined;
}

export interface JsonScanOptions {
  format: 'jsonl' | 'json';
  compression: Compression | undefined;
  /** Absent when the schema is declared; then only lines are counted. */
  scan: JsonSchemaScan | undefined;
  pieceBytes: number;
  maxRecordBytes: number | undefined;
}

export async function scanJson(path: string, options: JsonScanOptions): Promise<JsonScanResult> {
  const format = await actualFormat(path, options);
  const splittable = format === 'jsonl' && options.compression === undefined;
  const result: JsonScanResult = { format, rows: 0, pieces: [], splittable, damage: undefined };
  const limits = options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes };
  let piece: JsonPiece | undefined;
  let end = 0;
  let nextLine = 1;
  try {
    for await (const record of recordsOf(path, format, { compression: options.compression }, limits)) {
      if (piece === undefined || (splittable && end - piece.start >= options.pieceBytes)) {
        piece = { start: end, end, firstLine: nextLine, firstRow: result.rows, rows: 0 };
        result.pieces.push(piece);
      }
      piece.rows++;
      result.rows++;
      piece.end = end = record.end;
      nextLine = record.number + 1;
      if (options.scan !== undefined) observe(options.scan, record, path);
    }
  } catch (error) {
    if (!(error instanceof InputError) || result.rows === 0) throw error;
    result.damage = error;
  }
  return result;
}

/** Whether a JSON file is read by lines or by values: an outer array is values, and a first line that is a whole object means lines. */
async function actualFormat(
  path: string,
  { format, compression }: JsonScanOptions,
): Promise<'jsonl' | 'json'> {
  for await (const piece of readFileBytes(path, { compression })) {
    const first = /[^\s\uFEFF]/.exec(piece.subarray(0, 65536).toString('utf8'))?.[0];
    if (first === '[') return 'json';
    if (first !== undefined) break;
  }
  if (format === 'jsonl') return 'jsonl';
  for await (const record of splitLines(readFileBytes(path, { compression }), {
    maxRecordBytes: 16 * 1024 * 1024,
  })) {
    return 'record' in parseRecord(record) ? 'jsonl' : 'json';
  }
  return 'json';
}

/** The raw records of a file in either format. */
export function recordsOf(
  path: string,
  format: 'jsonl' | 'json',
  bytes: Parameters<typeof readFileBytes>[1],
  options: Parameters<typeof splitLines>[1],
): AsyncGenerator<RawRecord> {
  const pieces = readFileBytes(path, bytes);
  return format === 'jsonl' ? splitLines(pieces, options) : splitValues(path, pieces, options);
}

/** The object in a record, or what is wrong with it. */
export function parseRecord({
  bytes,
  length,
}: RawRecord): { record: Record<string, unknown> } | { problem: string } {
  if (bytes === undefined) return { problem: `the record has ${length} bytes, more than the limit` };
  if (!isUtf8(bytes)) return { problem: `not UTF-8 (byte ${firstBadByte(bytes)} of the record)` };
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (error) {
    return { problem: `not JSON: ${messageOf(error).slice(0, 200)}` };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return {
      problem: `expected an object, found ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}`,
    };
  }
  return { record: value as Record<string, unknown> };
}

/** Offset of the first byte that does not decode, told apart from a U+FFFD that really stands there. */
function firstBadByte(bytes: Buffer): number {
  let at = 0;
  for (const part of bytes.toString('utf8').split('\uFFFD')) {
    at += Buffer.byteLength(part);
    if (bytes[at] !== 0xef || bytes[at + 1] !== 0xbf || bytes[at + 2] !== 0xbd) return at;
    at += 3;
  }
  return at;
}

function observe(scan: JsonSchemaScan, record: RawRecord, path: string): void {
  const parsed = parseRecord(record);
  if (!('record' in parsed)) return;
  try {
    scan.observe(parsed.record);
  } catch (error) {
    throw new InputError(path, messageOf(error), {
      hint: 'declare the schema of this input, or restructure the records',
    });
  }
}
