/**
 * The records of a JSON file one by one, as bytes: the lines of a `.jsonl`, or the elements of a file that is one array (or a row of
 * values, as `.json` files often are). Memory holds one record, never the file.
 *
 * A record that is too long is skipped to its end and reported, so that the next ones are still read.
 */
import { InputError } from '../core/errors.ts';

export interface RawRecord {
  /** Absent when the record was skipped for its length. */
  bytes: Buffer | undefined;
  /** 1-based line, or 0-based element. */
  number: number;
  /** Bytes of the record, its separator not counted. */
  length: number;
  /** Offset in the uncompressed stream behind the record and its separator. */
  end: number;
}

export interface RecordOptions {
  maxRecordBytes?: number;
  /** Numbers and offsets of the first piece, when reading starts inside a file. */
  firstNumber?: number;
  firstOffset?: number;
}

export const defaultMaxRecordBytes = 64 * 1024 * 1024;
const newline = 10;

/** Lines that are not blank. A last line without a newline counts. */
export async function* splitLines(
  pieces: AsyncIterable<Buffer>,
  options: RecordOptions = {},
): AsyncGenerator<RawRecord> {
  const max = options.maxRecordBytes ?? defaultMaxRecordBytes;
  let number = options.firstNumber ?? 1;
  let offset = options.firstOffset ?? 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const take = (last: Buffer): RawRecord | undefined => {
    const length = heldBytes + last.length;
    const bytes = length > max ? undefined : heldBytes === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    if (bytes !== undefined && isBlank(bytes)) return undefined;
    return { bytes, number, length, end: offset };
  };
  try {
    for await (const piece of pieces) {
      let start = 0;
      for (;;) {
        const at = piece.indexOf(newline, start);
        if (at < 0) break;
        offset += at + 1 - start;
        const record = take(piece.subarray(start, at));
        if (record !== undefined) yield record;
        number++;
        start = at + 1;
      }
      const rest = piece.subarray(start);
      offset += rest.length;
      heldBytes += rest.length;
      // A line beyond the limit is only counted from here on.
      if (heldBytes <= max) held.push(rest);
      else held = [];
    }
  } catch (error) {
    // What came before the damage is whole lines; the cut one at the end is not delivered.
    throw error instanceof InputError ? after(error, `line ${number}`) : error;
  }
  if (heldBytes > 0) {
    const record = take(Buffer.alloc(0));
    if (record !== undefined) yield record;
  }
}

function after(error: InputError, place: string): InputError {
  return new InputError(error.file, error.problem, {
    place: error.place === undefined ? place : `${error.place}, ${place}`,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}

/**
 * The top-level values of a JSON text: elements of one outer array, or values that follow one another. Finds their ends by counting
 * brackets outside strings; whether a value is JSON is for the parser to say. Throws when the text ends inside the array.
 */
export async function* splitValues(
  file: string,
  pieces: AsyncIterable<Buffer>,
  options: RecordOptions = {},
): AsyncGenerator<RawRecord> {
  const max = options.maxRecordBytes ?? defaultMaxRecordBytes;
  let number = 0;
  let offset = 0;
  let inArray = false;
  let started = false;
  let closed = false;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inScalar = false;
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of pieces) {
    /** Start of the current value in this piece, -1 between values. */
    let from = depth > 0 || inString || inScalar ? 0 : -1;
    const finish = (to: number): RawRecord => {
      const last = piece.subarray(from, to);
      const length = heldBytes + last.length;
      const bytes = length > max ? undefined : heldBytes === 0 ? last : Buffer.concat([...held, last]);
      held = [];
      heldBytes = 0;
      from = -1;
      inScalar = false;
      return { bytes, number: number++, length, end: offset + to };
    };
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === 0x5c) escaped = true;
        else if (byte === 0x22) {
          inString = false;
          if (depth === 0) yield finish(i + 1);
        }
        continue;
      }
      if (depth > 0) {
        if (byte === 0x22) inString = true;
        else if (byte === 0x7b || byte === 0x5b) depth++;
        else if (byte === 0x7d || byte === 0x5d) {
          depth--;
          if (depth === 0) yield finish(i + 1);
        }
        continue;
      }
      const space = byte === 32 || byte === 9 || byte === 10 || byte === 13;
      if (inScalar) {
        if (!space && byte !== 0x2c && byte !== 0x5d) continue;
        yield finish(i);
      }
      if (space || byte === 0x2c) continue;
      if (byte === 0xef && !started && offset + i === 0) {
        i += 2; // byte order mark
        continue;
      }
      if (!started && byte === 0x5b) {
        started = true;
        inArray = true;
        continue;
      }
      if (inArray && byte === 0x5d) {
        closed = true;
        inArray = false;
        continue;
      }
      if (closed)
        throw new InputError(file, 'more text behind the end of the JSON array', {
          place: `byte ${offset + i}`,
        });
      started = true;
      from = i;
      if (byte === 0x22) inString = true;
      else if (byte === 0x7b || byte === 0x5b) depth = 1;
      else inScalar = true;
    }
    if (from >= 0) {
      const rest = piece.subarray(from);
      heldBytes += rest.length;
      if (heldBytes <= max) held.push(rest);
      else held = [];
    }
    offset += piece.length;
  }
  if (inScalar && !inArray) {
    yield { bytes: Buffer.concat(held), number, length: heldBytes, end: offset };
  } else if (inArray || depth > 0 || inString) {
    throw new InputError(file, `the JSON ends before it is closed, after ${number} whole values`, {
      place: `byte ${offset}`,
      hint: 'download or write the file again',
    });
  }
}
