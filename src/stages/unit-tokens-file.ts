/**
 * The tokens of one unit of a source on disk, so that the mix can read its documents in any order without holding them: written whole or
 * not at all, and checked when it is opened and at every document that is read.
 *
 *   documents   tokens (u16 where the vocabulary has at most 65,536 ids, else u32), id and url (UTF-8), filled up to 4 bytes
 *   index       24 bytes each: offset f64, tokens u32, CRC-32 of the document u32, bytes of id u32, of url u32; first the training
 *               documents, then the held-out ones, each in reading order
 *   summary     JSON: counts, ledger, failures
 *   footer      48 bytes: where these begin, CRC-32 of index and summary, CRC-32 of the footer
 *
 * All numbers are little-endian. A file of another size, or with another checksum, counts as not there and is made again.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { AtomicFile } from '../io/atomic.ts';
import { readAt } from './index-entry.ts';
import { IndexSpool } from './index-spool.ts';
import type { UnitSummary } from './unit-summary.ts';

const footerBytes = 48;
const magic = 0x314e544d; // "MTN1"
const flushBytes = 4 << 20;
/** Smaller files are not forced to the disk: that takes longer than to make them, and a torn one is seen and made again. */
const flushedBytes = 1 << 20;
/** Small at first: a source may be of many thousand small files. */
const firstBytes = 1 << 16;

export class UnitTokensWriter {
  private readonly file: AtomicFile;
  private readonly width: 2 | 4;
  private readonly indexOnly: boolean;
  private readonly train: IndexSpool;
  private readonly heldout: IndexSpool;
  private buffer: Buffer;
  private used = 0;
  private offset = 0;

  private constructor(file: AtomicFile, path: string, vocabSize: number, indexOnly: boolean) {
    this.file = file;
    this.indexOnly = indexOnly;
    this.buffer = Buffer.allocUnsafeSlow(indexOnly ? 0 : firstBytes);
    this.width = vocabSize <= 65536 ? 2 : 4;
    this.train = new IndexSpool(path);
    this.heldout = new IndexSpool(path);
  }

  /** `indexOnly`: the documents are left out; then none can be read, only how long they are. */
  static async create(path: string, vocabSize: number, indexOnly = false): Promise<UnitTokensWriter> {
    return new UnitTokensWriter(await AtomicFile.create(path), path, vocabSize, indexOnly);
  }

