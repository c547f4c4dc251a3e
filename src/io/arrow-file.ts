/**
 * Arrow IPC files and streams opened: the schema, and where the record batches and dictionaries lie, without reading their bodies.
 *
 * A file has an index at its end; a stream is walked from message to message. A file cut short is read as the stream that it is
 * behind its first eight bytes, so that its whole batches are not lost. All metadata is checked before it is believed (flatbuffer.ts).
 * Source: Apache Arrow columnar format 1.5, "Serialization and interprocess communication"; `format/File.fbs`, `format/Message.fbs`.
 */
import type { FileHandle } from 'node:fs/promises';
import { Schema } from 'apache-arrow';
import { InputError, messageOf } from '../core/errors.ts';
import { type BatchHeader, batchHeader } from './arrow-body.ts';
import { type ArrowSchema, arrowSchemaOf } from './arrow-schema.ts';
import { FlatBuffer, type FlatTable } from './flatbuffer.ts';
import { openInput } from './open-input.ts';

const maxMetadataBytes = 64 * 1024 * 1024;
const firstRead = 4096;
const hint = 'download or write the file again';

export interface ArrowFile {
  path: string;
  handle: FileHandle;
  fileBytes: number;
  kind: 'file' | 'stream';
  layout: ArrowSchema;
  schema: Schema;
  /** Metadata before V5, where unions have a validity buffer. */
  legacyUnions: boolean;
  /** Of a stream: the byte behind the schema. */
  firstMessage: number;
  /** Of a file. */
  batches: Block[];
  dictionaries: Block[];
  /** Why a file is read as a stream. */
  damage: string | undefined;
}

/** Where a message begins and the bytes that its metadata (with prefix) and body take. */
export interface Block {
  at: number;
  metadata: number;
  body: number;
}

/** A record batch or dictionary, its header read and its body not. */
export interface ArrowMessage {
  kind: 'batch' | 'dictionary' | 'schema' | 'other';
  /** First byte of the message and of its body, and the byte behind it. */
  at: number;
  body: number;
  end: number;
  header: BatchHeader | undefined;
  dictionary: { id: number; delta: boolean } | undefined;
  table: FlatTable;
}

/** Opens a file or stream and reads its schema (and a file's index). The caller closes `handle`. */
export async function openArrow(path: string): Promise<ArrowFile> {
  const handle = await openInput(path);
  try {
    const fileBytes = (await handle.stat()).size;
    const head = Buffer.from(await bytesAt(handle, 0, Math.min(8, fileBytes)));
    const magic = head.toString('latin1', 0, 6);
    if (magic.startsWith('FEA1'))
      throw new InputError(path, 'this is a Feather file of version 1, which is not supported', {
        place: 'byte 0',
        hint: 'write it again as Feather version 2 or Parquet',
      });
    if (magic !== 'ARROW1') return await openStream(path, handle, fileBytes, 0, undefined);
    const tail =
      fileBytes >= 18 ? Buffer.from(await bytesAt(handle, fileBytes - 6, 6)).toString('latin1') : '';
    if (tail === 'ARROW1') return await openFile(path, handle, fileBytes);
    const damage = 'the file is cut short: it begins like an Arrow file and does not end like one';
    try {
      return await openStream(path, handle, fileBytes, 8, damage);
    } catch (error) {
      throw new InputError(path, damage, { place: `byte ${fileBytes}`, hint, cause: error });
    }
  } catch (error) {
    await handle.close();
    if (error instanceof InputError) throw error;
    throw new InputError(path, `the Arrow metadata is damaged: ${messageOf(error)}`, {
      place: 'schema',
      hint,
      cause: error,
    });
  }
}

async function openFile(path: string, handle: FileHandle, fileBytes: number): Promise<ArrowFile> {
  const end = await bytesAt(handle, fileBytes - 10, 4);
  const length = new DataView(end.buffer).getInt32(0, true);
  if (length <= 0 || length > fileBytes - 18 || length > maxMetadataBytes)
    throw new Error(`the footer declares ${length} bytes in a file of ${fileBytes}`);
  const footer = new FlatBuffer(await bytesAt(handle, fileBytes - 10 - length, length)).root();
  const table = footer.table(1);
  if (table === undefined) throw new Error('the footer has no schema');
  const blocks = (slot: number, name: string): Block[] => {
    const [ats, bodies] = footer.structs(slot, 24, [0, 16]);
    const metadata = footer.structInt32s(slot, 24, 8);
    let previous = 8;
    return metadata.map((bytes, i) => {
      const block = { at: ats![i]!, metadata: bytes, body: bodies![i]! };
      // In order and apart, so that a small footer cannot make one body be read thousands of times.
      if (block.at < previous || bytes <= 0 || block.body < 0 || block.at + bytes + block.body > fileBytes)
        throw new Error(
          `${name} ${i} lies at byte ${block.at} with ${bytes} + ${block.body} bytes of ${fileBytes}`,
        );
      previous = block.at + bytes + block.body;
      return block;
    });
  };
  return {
    ...opened(path, handle, fileBytes, table, footer.int16(0)),
    kind: 'file',
    firstMessage: 8,
    dictionaries: blocks(2, 'dictionary'),
    batches: blocks(3, 'record batch'),
    damage: undefined,
  };
}

