/**
 * The members of a gzip file one by one, with the byte where each begins: what a WARC file is cut at, since each of its records is a
 * member, and what a JSON-lines file can be cut at when it was written in blocks.
 *
 * A member is inflated in one go where it is small, and as a stream where it is large or damaged, so that memory stays bounded and all
 * output before the damage is delivered. Checksums and lengths are verified. Behind a damaged member the next one is looked for, among
 * bytes that begin a member whose first output `looksRight`; without that test the rest of the file is given up, and said to be.
 * Source: RFC 1952.
 */
import type { FileHandle } from 'node:fs/promises';
import { constants, crc32, inflateRawSync } from 'node:zlib';
import { InputError, messageOf } from '../core/errors.ts';
import { DecompressionEngine } from './byte-stream.ts';
import { openInput } from './open-input.ts';

export type MemberEvent =
  /** A member begins at byte `at` of the file. */
  | { kind: 'start'; at: number }
  | { kind: 'bytes'; bytes: Buffer }
  /** The member is whole and its checksum is right; the next begins at `at`. */
  | { kind: 'end'; at: number }
  /** The member that began at `at` is damaged; reading goes on at `next` if there is one. */
  | { kind: 'damaged'; at: number; problem: string; next: number | undefined };

const windowBytes = 1024 * 1024;
const largeOutput = 16 * 1024 * 1024;
const maxHeader = 128 * 1024;
const maxTrials = 10_000;
/** Output of damaged members, beyond a multiple of the way gone: members made to overlap would be inflated again and again. */
const freeWaste = 32 * 1024 * 1024;
const maxWaste = 8;
/** Of a member, beyond the first gibibyte. Deflate cannot exceed 1032. */
const streamPiece = 64 * 1024;

export interface MemberOptions {
  start?: number;
  end?: number;
  /** Whether a member may begin with these bytes: tells members from bytes that look like one. */
  looksRight?: (head: Buffer) => boolean;
}

export async function* gzipMembers(
  path: string,
  { start = 0, end, looksRight }: MemberOptions = {},
): AsyncGenerator<MemberEvent> {
  const handle = await openInput(path);
  try {
    const input = new FileWindow(path, handle, end);
    let wasted = 0;
    for (let at = start; ; ) {
      const head = await input.at(at, maxHeader);
      const zeros = leadingZeros(head);
      if (head.length === 0) return;
      if (zeros > 0) {
        // Padding, as tape tools write it.
        at += zeros;
        continue;
      }
      const body = headerEnd(head);
      const isShort = head.length < 18 && head[0] === 0x1f && (head.length === 1 || head[1] === 0x8b);
      let problem = isShort ? 'the gzip data is cut short' : 'it does not begin with a gzip header';
      if (body !== undefined) {
        yield { kind: 'start', at };
        const small = await smallMember(input, at, at + body);
        if (small !== undefined && small.problem === undefined) {
          if (small.bytes.length > 0) yield { kind: 'bytes', bytes: small.bytes };
          at = small.end;
          yield { kind: 'end', at };
          continue;
        }
        if (small?.problem !== undefined && looksRight !== undefined) {
          const after = await input.at(small.end, maxHeader);
          if (after.length === 0 || headerEnd(after) !== undefined) {
            yield { kind: 'damaged', at, problem: small.problem, next: small.end };
            at = small.end;
            continue;
          }
        }
        const result: MemberResult = {};
        yield* largeMember(input, at + body, result);
        if (result.end !== undefined) {
          at = result.end;
          yield { kind: 'end', at };
          continue;
        }
        problem = result.problem ?? problem;
        wasted += (result.length ?? 0) + (small?.bytes.length ?? 0);
      }
      const hopeless = looksRight === undefined || wasted > freeWaste + maxWaste * (at - start);
      const next = hopeless ? undefined : await nextMember(input, at + 1, looksRight);
      yield { kind: 'damaged', at, problem, next };
      if (next === undefined) return;
      at = next;
    }
  } finally {
    await handle.close();
  }
}

function leadingZeros(bytes: Buffer): number {
  let n = 0;
  while (n < bytes.length && bytes[n] === 0) n++;
  return n;
}

/** Where the deflate data of a member begins, or nothing when this is no member. */
function headerEnd(head: Buffer): number | undefined {
  if (head.length < 18 || head[0] !== 0x1f || head[1] !== 0x8b || head[2] !== 8) return undefined;
  const flags = head[3]!;
  if ((flags & 0xe0) !== 0) return undefined;
  let at = 10;
  if (flags & 4) at += 2 + head.readUInt16LE(10);
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue;
    const zero = head.indexOf(0, at);
    if (zero < 0) return undefined;
    at = zero + 1;
  }
  if (flags & 2) at += 2;
  return at < head.length ? at : undefined;
}

