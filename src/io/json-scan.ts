/**
 * The first pass over a JSON file: column types, number of records, and where the file can be cut into units. Bad records are not its
 * business; they are counted when the file is read. A file that is cut short is scanned up to the damage.
 */
import { isUtf8 } from 'node:buffer';
import { InputError, messageOf } from '../core/errors.ts';
import { type Compression, readFileBytes } from './byte-stream.ts';
import { gzipMembers } from './gzip-members.ts';
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
  /** Size of the file as stored. */
  fileBytes: number;
  /** Absent when the schema is declared; then only lines are counted. */
  scan: JsonSchemaScan | undefined;
  pieceBytes: number;
  maxRecordBytes: number | undefined;
}

export async function scanJson(path: string, options: JsonScanOptions): Promise<JsonScanResult> {
  const format = await actualFormat(path, options);
  const plain = format === 'jsonl' && options.compression === undefined;
  const result: JsonScanResult = { format, rows: 0, pieces: [], splittable: plain, damage: undefined };
  const limits = options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes };
  let piece: JsonPiece | undefined;
  let end = 0;
  let nextLine = 1;
  const byMember =
    format === 'jsonl' && options.compression === 'gzip' && options.fileBytes > options.pieceBytes;
  const cuts = new MemberCuts();
  const records = byMember
    ? splitLines(cuts.bytesOf(path), limits)
    : recordsOf(path, format, { compression: options.compression }, limits);
  try {
    for await (const record of records) {
      // Where in the file as stored the records so far end, if it can be cut there.
      const at: number | undefined = plain ? end : byMember ? cuts.at(end) : undefined;
      if (piece === undefined || (at !== undefined && at - piece.start >= options.pieceBytes)) {
        if (piece !== undefined && at !== undefined) piece.end = at;
        piece = {
          start: at ?? 0,
          end: options.fileBytes,
          firstLine: nextLine,
          firstRow: result.rows,
          rows: 0,
        };
        result.pieces.push(piece);
      }
      piece.rows++;
      result.rows++;
      end = record.end;
      if (plain) piece.end = end;
      nextLine = record.number + 1;
      if (options.scan !== undefined) observe(options.scan, record, path);
    }
  } catch (error) {
    if (!(error instanceof InputError) || result.rows === 0) throw error;
    result.damage = error;
  }
  if (byMember && result.pieces.length > 1) result.splittable = true;
  return result;
}

/** Ends of gzip members that are also ends of lines. */
class MemberCuts {
  /** Decompressed and stored offsets, not yet passed. */
  private readonly found: [decompressed: number, stored: number][] = [];

  async *bytesOf(path: string): AsyncGenerator<Buffer> {
    let offset = 0;
    let last = 10;
    for await (const event of gzipMembers(path)) {
      if (event.kind === 'start') {
        if (last === 10) this.found.push([offset, event.at]);
      } else if (event.kind === 'bytes') {
        offset += event.bytes.length;
        last = event.bytes.at(-1) ?? last;
        yield event.bytes;
      } else if (event.kind === 'damaged') {
        throw new InputError(path, event.problem, {
          place: `byte ${event.at}`,
          hint: 'download or write the file again',
        });
      }
    }
  }

  /** The stored offset of the cut at a decompressed one. */
  at(decompressed: number): number | undefined {
    while (this.found.length > 0 && this.found[0]![0] < decompressed) this.found.shift();
    return this.found[0]?.[0] === decompressed ? this.found[0][1] : undefined;
  }
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
