/**
 * The body of one record batch: where each column's buffers lie, checked against the body, and their bytes on request.
 *
 * A small body is read at once; of a large one only the ranges that are asked for, so memory is a window of rows and not the batch.
 * Compressed buffers (lz4, zstd) must be decompressed whole and are kept while their batch is read; their sizes are bounded before.
 * Source: Apache Arrow columnar format, "IPC: RecordBatch message" and "Buffer compression".
 */
import type { FileHandle } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../core/errors.ts';
import type { ArrowNode } from './arrow-schema.ts';
import type { FlatTable } from './flatbuffer.ts';
import { decompressLz4Frame } from './lz4-frame.ts';

/** Rows of a batch whose columns take no bytes at all (nulls, empty structs). */
const maxFreeRows = 1 << 20;
const maxBufferBytes = 0x7fffffff;
/** All decompressed buffers of one batch together. */
const maxDecompressed = 1024 * 1024 * 1024;
/** Decompressed bytes of a file may be this many times the compressed ones, beyond a first allowance. Real columns stay below 100. */
const maxRatio = 500;
const freeDecompressed = 256 * 1024 * 1024;

export type ArrowCodec = 'none' | 'lz4' | 'zstd';

/** The header of a record batch (or of the batch in a dictionary message). */
export interface BatchHeader {
  rows: number;
  nodeLengths: Float64Array;
  bufferOffsets: Float64Array;
  bufferLengths: Float64Array;
  codec: ArrowCodec;
  variadic: Float64Array;
}

export function batchHeader(table: FlatTable): BatchHeader {
  const [nodeLengths] = table.structs(1, 16, [0]);
  const [bufferOffsets, bufferLengths] = table.structs(2, 16, [0, 8]);
  const [variadic] = table.structs(4, 8, [0]);
  const compression = table.table(3);
  const number = compression?.uint8(0) ?? -1;
  if (compression !== undefined && number > 1)
    throw new Error(`its body is compressed with the unknown codec ${number}`);
  return {
    rows: table.int64(0),
    nodeLengths: nodeLengths!,
    bufferOffsets: bufferOffsets!,
    bufferLengths: bufferLengths!,
    codec: number < 0 ? 'none' : number === 0 ? 'lz4' : 'zstd',
    variadic: variadic!,
  };
}

/** Part of a body. */
export interface BufferRegion {
  start: number;
  length: number;
}

/** A column (or nested column) bound to its place in one body. */
export interface BoundColumn {
  node: ArrowNode;
  path: string;
  rows: number;
  validity: BufferRegion | undefined;
  /** Offsets, values, type numbers: as the layout has them. */
  buffers: BufferRegion[];
  children: BoundColumn[];
}

export interface BoundBatch {
  rows: number;
  columns: BoundColumn[];
  codec: ArrowCodec;
}