async function openStream(
  path: string,
  handle: FileHandle,
  fileBytes: number,
  start: number,
  damage: string | undefined,
): Promise<ArrowFile> {
  const message = await messageAt(handle, start, fileBytes).catch((error: unknown) => {
    throw new InputError(path, `not an Arrow file or stream: ${messageOf(error)}`, {
      place: `byte ${start}`,
      cause: error,
    });
  });
  const table = message?.kind === 'schema' ? message.table.table(2) : undefined;
  if (table === undefined)
    throw new InputError(path, 'not an Arrow file or stream: it does not begin with a schema', {
      place: `byte ${start}`,
    });
  return {
    ...opened(path, handle, fileBytes, table, message!.table.int16(0)),
    kind: 'stream',
    firstMessage: message!.end,
    dictionaries: [],
    batches: [],
    damage,
  };
}

function opened(path: string, handle: FileHandle, fileBytes: number, table: FlatTable, version: number) {
  if (version < 3 || version > 4)
    throw new Error(`it has metadata version ${version + 1}; versions 4 and 5 are supported`);
  const layout = arrowSchemaOf(table);
  const fields = layout.nodes.map((node) => node.field);
  const twice = fields.find((field, i) => fields.findIndex(({ name }) => name === field.name) < i);
  if (twice !== undefined)
    throw new InputError(path, `two columns are named "${twice.name}"`, {
      place: 'schema',
      hint: 'rename one of them',
    });
  return {
    path,
    handle,
    fileBytes,
    layout,
    schema: new Schema(fields, layout.metadata),
    legacyUnions: version < 4,
  };
}

/** The message at a byte, or nothing at the end of the stream. Throws when it is damaged or cut short. */
export async function messageAt(
  handle: FileHandle,
  at: number,
  fileBytes: number,
): Promise<ArrowMessage | undefined> {
  if (at >= fileBytes) return undefined;
  if (at + 4 > fileBytes) throw new Error(`the stream is cut short at byte ${fileBytes}`);
  let bytes = await bytesAt(handle, at, Math.min(firstRead, fileBytes - at));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Since version 0.15 a mark of four FF bytes comes before the length.
  const prefix = view.getUint32(0, true) === 0xffffffff ? 8 : 4;
  if (bytes.length < prefix) throw new Error(`the stream is cut short at byte ${fileBytes}`);
  const length = view.getInt32(prefix - 4, true);
  if (length === 0) return undefined;
  if (length < 0 || length > maxMetadataBytes)
    throw new Error(`a message declares ${length} bytes of metadata`);
  const body = at + prefix + length;
  if (body > fileBytes) throw new Error(`the stream is cut short at byte ${fileBytes}`);
  if (prefix + length > bytes.length) bytes = await bytesAt(handle, at, prefix + length);
  const table = new FlatBuffer(bytes.subarray(prefix, prefix + length)).root();
  const bodyBytes = table.int64(3);
  if (bodyBytes < 0) throw new Error(`a message declares a body of ${bodyBytes} bytes`);
  const kind = (['other', 'schema', 'dictionary', 'batch'] as const)[table.uint8(1)] ?? 'other';
  const header = kind === 'other' ? undefined : table.table(2);
  const message = { kind, at, body, end: body + bodyBytes, header: undefined, dictionary: undefined, table };
  if (kind === 'other' || kind === 'schema') return message;
  if (header === undefined) throw new Error('a message has no header');
  if (kind === 'batch') return { ...message, header: batchHeader(header) };
  const data = header.table(1);
  if (data === undefined) throw new Error('a dictionary message has no values');
  return {
    ...message,
    header: batchHeader(data),
    dictionary: { id: header.int64(0), delta: header.bool(2) },
  };
}

/** The message of one entry of a file's index. */
export async function messageOfBlock(file: ArrowFile, block: Block): Promise<ArrowMessage> {
  const message = await messageAt(file.handle, block.at, file.fileBytes);
  if (message === undefined || message.header === undefined)
    throw new Error(`there is no record batch at byte ${block.at}`);
  // The index and the message must agree; bodies are then known not to overlap.
  if (message.end > block.at + block.metadata + block.body)
    throw new Error(`the record batch at byte ${block.at} is larger than the index says`);
  return message;
}

async function bytesAt(handle: FileHandle, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}`);
    filled += bytesRead;
  }
  return bytes;
}
