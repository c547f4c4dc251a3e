/**
 * The pages of one column chunk, read from the file window by window, so that memory holds a page and not a chunk.
 *
 * Checks what no JavaScript reader checks: that the chunk lies inside the file, page CRCs where the writer stored them (node:zlib crc32),
 * and well-formed page headers before they are parsed. Source: Apache Parquet format, README ("Checksumming", "Column chunks").
 */
import { crc32 } from 'node:zlib';
import type { ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { maxPageBytes } from './parquet-codecs.ts';
import {
  decodeDataPage,
  decodeDictionary,
  type Page,
  type PageContext,
  type PageValues,
} from './parquet-page.ts';
import { checkThriftStruct } from './parquet-thrift.ts';

const windowBytes = 1024 * 1024;
/** A page header holds statistics, in old files with whole values; more than this is not a header. */
const maxHeaderBytes = 16 * 1024 * 1024;

/** What a chunk needs of an open file. */
export interface ByteReader {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

export interface ChunkSource {
  handle: ByteReader;
  fileBytes: number;
}

/** Byte range of a column chunk. A dictionary offset of 0 is a known writer bug and means none. */
export function chunkRange(meta: ColumnMetaData, fileBytes: number): { start: number; end: number } {
  const data = Number(meta.data_page_offset);
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const size = Number(meta.total_compressed_size);
  if (!(start >= 4) || !(size >= 0) || start + size > fileBytes - 8) {
    throw new Error(`the column lies at bytes ${start} to ${start + size} of a file of ${fileBytes} bytes`);
  }
  return { start, end: start + size };
}

/** The data pages in order. Errors are plain `Error`s; the caller knows file, row group and column. */
export async function* readPages(
  source: ChunkSource,
  meta: ColumnMetaData,
  context: PageContext,
): AsyncGenerator<Page> {
  const { start, end } = chunkRange(meta, source.fileBytes);
  const window = new Window(source.handle, start, end, context.codec !== 'UNCOMPRESSED');
  let dictionary: PageValues | undefined;
  const total = Number(meta.num_values);
  for (let levels = 0, page = 0; levels < total; page++) {
    if (window.at >= end) throw new Error(`the pages end after ${levels} of ${total} values`);
    const header = await readHeader(window);
    const size = header.compressed_page_size;
    if (!(size >= 0) || size > maxPageBytes || size > end - window.at) {
      throw new Error(`page ${page} declares ${size} bytes, ${end - window.at} remain in the column`);
    }
    const stored = await window.take(size);
    // Values of a page that is not compressed stay where they are.
    const body = header.data_page_header_v2?.is_compressed === false ? stored.slice() : stored;
    if (header.crc !== undefined && crc32(body) !== header.crc >>> 0)
      throw new Error(`page ${page} fails its checksum`);
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = decodeDictionary(body, header, context);
    } else if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') {
      const decoded = decodeDataPage(body, header, dictionary, context);
      levels += decoded.levels;
      if (levels > total) throw new Error(`the pages hold ${levels} values, the column ${total}`);
      if (decoded.levels > 0) yield decoded;
    } else if (header.type !== 'INDEX_PAGE') {
      throw new Error(`page ${page} has the unknown type ${String(header.type)}`);
    }
  }
}

async function readHeader(window: Window): Promise<ReturnType<typeof parquetHeader>> {
  for (let want = 256; ; want *= 8) {
    const bytes = await window.peek(want);
    try {
      const length = checkThriftStruct(bytes, 0, bytes.length);
      const view = new DataView(bytes.buffer, bytes.byteOffset, length);
      const header = parquetHeader({ view, offset: 0 });
      window.at += length;
      return header;
    } catch (error) {
      const more = error instanceof RangeError && bytes.length === want && want < maxHeaderBytes;
      if (!more) throw new Error(`damaged page header: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** A forward-only view of a byte range of a file. */
class Window {
  /** Position in the file of the next byte. */
  at: number;
  private readonly handle: ByteReader;
  private readonly end: number;
  private buffer = new Uint8Array(0);
  private bufferStart: number;
  private readonly reuse: boolean;

  /** `reuse`: what was handed out is no longer looked at when more is asked for, so the memory is filled again. */
  constructor(handle: ByteReader, start: number, end: number, reuse: boolean) {
    this.handle = handle;
    this.at = start;
    this.bufferStart = start;
    this.end = end;
    this.reuse = reuse;
  }

  /** Up to `n` bytes from `at`; fewer only at the end of the range. */
  async peek(n: number): Promise<Uint8Array> {
    const want = Math.min(n, this.end - this.at);
    const have = this.bufferStart + this.buffer.length - this.at;
    if (have < want) {
      const held = this.buffer.subarray(this.at - this.bufferStart);
      const size = Math.min(Math.max(want, windowBytes), this.end - this.at);
      // A new buffer where pages already handed out are views of the old one.
      const old = this.buffer.buffer;
      const buffer =
        this.reuse && old.byteLength >= size ? new Uint8Array(old, 0, size) : new Uint8Array(size);
      buffer.set(held);
      for (let filled = held.length; filled < size; ) {
        const { bytesRead } = await this.handle.read(buffer, filled, size - filled, this.at + filled);
        if (bytesRead === 0) throw new Error(`the file ends at byte ${this.at + filled}`);
        filled += bytesRead;
      }
      this.buffer = buffer;
      this.bufferStart = this.at;
    }
    const offset = this.at - this.bufferStart;
    return this.buffer.subarray(offset, offset + want);
  }

  async take(n: number): Promise<Uint8Array> {
    const bytes = await this.peek(n);
    if (bytes.length < n) throw new Error(`the file ends at byte ${this.at + bytes.length}`);
    this.at += n;
    return bytes;
  }
}