/** Ties columns to buffers. `bodyBytes` is what the file has for this body; `legacyUnions`: metadata before V5 gives unions a validity buffer. */
export function bindBatch(
  header: BatchHeader,
  nodes: readonly ArrowNode[],
  bodyBytes: number,
  legacyUnions: boolean,
): BoundBatch {
  const { rows, nodeLengths, bufferOffsets, bufferLengths } = header;
  if (rows < 0) throw new Error(`the record batch declares ${rows} rows`);
  let nextNode = 0;
  let nextBuffer = 0;
  let nextVariadic = 0;
  const region = (path: string): BufferRegion => {
    if (nextBuffer >= bufferLengths.length)
      throw new Error(`the record batch has ${bufferLengths.length} buffers, too few for column "${path}"`);
    const start = bufferOffsets[nextBuffer]!;
    const length = bufferLengths[nextBuffer++]!;
    if (start < 0 || length < 0 || start + length > bodyBytes)
      throw new Error(
        `a buffer of column "${path}" lies at bytes ${start} to ${start + length} of a body of ${bodyBytes}`,
      );
    return { start, length };
  };
  const bind = (node: ArrowNode, parent: string): BoundColumn => {
    const path = parent === '' ? node.name : `${parent}.${node.name}`;
    const length = nodeLengths[nextNode++];
    if (length === undefined)
      throw new Error(`the record batch has ${nodeLengths.length} columns, too few for column "${path}"`);
    if (length < 0) throw new Error(`column "${path}" declares ${length} values`);
    const kind = node.dictionary === undefined ? node.layout.kind : 'fixed';
    const bound: BoundColumn = { node, path, rows: length, validity: undefined, buffers: [], children: [] };
    if (kind === 'null') return bound;
    if (kind !== 'union') bound.validity = region(path);
    else if (legacyUnions) region(path);
    const count = kind === 'struct' || kind === 'fixed-list' ? 0 : kind === 'bytes' ? 2 : 1;
    for (let i = 0; i < count; i++) bound.buffers.push(region(path));
    if (kind === 'union' && node.layout.kind === 'union' && node.layout.dense)
      bound.buffers.push(region(path));
    if (kind === 'view') {
      const views = header.variadic[nextVariadic++] ?? 0;
      if (views < 0 || views > bufferLengths.length)
        throw new Error(`column "${path}" declares ${views} buffers`);
      for (let i = 0; i < views; i++) bound.buffers.push(region(path));
    }
    if (node.dictionary === undefined) bound.children = node.children.map((child) => bind(child, path));
    checkRows(bound, header.codec);
    return bound;
  };
  const columns = nodes.map((node) => bind(node, ''));
  for (const column of columns)
    if (column.rows !== rows)
      throw new Error(`column "${column.path}" has ${column.rows} rows, and the record batch ${rows}`);
  if (rows > maxFreeRows && columns.every((column) => isFree(column.node)))
    throw new Error(`the record batch declares ${rows} rows and holds no bytes of them`);
  return { rows, columns, codec: header.codec };
}

/** Values that take no bytes, so that nothing bounds their number. */
function isFree({ layout, children, dictionary }: ArrowNode): boolean {
  if (dictionary !== undefined) return false;
  if (layout.kind === 'struct') return children.every(isFree);
  if (layout.kind === 'fixed-list') return layout.size === 0 || isFree(children[0]!);
  return layout.kind === 'null' || (layout.kind === 'fixed' && layout.width === 0);
}

/** Buffers and children must hold as many values as are declared; compressed ones are checked when they are read. */
function checkRows({ node, path, rows, buffers, children }: BoundColumn, codec: ArrowCodec): void {
  const { layout, dictionary } = node;
  const need = (i: number, bytes: number): void => {
    if (codec === 'none' && rows > 0 && buffers[i]!.length < bytes)
      throw new Error(
        `column "${path}" declares ${rows} values, and its buffer has ${buffers[i]!.length} of ${bytes} bytes`,
      );
  };
  if (dictionary !== undefined) {
    need(0, rows * dictionary.width);
    return;
  }
  if (layout.kind === 'bool') need(0, Math.ceil(rows / 8));
  else if (layout.kind === 'fixed') need(0, rows * layout.width);
  else if (layout.kind === 'view') need(0, rows * 16);
  else if (layout.kind === 'bytes' || layout.kind === 'list') need(0, (rows + 1) * (layout.large ? 8 : 4));
  else if (layout.kind === 'union') {
    need(0, rows);
    if (layout.dense) need(1, rows * 4);
  }
  // What the parent's rows need of its children; lists and dense unions say so row by row.
  const each =
    layout.kind === 'fixed-list'
      ? layout.size
      : layout.kind === 'struct' || (layout.kind === 'union' && !layout.dense)
        ? 1
        : 0;
  for (const child of children)
    if (child.rows < rows * each)
      throw new Error(
        `column "${child.path}" has ${child.rows} values, and the ${rows} rows above it need ${rows * each}`,
      );
}

/** What a window of rows has read so far; beyond the limit the window is made smaller. */
export class WindowTooLarge extends Error {}

/** Decompression so far in one file, against bombs made of many batches. */
export class ExpansionBudget {
  private compressed = 0;
  private expanded = 0;

  /** Throws before anything is allocated. */
  take(compressed: number, expanded: number): void {
    this.compressed += compressed;
    this.expanded += expanded;
    if (this.expanded > freeDecompressed + this.compressed * maxRatio)
      throw new Error(
        `its buffers decompress to more than ${maxRatio} times their size (${this.expanded} bytes out of ${this.compressed})`,
      );
  }
}

