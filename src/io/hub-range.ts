/**
 * Row groups of a Parquet file on the Hub by range requests: first the footer, then of the row groups that are read the bytes of their columns,
 * neighbours in one request. What was fetched stays beside the cache's blobs, so it is not asked for twice; a file that is in the cache as a
 * whole is read there.
 *
 * Gives up: bytes of a part cannot be held against the hash of the whole file. Commit, ETag, range and length of every answer are, and page
 * checksums where the writer stored them.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from './atomic.ts';
import { hubRepositoryFolder } from './hub-cache.ts';
import { otherFile, resolvePath } from './hub-download.ts';
import { hubFetch, requestOf } from './hub-fetch.ts';
import { type HubFile, pinnedAddress } from './hub-file.ts';
import type { HubOptions } from './hub-settings.ts';
import { chunkRange } from './parquet-chunk.ts';
import { openParquet, type ParquetFile } from './parquet-footer.ts';
import { leavesOf } from './parquet-schema.ts';

/** Files from here on are read in parts where not all of them is needed. */
export const rangedFromBytes = 32 * 1024 * 1024;
/** Columns this near to each other come in one request. */
const gapBytes = 256 * 1024;
/** What one request asks for at most. */
const partBytes = 64 * 1024 * 1024;
const firstTailBytes = 512 * 1024;
const maxFooterBytes = 512 * 1024 * 1024;

type Range = readonly [start: number, end: number];

/** The footer alone, as a file that is read like the whole one; fetched where it is not there. Throws an `InputError`. */
export async function fetchHubFooter(file: HubFile, options: HubOptions = {}): Promise<string> {
  const path = join(rangeFolder(file, options), 'footer.parquet');
  if (existsSync(path)) return path;
  const fail = (problem: string): never => {
    throw new InputError(pinnedAddress(file), problem, { place: 'footer' });
  };
  if (file.bytes < 12) fail(`the file has ${file.bytes} bytes; a Parquet file has at least 12`);
  const from = Math.max(0, file.bytes - firstTailBytes);
  let tail = await fetchRange(file, [from, file.bytes], options);
  if (tail.toString('latin1', tail.length - 4) !== 'PAR1')
    fail('not a Parquet file: it does not end with PAR1');
  const length = tail.readUInt32LE(tail.length - 8);
  if (length > Math.min(maxFooterBytes, file.bytes - 12))
    fail(`the footer declares ${length} bytes in a file of ${file.bytes}`);
  const start = file.bytes - 8 - length;
  if (start < from) tail = Buffer.concat([await fetchRange(file, [start, from], options), tail]);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, Buffer.concat([Buffer.from('PAR1'), tail.subarray(tail.length - 8 - length)]));
  return path;
}

/** The file, open for reading these row groups (and columns) alone. The caller closes `handle`. */
export async function openHubParquet(
  file: HubFile,
  [first, end]: Range,
  only: readonly string[] | undefined,
  options: HubOptions = {},
): Promise<ParquetFile> {
  const footer = await openParquet(await fetchHubFooter(file, options));
  await footer.handle.close();
  const leaves = footer.columns.flatMap(leavesOf);
  const wanted: Range[] = [];
  for (const group of footer.metadata.row_groups.slice(first, end))
    for (const [i, { meta_data: meta }] of group.columns.entries()) {
      if (meta === undefined || (only !== undefined && !only.includes(leaves[i]!.path[0]!))) continue;
      try {
        const { start, end: behind } = chunkRange(meta, file.bytes);
        wanted.push([start, behind]);
      } catch {
        // The reader comes to the same and reports the row group.
      }
    }
  const parts: Part[] = [];
  for (const range of joined(wanted)) {
    options.signal?.throwIfAborted();
    parts.push({ range, path: await fetchPart(file, range, options) });
  }
  return { ...footer, path: pinnedAddress(file), fileBytes: file.bytes, handle: new PartsHandle(parts) };
}

