/**
 * Reads the entries of one band and key range from a signature file, a segment at a time, and verifies all that it reads
 * (signature-layout.ts). Any damage to what is read is an InputError: a wrong size, a cut file, a flipped bit (missed with chance 2^-32 a block).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { InputError, messageOf } from '../core/errors.ts';
import { hash64 } from '../core/hash64.ts';
import {
  bitsFor,
  blockChecksum,
  blockOf,
  decodeHeader,
  directoryAt,
  directoryBytes,
  entriesAt,
  entryBytes,
  entryWords,
  headerBytes,
  type SegmentHeader,
  segmentBytes,
  segmentDocuments,
} from './signature-layout.ts';

/** Keys whose high word is in [from, to), to at most 2^32. */
export interface KeyRange {
  band: number;
  from: number;
  to: number;
}

const cure = 'the file is damaged: delete it and run again, it is made anew';

export function damaged(path: string, problem: string, place?: string): InputError {
  return new InputError(path, problem, { hint: cure, ...(place === undefined ? {} : { place }) });
}

/** The descriptor of a file opened for reading; the caller closes it. */
export function openOrDamaged(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw damaged(path, `cannot be opened: ${messageOf(error)}`);
  }
}

/**
 * The entries of each segment, in order, as words (key high, key low, check, index); entries outside the range are among them
 * where they share a block with it. Inside a block entries are in the order of documents.
 */
export function* readSignatures(path: string, tag: string, range: KeyRange): Generator<Uint32Array> {
  const file = openOrDamaged(path);
  // Opened for each range: a job may have more units than a process may have open files.
  try {
    const { size } = fstatSync(file);
    let at = 0;
    for (let ordinal = 0; ; ordinal++) {
      const header = readHeader(path, file, at, size, ordinal, tag);
      if (range.band >= header.bands)
        throw damaged(path, `has ${header.bands} bands and no band ${range.band}`);
      if (header.documents > 0) yield readRange(path, file, at, header, range);
      at += segmentBytes(header);
      if (!header.last) continue;
      if (at !== size) throw damaged(path, `has ${size - at} bytes after its last segment`);
      return;
    }
  } finally {
    closeSync(file);
  }
}

function readHeader(
  path: string,
  file: number,
  at: number,
  size: number,
  ordinal: number,
  tag: string,
): SegmentHeader {
  const place = `segment ${ordinal}, byte ${at}`;
  if (at + headerBytes > size) throw damaged(path, `ends at byte ${size}, in the middle`, place);
  const header = decodeHeader(readBytes(path, file, at, headerBytes));
  const sound =
    header !== undefined &&
    header.ordinal === ordinal &&
    header.documents <= segmentDocuments &&
    header.bits === bitsFor(header.documents);
  if (!sound) throw damaged(path, 'has a damaged segment header', place);
  if (header.tag !== tag) {
    throw new InputError(path, `holds signatures of another kind: "${header.tag}", expected "${tag}"`, {
      hint: 'it was made with other dedup settings: delete it and run again',
    });
  }
  if (at + segmentBytes(header) > size) {
    throw damaged(path, `ends at byte ${size}, its segment at byte ${at + segmentBytes(header)}`, place);
  }
  return header;
}

function readRange(
  path: string,
  file: number,
  at: number,
  header: SegmentHeader,
  range: KeyRange,
): Uint32Array {
  const { band, from, to } = range;
  const place = `segment ${header.ordinal}, band ${band}`;
  const directory = readBytes(path, file, at + directoryAt(header, band), directoryBytes(header.bits));
  const view = new DataView(directory.buffer);
  if (view.getBigUint64(0, true) !== hash64(directory.subarray(8))) {
    throw damaged(path, 'has a damaged directory (checksum)', place);
  }
  const words = new Uint32Array(directory.buffer, 8);
  const firstBlock = blockOf(from, header.bits);
  const lastBlock = blockOf(to - 1, header.bits);
  const first = firstBlock === 0 ? 0 : words[2 * firstBlock - 2]!;
  const end = words[2 * lastBlock]!;
  const bytes = readBytes(
    path,
    file,
    at + entriesAt(header, band) + first * entryBytes,
    (end - first) * entryBytes,
  );
  let begin = first;
  for (let block = firstBlock; block <= lastBlock; block++) {
    const blockEnd = words[2 * block]!;
    const part = bytes.subarray((begin - first) * entryBytes, (blockEnd - first) * entryBytes);
    if (blockChecksum(part) !== words[2 * block + 1]) {
      throw damaged(path, 'has damaged entries (checksum)', `${place}, block ${block}`);
    }
    begin = blockEnd;
  }
  return new Uint32Array(bytes.buffer, 0, (end - first) * entryWords);
}

function readBytes(path: string, file: number, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const got = readSync(file, bytes, done, length - done, at + done);
    if (got === 0) throw damaged(path, `became shorter while it was read (byte ${at + done})`);
    done += got;
  }
  return bytes;
}