/** Bytes of one body. */
export class ArrowBody {
  /** Bytes that the current window may still read. */
  budget = Number.POSITIVE_INFINITY;
  private readonly handle: FileHandle;
  private readonly start: number;
  private readonly codec: ArrowCodec;
  private readonly expansion: ExpansionBudget;
  private whole: Uint8Array | undefined;
  private readonly decompressed = new Map<number, Uint8Array>();
  private decompressedBytes = 0;

  constructor(handle: FileHandle, start: number, codec: ArrowCodec, expansion: ExpansionBudget) {
    this.handle = handle;
    this.start = start;
    this.codec = codec;
    this.expansion = expansion;
  }

  /** Reads a small body at once. */
  async load(length: number): Promise<void> {
    this.whole = await this.fromFile(0, length);
  }

  /** Bytes `[from, to)` of a buffer. Counted against the budget unless `free`. */
  async bytes(
    region: BufferRegion,
    from: number,
    to: number,
    path: string,
    free = false,
  ): Promise<Uint8Array> {
    if (!free) {
      this.budget -= to - from;
      if (this.budget < 0) throw new WindowTooLarge(`column "${path}"`);
    }
    const outside = (length: number): Error =>
      new Error(`column "${path}" needs bytes ${from} to ${to} of a buffer of ${length}`);
    if (to === from) return new Uint8Array(0);
    if (this.codec === 'none') {
      if (from < 0 || to > region.length || from > to) throw outside(region.length);
      if (this.whole !== undefined) return this.whole.subarray(region.start + from, region.start + to);
      return this.fromFile(region.start + from, to - from);
    }
    const buffer = await this.expand(region, path);
    if (from < 0 || to > buffer.length || from > to) throw outside(buffer.length);
    return buffer.subarray(from, to);
  }

  /** Length of a buffer once decompressed. */
  async lengthOf(region: BufferRegion, path: string): Promise<number> {
    return this.codec === 'none' ? region.length : (await this.expand(region, path)).length;
  }

  private async expand(region: BufferRegion, path: string): Promise<Uint8Array> {
    const known = this.decompressed.get(region.start);
    if (known !== undefined || region.length === 0) return known ?? new Uint8Array(0);
    const stored =
      this.whole?.subarray(region.start, region.start + region.length) ??
      (await this.fromFile(region.start, region.length));
    if (stored.length < 8)
      throw new Error(`a compressed buffer of column "${path}" has ${stored.length} bytes`);
    const declared = Number(new DataView(stored.buffer, stored.byteOffset, 8).getBigInt64(0, true));
    const data = stored.subarray(8);
    let out: Uint8Array;
    if (declared === -1) out = data;
    else {
      if (declared < 0 || declared > maxBufferBytes)
        throw new Error(`a buffer of column "${path}" declares ${declared} bytes decompressed`);
      this.decompressedBytes += declared;
      if (this.decompressedBytes > maxDecompressed)
        throw new Error(
          `a record batch decompresses to more than ${maxDecompressed} bytes, at column "${path}"`,
        );
      this.expansion.take(data.length, declared);
      out = declared === 0 ? new Uint8Array(0) : this.decompress(data, declared, path);
    }
    this.decompressed.set(region.start, out);
    return out;
  }

  private decompress(data: Uint8Array, length: number, path: string): Uint8Array {
    try {
      if (this.codec === 'lz4') return decompressLz4Frame(data, length);
      const out = zstdDecompressSync(data, { maxOutputLength: length });
      if (out.length !== length)
        throw new Error(`zstd data has ${out.length} bytes where ${length} are declared`);
      return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    } catch (error) {
      const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      const problem = large ? `zstd data has more than the ${length} bytes declared` : messageOf(error);
      throw new Error(`column "${path}": ${problem}`, { cause: error });
    }
  }

  private async fromFile(from: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const at = this.start + from + filled;
      const { bytesRead } = await this.handle.read(bytes, filled, length - filled, at);
      if (bytesRead === 0) throw new Error(`the file ends at byte ${at}`);
      filled += bytesRead;
    }
    return bytes;
  }
}