/** Ranges in order, those near to each other as one, none much larger than a part. */
export function joined(ranges: readonly Range[]): Range[] {
  const all: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = all.at(-1);
    const isNear = last !== undefined && start - last[1] <= gapBytes;
    if (isNear && (start < last[1] || end - last[0] <= partBytes)) last[1] = Math.max(last[1], end);
    else all.push([start, end]);
  }
  return all;
}

interface Part {
  range: Range;
  path: string;
}

async function fetchPart(file: HubFile, range: Range, options: HubOptions): Promise<string> {
  const [start, end] = range;
  const path = join(rangeFolder(file, options), `${start}-${end}`);
  const there = await stat(path).catch(() => undefined);
  if (there?.size === end - start) return path;
  const bytes = await fetchRange(file, range, options);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, bytes);
  return path;
}

function rangeFolder(file: HubFile, options: HubOptions): string {
  return join(hubRepositoryFolder(file, options), 'ranges', file.oid);
}

/** Bytes `[start, end)` of a file on the Hub; an answer that is not these bytes is asked for again, what came before a cut is kept. */
async function fetchRange(file: HubFile, [start, end]: Range, options: HubOptions): Promise<Buffer> {
  const request = requestOf(options);
  const name = pinnedAddress(file);
  const bytes = Buffer.allocUnsafe(end - start);
  let at = 0;
  let etag: string | null | undefined;
  for (let tries = 0; at < bytes.length; ) {
    const before = at;
    let problem: string | undefined;
    const response = await hubFetch(request, resolvePath(file), {
      name,
      from: start + at,
      to: end - 1,
      accept: [416],
      onHub: (headers) => {
        problem ??= otherFile(file, headers);
      },
    });
    const { headers, status } = response;
    const span = /^bytes\s+(\d+)-(\d+)\/(\d+|\*)/.exec(headers.get('content-range') ?? '');
    if (status !== 206) problem ??= `the storage does not give ranges (${status})`;
    else if (span === null || Number(span[1]) !== start + at)
      problem ??= `the answer has another range than asked for (${headers.get('content-range')})`;
    else if (span[3] !== '*' && Number(span[3]) !== file.bytes)
      problem ??= `the file has ${span[3]} bytes, listed are ${file.bytes}`;
    else if (etag !== undefined && headers.get('etag') !== etag) {
      problem ??= 'the file changed while it was read (ETag)';
      at = 0;
    }
    if (problem !== undefined) {
      etag = undefined;
      at = 0;
      await response.body?.cancel();
    } else {
      etag = headers.get('etag');
      try {
        for await (const chunk of chunksOf(response, request.beforeStall)) {
          if (at + chunk.length > bytes.length) throw new Error('the answer has more bytes than asked for');
          bytes.set(chunk, at);
          at += chunk.length;
        }
        if (at < bytes.length) problem = `the connection ended at byte ${start + at}`;
      } catch (error) {
        request.signal?.throwIfAborted();
        problem = messageOf(error);
      }
    }
    if (problem === undefined) continue;
    if (at <= before && tries++ >= request.retries)
      throw new InputError(name, `cannot be read: ${problem}`, {
        place: `byte ${start + at}`,
        hint: 'run again',
      });
    if (tries > 0) await request.wait(tries - 1);
  }
  return bytes;
}

async function* chunksOf(
  response: Response,
  beforeStall: <T>(promise: Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  try {
    for (;;) {
      const { done, value } = await beforeStall(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Reads positions of the whole file out of the parts of it that are there. */
class PartsHandle {
  private readonly parts: readonly Part[];
  private readonly handles = new Map<Part, FileHandle>();

  constructor(parts: readonly Part[]) {
    this.parts = parts;
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const part = this.parts.find(({ range }) => position >= range[0] && position < range[1]);
    if (part === undefined) return { bytesRead: 0 };
    const handle = this.handles.get(part) ?? (await open(part.path));
    this.handles.set(part, handle);
    const { bytesRead } = await handle.read(
      buffer,
      offset,
      Math.min(length, part.range[1] - position),
      position - part.range[0],
    );
    return { bytesRead };
  }

  async close(): Promise<void> {
    for (const handle of this.handles.values()) await handle.close();
    this.handles.clear();
  }
}