/** A member inflated at once, perhaps with a wrong checksum; nothing when it is large, cut short, or damaged so that its end is not known. */
async function smallMember(
  input: FileWindow,
  start: number,
  at: number,
): Promise<{ bytes: Buffer; end: number; problem: string | undefined } | undefined> {
  for (let size = 64 * 1024; ; size *= 4) {
    const data = await input.at(at, size);
    try {
      const { buffer, engine } = inflateRawSync(data, {
        info: true,
        maxOutputLength: largeOutput,
        chunkSize: 64 * 1024,
      }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      const end = at + engine.bytesWritten;
      const trailer = await input.at(end, 8);
      if (trailer.length < 8) return undefined;
      return { bytes: buffer, end: end + 8, problem: trailerProblem(trailer, crc32(buffer), buffer.length) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') return undefined;
      // Cut short by the window, or by the end of the file.
      if (data.length < size || at - start + size >= largeOutput) return undefined;
    }
  }
}

function trailerProblem(trailer: Buffer, checksum: number, length: number): string | undefined {
  if (trailer.length < 8) return 'the gzip data is cut short';
  if (trailer.readUInt32LE(0) !== checksum) return 'the gzip data fails its checksum';
  return trailer.readUInt32LE(4) === length % 2 ** 32
    ? undefined
    : 'the gzip data has another length than it says';
}

interface MemberResult {
  end?: number;
  /** Bytes of output. */
  length?: number;
  problem?: string | undefined;
}

/** A member as a stream; `result` gets its end, or what is wrong with it. */
async function* largeMember(
  input: FileWindow,
  start: number,
  result: MemberResult,
): AsyncGenerator<MemberEvent> {
  const engine = new DecompressionEngine('deflate-raw');
  let checksum = 0;
  let length = 0;
  const event = (bytes: Buffer): MemberEvent => {
    checksum = crc32(bytes, checksum);
    length += bytes.length;
    return { kind: 'bytes', bytes };
  };
  try {
    let ended = false;
    for (let at = start; !engine.ended && engine.error === undefined; ) {
      const piece = await input.at(at, streamPiece);
      at += piece.length;
      if (piece.length === 0) {
        for await (const bytes of engine.end()) yield event(bytes);
        ended = true;
        break;
      }
      // The window is filled anew while the engine may still read its input.
      for await (const bytes of engine.feed(Buffer.from(piece))) yield event(bytes);
    }
    if (engine.error !== undefined || (ended && !engine.ended)) {
      const { code, message } = (engine.error ?? { message: '' }) as NodeJS.ErrnoException;
      result.problem =
        ended || code === 'Z_BUF_ERROR'
          ? 'the gzip data is cut short'
          : `the gzip data is damaged: ${message}`;
      return;
    }
    const end = start + engine.taken;
    result.problem = trailerProblem(await input.at(end, 8), checksum, length);
    if (result.problem === undefined) result.end = end + 8;
  } finally {
    result.length = length;
    engine.close();
  }
}

async function nextMember(
  input: FileWindow,
  from: number,
  looksRight: (head: Buffer) => boolean,
): Promise<number | undefined> {
  let trials = 0;
  for (let at = from; ; ) {
    const bytes = await input.at(at, windowBytes);
    if (bytes.length < 18) return undefined;
    let found = bytes.indexOf(mark);
    for (; found >= 0; found = bytes.indexOf(mark, found + 1)) {
      const body = headerEnd(bytes.subarray(found));
      if (body === undefined) continue;
      if (++trials > maxTrials) return undefined;
      if (looksRight(firstOutput(bytes.subarray(found + body, found + body + 4096)))) return at + found;
    }
    // Marks across the border of two windows are seen in the second.
    at += Math.max(1, bytes.length - 1024);
    if (bytes.length < windowBytes) return undefined;
  }
}

const mark = Buffer.from([0x1f, 0x8b, 8]);

function firstOutput(data: Buffer): Buffer {
  try {
    return inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 });
  } catch {
    return Buffer.alloc(0);
  }
}

/** Bytes of the file around the place where it is read; what is handed out is valid until the next call. */
class FileWindow {
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly end: number;
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;

  constructor(path: string, handle: FileHandle, end: number | undefined) {
    this.path = path;
    this.handle = handle;
    this.end = end ?? Number.POSITIVE_INFINITY;
  }

  /** Up to `length` bytes from `at`; fewer only at the end. */
  async at(at: number, length: number): Promise<Buffer> {
    const size = Math.max(0, Math.min(length, this.end - at));
    const from = at - this.start;
    if (from >= 0 && from + size <= this.buffer.length) return this.buffer.subarray(from, from + size);
    const want = Math.max(0, Math.min(Math.max(size, windowBytes), this.end - at));
    const buffer = Buffer.allocUnsafeSlow(want);
    let filled = 0;
    // What is already here is kept.
    if (from >= 0 && from < this.buffer.length) filled = this.buffer.copy(buffer, 0, from);
    while (filled < want) {
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.handle.read(buffer, filled, want - filled, at + filled));
      } catch (error) {
        throw new InputError(this.path, `cannot be read: ${messageOf(error)}`, {
          place: `byte ${at}`,
          cause: error,
        });
      }
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.buffer = buffer.subarray(0, filled);
    this.start = at;
    return this.buffer.subarray(0, Math.min(size, filled));
  }
}