  /** Adds a document; a promise only when something is written. */
  add(id: string, url: string, tokens: Uint32Array, heldout: boolean): Promise<void> | undefined {
    if (this.indexOnly) {
      const entry = { offset: 0, tokens: tokens.length, crc: 0, idBytes: 0, urlBytes: 0 };
      (heldout ? this.heldout : this.train).add(entry);
      return undefined;
    }
    const idBytes = Buffer.byteLength(id);
    const urlBytes = Buffer.byteLength(url);
    const bytes = tokens.length * this.width + idBytes + urlBytes;
    const filled = (bytes + 3) & ~3;
    if (this.used + filled > this.buffer.length) {
      const doubled = Math.min(2 * this.buffer.length, flushBytes + firstBytes);
      const grown = Buffer.allocUnsafeSlow(Math.max(doubled, this.used + filled));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    const { buffer, used: at } = this;
    const numbers =
      this.width === 2
        ? new Uint16Array(buffer.buffer, buffer.byteOffset + at, tokens.length)
        : new Uint32Array(buffer.buffer, buffer.byteOffset + at, tokens.length);
    numbers.set(tokens);
    let end = at + tokens.length * this.width;
    end += buffer.write(id, end);
    end += buffer.write(url, end);
    const entry = {
      offset: this.offset,
      tokens: tokens.length,
      crc: crc32(buffer.subarray(at, end)),
      idBytes,
      urlBytes,
    };
    (heldout ? this.heldout : this.train).add(entry);
    buffer.fill(0, end, at + filled);
    this.used += filled;
    this.offset += filled;
    return this.used >= flushBytes ? this.flush() : undefined;
  }

  async finish(summary: UnitSummary): Promise<void> {
    await this.flush();
    const starts: number[] = [];
    let crc = 0;
    for (const part of [this.train, this.heldout]) {
      starts.push(this.file.bytes);
      for (const chunk of part.chunks()) {
        crc = crc32(chunk, crc);
        await this.file.write(chunk);
      }
    }
    starts.push(this.file.bytes);
    const text = Buffer.from(JSON.stringify(summary));
    crc = crc32(text, crc);
    await this.file.write(text);
    const footer = Buffer.alloc(footerBytes);
    for (const [i, start] of starts.entries()) footer.writeDoubleLE(start, i * 8);
    footer.writeUInt32LE(text.length, 24);
    footer.writeUInt32LE(crc, 28);
    footer.writeUInt32LE(this.width, 32);
    footer.writeUInt32LE(magic, 36);
    footer.writeUInt32LE(crc32(footer.subarray(0, 40)), 40);
    await this.file.write(footer);
    await this.file.commit({ flush: this.file.bytes >= flushedBytes });
    this.train.close();
    this.heldout.close();
  }

  async abort(): Promise<void> {
    this.train.close();
    this.heldout.close();
    await this.file.abort();
  }

  private async flush(): Promise<void> {
    if (this.used === 0) return;
    await this.file.write(this.buffer.subarray(0, this.used));
    this.used = 0;
  }
}

/** What the footer says; the summary beside it. */
export interface UnitTokensLayout {
  width: 2 | 4;
  trainIndex: number;
  heldoutIndex: number;
  summary: UnitSummary;
}

/** Reads and checks index and summary of a file; `undefined` when it is absent, cut off or damaged. */
export function readUnitTokens(path: string): UnitTokensLayout | undefined {
  return withFooter(path, (fd, footer) => {
    const { width, trainIndex, heldoutIndex, start, length } = footer;
    let crc = 0;
    const piece = Buffer.allocUnsafe(Math.min(1 << 20, start - trainIndex));
    for (let at = trainIndex; at < start; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, start - at));
      if (!readAt(fd, part, at)) return undefined;
      crc = crc32(part, crc);
    }
    const text = Buffer.allocUnsafe(length);
    if (!readAt(fd, text, start) || crc32(text, crc) !== footer.crc) return undefined;
    return { width, trainIndex, heldoutIndex, summary: JSON.parse(text.toString()) as UnitSummary };
  });
}

/**
 * The summary alone, which costs two small reads: for counting many files. The index is not checked; who reads the documents does that.
 * `undefined` when the file is absent, cut off, or its footer is damaged.
 */
export function readUnitSummary(path: string): UnitSummary | undefined {
  return withFooter(path, (fd, { start, length }) => {
    const text = Buffer.allocUnsafe(length);
    if (!readAt(fd, text, start)) return undefined;
    try {
      return JSON.parse(text.toString()) as UnitSummary;
    } catch {
      return undefined; // damaged
    }
  });
}

interface Footer {
  width: 2 | 4;
  trainIndex: number;
  heldoutIndex: number;
  /** First byte of the summary, and its bytes. */
  start: number;
  length: number;
  /** Of index and summary. */
  crc: number;
}

function withFooter<Result>(
  path: string,
  use: (fd: number, footer: Footer) => Result | undefined,
): Result | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const footer = Buffer.alloc(footerBytes);
    if (size < footerBytes || !readAt(fd, footer, size - footerBytes)) return undefined;
    const [trainIndex, heldoutIndex, start] = [0, 8, 16].map((at) => footer.readDoubleLE(at));
    const length = footer.readUInt32LE(24);
    if (
      footer.readUInt32LE(36) !== magic ||
      footer.readUInt32LE(40) !== crc32(footer.subarray(0, 40)) ||
      start! + length + footerBytes !== size
    )
      return undefined;
    return use(fd, {
      width: footer.readUInt32LE(32) as 2 | 4,
      trainIndex: trainIndex!,
      heldoutIndex: heldoutIndex!,
      start: start!,
      length,
      crc: footer.readUInt32LE(28),
    });
  } finally {
    closeSync(fd);
  }
}
