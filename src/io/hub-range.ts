/**
 * Bytes of a file on the Hub by range requests, and with them the footer of a Parquet file.
 *
 * Every answer is held against what the plan pinned: the commit and the content's hash that the Hub names (`x-repo-commit`, `x-linked-etag`),
 * the size of the whole, the range that was asked for, and over one range the ETag of the storage. What came before a cut is kept, and what
 * contradicts itself is asked for again. A file that has other content than was planned is refused.
 *
 * Gives up: a hash of the whole cannot be held against a part of it. Where the writer of a Parquet file stored checksums of pages, they are
 * compared (parquet-chunk.ts); else a bit that falls over behind TLS shows only where decompression or structure trips over it. Who wants the
 * whole hash fetches the whole file first (`midtrain pull`), which is then read.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from './atomic.ts';
import { FetchError } from './fetch-error.ts';
import { hubRepositoryFolder } from './hub-cache.ts';
import { fetchHubFile, isHubFileCached, otherFile, resolvePath, rewritten } from './hub-download.ts';
import { hubFetch, requestOf } from './hub-fetch.ts';
import { type HubFile, pinnedAddress } from './hub-file.ts';
import type { HubOptions } from './hub-settings.ts';

/** Most footers are smaller (100 row groups of 10 columns: some 150 kB). */
const firstTailBytes = 256 * 1024;
const maxFooterBytes = 512 * 1024 * 1024;

export type Range = readonly [start: number, end: number];

/** Where parts of a file lie, beside the cache's blobs. */
export function rangeFolder(file: HubFile, options: HubOptions): string {
  return join(hubRepositoryFolder(file, options), 'ranges', file.oid);
}

/** The footer alone, as a file that is read like the whole one; fetched where it is not there. Throws an `InputError`. */
export async function fetchHubFooter(file: HubFile, options: HubOptions = {}): Promise<string> {
  const path = join(rangeFolder(file, options), 'footer.parquet');
  if (existsSync(path)) return path;
  if (await isHubFileCached(file, options)) return fetchHubFile(file, options);
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

/** Bytes `[start, end)` of a file on the Hub, held in memory. Throws an `InputError` that names the byte where it ended. */
export async function fetchRange(file: HubFile, [start, end]: Range, options: HubOptions): Promise<Buffer> {
  const request = requestOf(options);
  const name = pinnedAddress(file);
  const bytes = Buffer.allocUnsafe(end - start);
  let at = 0;
  let etag: string | null | undefined;
  let others = 0;
  for (let tries = 0; at < bytes.length; ) {
    const before = at;
    let other: string | undefined;
    const response = await hubFetch(request, resolvePath(file), {
      name,
      from: start + at,
      to: end - 1,
      accept: [416],
      onHub: (headers) => {
        other ??= otherFile(file, headers);
      },
    });
    const { headers, status } = response;
    const span = /^bytes\s+(\d+)-(\d+)\/(\d+|\*)/.exec(headers.get('content-range') ?? '');
    let problem = other;
    if (status !== 206) problem ??= `the storage does not give ranges (${status})`;
    else if (span === null || Number(span[1]) !== start + at)
      problem ??= `the answer has another range than asked for (${headers.get('content-range')})`;
    else if (span[3] !== '*' && Number(span[3]) !== file.bytes)
      problem ??= `the file has ${span[3]} bytes, listed are ${file.bytes}`;
    else if (etag !== undefined && headers.get('etag') !== etag)
      problem ??= 'the file changed while it was read (ETag)';
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
    // Once may be a server that lags behind.
    if (other !== undefined && others++ >= 1) throw rewritten(file, other);
    if (at <= before && tries++ >= request.retries)
      throw new FetchError(name, `cannot be read: ${problem}`, {
        place: `byte ${start + at}`,
        hint: 'run again; what is done is kept',
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
