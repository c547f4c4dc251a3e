/**
 * Files of equal records with a checksum, for edges and clusters: a header (magic, bytes a record, one number), the records, and a
 * trailer (count, checksum, magic). The checksum is xxHash64 over the header and then the records in chunks of 64 KiB, each seeded with
 * the one before, so neither side holds more than a chunk. Read whole or not at all: the checksum is known at the end only, so a reader
 * must not act on what it read before `readRecords` is done. Little-endian.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { hash64 } from '../core/hash64.ts';
import { AtomicFile } from '../io/atomic.ts';
import { damaged, openOrDamaged } from './signature-reader.ts';

const headerBytes = 16;
const trailerBytes = 24;
/** A multiple of both record sizes. */
const chunkBytes = 1 << 16;
const endMagic = 'mtend01\n';

export interface RecordKind {
  /** Eight characters. */
  magic: string;
  /** 8 or 16. */
  recordBytes: number;
  /** What a message calls the file. */
  name: string;
}

export interface WrittenRecords {
  /** Records. */
  entries: number;
  bytes: number;
  sha256: string;
}

export class RecordWriter {
  private readonly file: AtomicFile;
  private readonly buffer = new Uint8Array(chunkBytes);
  /** The same bytes as `words` and `doubles`, for writing a record at `at`. */
  private readonly words = new Uint32Array(this.buffer.buffer);
  private readonly doubles = new Float64Array(this.buffer.buffer);
  private at = 0;
  private records = 0;
  private checksum: bigint;

  private constructor(file: AtomicFile, header: Uint8Array) {
    this.file = file;
    this.checksum = hash64(header);
  }

  /** `number`: a number of the file's own, below 2^32. */
  static async create(path: string, kind: RecordKind, number: number): Promise<RecordWriter> {
    const header = encodeHeader(kind, number);
    const file = await AtomicFile.create(path);
    await file.write(header);
    return new RecordWriter(file, header);
  }

  /** True when `flush` must be awaited before the next record. */
  get full(): boolean {
    return this.at === chunkBytes;
  }

  /** A record of two words. */
  addPair(first: number, second: number): void {
    const at = this.at / 4;
    this.words[at] = first;
    this.words[at + 1] = second;
    this.at += 8;
    this.records++;
  }

  /** A record of two words and a number. */
  addTriple(first: number, second: number, third: number): void {
    this.words[this.at / 4] = first;
    this.words[this.at / 4 + 1] = second;
    this.doubles[this.at / 8 + 1] = third;
    this.at += 16;
    this.records++;
  }

  async flush(): Promise<void> {
    if (this.at === 0) return;
    const chunk = this.buffer.subarray(0, this.at);
    this.checksum = hash64(chunk, this.checksum);
    await this.file.write(chunk);
    this.at = 0;
  }

  async commit(): Promise<WrittenRecords> {
    await this.flush();
    await this.file.write(encodeTrailer(this.records, this.checksum));
    return { entries: this.records, ...(await this.file.commit()) };
  }

  async abort(): Promise<void> {
    await this.file.abort();
  }
}

function encodeHeader(kind: RecordKind, number: number): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(Buffer.from(kind.magic));
  const view = new DataView(header.buffer);
  view.setUint32(8, kind.recordBytes, true);
  view.setUint32(12, number, true);
  return header;
}

function encodeTrailer(records: number, checksum: bigint): Uint8Array {
  const trailer = new Uint8Array(trailerBytes);
  const view = new DataView(trailer.buffer);
  view.setBigUint64(0, BigInt(records), true);
  view.setBigUint64(8, hash64(trailer.subarray(0, 8), checksum), true);
  trailer.set(Buffer.from(endMagic), 16);
  return trailer;
}

/** How many records a file of this size has, and its own number; only sizes and magic are verified. */
export function readRecordHeader(path: string, kind: RecordKind): { records: number; number: number } {
  return withFile(path, (file) => headerOf(path, file, kind));
}

/** Gives `take` the records, chunk by chunk, as words and as numbers (the same bytes). Throws an InputError on any damage. */
export function readRecords(
  path: string,
  kind: RecordKind,
  take: (words: Uint32Array, doubles: Float64Array) => void,
): { records: number; number: number } {
  return withFile(path, (file) => {
    const found = headerOf(path, file, kind);
    const end = headerBytes + found.records * kind.recordBytes;
    const buffer = new Uint8Array(chunkBytes);
    let checksum = hash64(encodeHeader(kind, found.number));
    for (let at = headerBytes; at < end; ) {
      const chunk = buffer.subarray(0, Math.min(chunkBytes, end - at));
      readFully(path, file, at, chunk);
      checksum = hash64(chunk, checksum);
      take(
        new Uint32Array(buffer.buffer, 0, chunk.length / 4),
        new Float64Array(buffer.buffer, 0, chunk.length / 8),
      );
      at += chunk.length;
    }
    const trailer = new Uint8Array(trailerBytes);
    readFully(path, file, end, trailer);
    if (Buffer.compare(trailer, encodeTrailer(found.records, checksum)) !== 0) {
      throw damaged(path, `${kind.name}: checksum of ${found.records} records does not match`);
    }
    return found;
  });
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openOrDamaged(path);
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function headerOf(path: string, file: number, kind: RecordKind): { records: number; number: number } {
  const { size } = fstatSync(file);
  const records = (size - headerBytes - trailerBytes) / kind.recordBytes;
  if (!Number.isInteger(records) || records < 0) {
    throw damaged(path, `${kind.name}: ${size} bytes is no whole number of ${kind.recordBytes}-byte records`);
  }
  const header = new Uint8Array(headerBytes);
  readFully(path, file, 0, header);
  const number = new DataView(header.buffer).getUint32(12, true);
  if (Buffer.compare(header, encodeHeader(kind, number)) !== 0) throw damaged(path, `is no ${kind.name}`);
  return { records, number };
}

function readFully(path: string, file: number, at: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const got = readSync(file, into, done, into.length - done, at + done);
    if (got === 0) throw damaged(path, `became shorter while it was read (byte ${at + done})`);
    done += got;
  }
}
