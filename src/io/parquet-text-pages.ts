/**
 * The column chunk of a column of long strings without nulls, page by page: plain encoding, data pages of version 2, zstd.
 *
 * Texts are what a corpus file consists of, so their way is short: the bytes go from the Arrow buffer into one page buffer that is
 * used again, and from there through the compressor. hyparquet-writer grows a new buffer for every page and hashes long texts to see
 * whether a dictionary would pay, a seventh of the time of writing. Pages, headers and metadata are as it would write them
 * with `encoding: 'PLAIN'`. Source: Apache Parquet, Encodings.md and parquet.thrift.
 */
import type { ByteWriter } from 'hyparquet-writer';
import type { writeColumn } from 'hyparquet-writer/src/column.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';

type Written = ReturnType<typeof writeColumn>;
type Column = Parameters<typeof writeColumn>[0]['column'];

/** Shorter values are left to the general writer: they often repeat, and a dictionary then pays. */
const longText = 1024;

/** The values if every one is bytes and they have a mean length of 1 kB and more. */
export function asLongTexts(values: ArrayLike<unknown>): readonly Uint8Array[] | undefined {
  if (!Array.isArray(values) || values.length === 0) return undefined;
  let bytes = 0;
  for (const value of values) {
    if (!(value instanceof Uint8Array)) return undefined;
    bytes += value.length;
  }
  return bytes / values.length >= longText ? values : undefined;
}

let page = Buffer.alloc(0);
/** A page buffer larger than this (one text of many MB) is not kept. */
const keptPage = 8 * 1024 * 1024;

/** Writes the chunk; `maxDefinition` is 0 for a required column and 1 for an optional one. */
export function writeTextColumn(
  writer: ByteWriter,
  column: Column,
  texts: readonly Uint8Array[],
  maxDefinition: 0 | 1,
): Written {
  const start = writer.offset;
  const pages: { offset: bigint; compressed_page_size: number; first_row_index: bigint }[] = [];
  let uncompressed = 0;
  for (let from = 0; from < texts.length; ) {
    let to = from;
    let bytes = 0;
    // At least one text, then as many as stay below the page size.
    do bytes += 4 + texts[to++]!.length;
    while (to < texts.length && bytes + texts[to]!.length < column.pageSize!);
    const offset = writer.offset;
    uncompressed += writePage(writer, column, texts, from, to, bytes, maxDefinition);
    pages.push({
      offset: BigInt(offset),
      compressed_page_size: writer.offset - offset,
      first_row_index: BigInt(from),
    });
    from = to;
  }
  return {
    chunk: {
      meta_data: {
        type: column.element.type!,
        encodings: ['PLAIN'],
        path_in_schema: column.schemaPath.slice(1).map((element) => element.name),
        codec: column.codec ?? 'UNCOMPRESSED',
        num_values: BigInt(texts.length),
        total_compressed_size: BigInt(writer.offset - start),
        total_uncompressed_size: BigInt(uncompressed),
        data_page_offset: BigInt(start),
        ...(column.stats
          ? { statistics: statisticsOf(texts), encoding_stats: [encodingStats(pages.length)] }
          : {}),
      },
      file_offset: BigInt(start),
    },
    ...(pages.length > 1 ? { offsetIndex: { page_locations: pages } } : {}),
  } as Written;
}

/** One page of texts from .. to - 1, `bytes` long with their length prefixes; answers its uncompressed size, header included. */
function writePage(
  writer: ByteWriter,
  column: Column,
  texts: readonly Uint8Array[],
  from: number,
  to: number,
  bytes: number,
  maxDefinition: 0 | 1,
): number {
  let buffer = page;
  if (buffer.length < bytes) {
    buffer = Buffer.allocUnsafe(Math.max(bytes, 1 << 20));
    if (buffer.length <= keptPage) page = buffer;
  }
  let at = 0;
  for (let i = from; i < to; i++) {
    const text = texts[i]!;
    at = buffer.writeUInt32LE(text.length, at);
    buffer.set(text, at);
    at += text.length;
  }
  const body = buffer.subarray(0, bytes);
  const compressed = column.compressors?.[column.codec ?? '']?.(body) ?? body;
  const levels = maxDefinition === 0 ? new Uint8Array(0) : runOfOnes(to - from);
  const headerAt = writer.offset;
  writePageHeader(writer as never, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.length + bytes,
    compressed_page_size: levels.length + compressed.length,
    data_page_header_v2: {
      num_values: to - from,
      num_nulls: 0,
      num_rows: to - from,
      encoding: 'PLAIN',
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: true,
    },
  });
  const header = writer.offset - headerAt;
  writer.appendBytes(levels);
  writer.appendBytes(compressed);
  return header + levels.length + bytes;
}

function encodingStats(count: number): { page_type: string; encoding: string; count: number } {
  return { page_type: 'DATA_PAGE_V2', encoding: 'PLAIN', count };
}

/** Bounds in the order of unsigned bytes; the footer's writer shortens them. */
function statisticsOf(texts: readonly Uint8Array[]): {
  min_value: Uint8Array;
  max_value: Uint8Array;
  null_count: bigint;
} {
  let least = texts[0]!;
  let most = texts[0]!;
  for (const text of texts) {
    if (Buffer.compare(text, least) < 0) least = text;
    if (Buffer.compare(text, most) > 0) most = text;
  }
  return { min_value: least, max_value: most, null_count: 0n };
}

/** `count` definition levels of 1, as one run: twice the count as a varint, then the value in one byte. */
function runOfOnes(count: number): Uint8Array {
  const bytes: number[] = [];
  let rest = count * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest, 1);
  return Uint8Array.from(bytes);
}
