/**
 * The footer of a Parquet file: found, bounded, proven well formed, then parsed by hyparquet and checked against the file.
 * Every failure is an `InputError` that names the file and says what was found.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Schema } from 'apache-arrow';
import { type FileMetaData, parquetMetadata, type RowGroup } from 'hyparquet';
import { InputError, messageOf } from '../core/errors.ts';
import { openInput } from './open-input.ts';
import type { ByteReader } from './parquet-chunk.ts';
import { arrowSchema, type ColumnNode, columnTree, leavesOf } from './parquet-schema.ts';
import { checkThriftStruct } from './parquet-thrift.ts';

const maxFooterBytes = 512 * 1024 * 1024;
/** Arrow vectors and row numbers must stay exact in a double. */
const maxRows = 2 ** 48;

/** What a file is read through: an open file, or parts of one on the Hub. */
export interface ByteSource extends ByteReader {
  close(): Promise<void>;
}

export interface ParquetFile {
  path: string;
  handle: ByteSource;
  fileBytes: number;
  metadata: FileMetaData;
  columns: ColumnNode[];
  schema: Schema;
}

/** Opens a file and reads its footer. The caller closes `handle`. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const handle = await openInput(path);
  try {
    const { size } = await handle.stat();
    const metadata = await readFooter(path, handle, size);
    const columns = columnTree(metadata.schema);
    checkRowGroups(path, metadata, columns);
    return { path, handle, fileBytes: size, metadata, columns, schema: arrowSchema(columns) };
  } catch (error) {
    await handle.close();
    if (error instanceof InputError) throw error;
    throw new InputError(path, `the Parquet footer is damaged: ${messageOf(error)}`, {
      place: 'footer',
      cause: error,
    });
  }
}

async function readFooter(path: string, handle: FileHandle, size: number): Promise<FileMetaData> {
  const fail = (problem: string, hint?: string): never => {
    throw new InputError(path, problem, { place: 'footer', ...(hint === undefined ? {} : { hint }) });
  };
  if (size === 0) fail('the file is empty', 'download or write it again');
  if (size < 12)
    fail(`the file has ${size} bytes; a Parquet file has at least 12`, 'download or write it again');
  const head = await bytesAt(handle, 0, 4);
  const tail = await bytesAt(handle, size - 8, 8);
  const magic = Buffer.from(tail.subarray(4)).toString('latin1');
  if (magic === 'PARE') fail('the file is encrypted', 'decrypt it first');
  if (magic !== 'PAR1') {
    const begun = Buffer.from(head).toString('latin1') === 'PAR1';
    if (begun)
      fail(
        'the file is cut short: it begins like Parquet but does not end like it',
        'download or write it again',
      );
    fail('not a Parquet file: it neither begins nor ends with PAR1');
  }
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (length > size - 12)
    fail(`the footer declares ${length} bytes in a file of ${size}`, 'download or write it again');
  if (length > maxFooterBytes) fail(`the footer has ${length} bytes; the limit is ${maxFooterBytes}`);
  const bytes = await bytesAt(handle, size - 8 - length, length + 8);
  checkThriftStruct(bytes, 0, length);
  try {
    return parquetMetadata(bytes, { geoparquet: false, parsers: rawStatistics });
  } catch (error) {
    // Well formed, but a field is missing or names something that does not exist; hyparquet then trips over `undefined`.
    throw new Error(`its fields are missing or contradict each other (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/** Statistics are not used; these parsers keep odd ones from failing the whole file. */
const rawStatistics = {
  stringFromBytes: (bytes: Uint8Array) => bytes,
  jsonFromBytes: (bytes: Uint8Array) => bytes,
  geometryFromBytes: (bytes: Uint8Array) => bytes,
  geographyFromBytes: (bytes: Uint8Array) => bytes,
  uuidFromBytes: (bytes: Uint8Array) => bytes,
  dateFromDays: (days: number) => days,
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
};

async function bytesAt(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}`);
    filled += bytesRead;
  }
  return bytes;
}

function checkRowGroups(path: string, metadata: FileMetaData, columns: ColumnNode[]): void {
  const leaves = columns.flatMap(leavesOf);
  const names = new Set<string>();
  for (const { name } of columns) {
    if (names.has(name))
      throw new InputError(path, `two columns are named "${name}"`, {
        place: 'footer',
        hint: 'rename one of them',
      });
    names.add(name);
  }
  let rows = 0;
  for (const [i, group] of metadata.row_groups.entries()) {
    const n = rowsOf(group);
    if (!(n >= 0) || n > maxRows) throw new Error(`row group ${i} declares ${n} rows`);
    rows += n;
    if (group.columns.length !== leaves.length) {
      throw new Error(`row group ${i} has ${group.columns.length} columns, the schema ${leaves.length}`);
    }
    for (const [j, column] of group.columns.entries()) {
      if (column.file_path) throw new Error(`the column ${j} lies in another file (${column.file_path})`);
      if (column.crypto_metadata !== undefined || column.encrypted_column_metadata !== undefined) {
        throw new InputError(path, `the column "${leaves[j]!.path.join('.')}" is encrypted`, {
          place: 'footer',
          hint: 'decrypt it first',
        });
      }
      const meta = column.meta_data;
      if (meta === undefined) throw new Error(`column ${j} of row group ${i} has no metadata`);
      if (meta.type !== leaves[j]!.element.type) {
        throw new Error(
          `column "${leaves[j]!.path.join('.')}" is ${String(meta.type)} in row group ${i} and ${String(leaves[j]!.element.type)} in the schema`,
        );
      }
    }
  }
  if (rows > maxRows) throw new Error(`the file declares ${rows} rows`);
}

export function rowsOf(group: RowGroup): number {
  return Number(group.num_rows);
}
