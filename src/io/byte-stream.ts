/**
 * The bytes of a file, decompressed on the way (gzip, zstd), in pieces of bounded size. Memory does not depend on the file or on how well
 * it compresses. Many gzip members or zstd frames in one file are read one after the other.
 *
 * Everything that can be decompressed is delivered before the error: a file cut short gives its readable part, then an `InputError` with
 * the byte offset. Note on node:zlib: its zstd stream ends after the first frame and drops the rest without a word, so frames are
 * restarted here from the count of bytes the engine has taken.
 */
import type { Transform } from 'node:stream';
import { createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { InputError, messageOf } from '../core/errors.ts';
import { openInput } from './open-input.ts';

export type Compression = 'gzip' | 'zstd';

const readBytes = 256 * 1024;
/** Small, so that one piece of a zstd bomb cannot produce much before it is handed on. */
const compressedPiece = 16 * 1024;
const outputLimit = 4 * 1024 * 1024;
/** A file may expand this many times beyond a first gibibyte. gzip cannot reach it; zstd bombs exceed it many times over. */
const maxRatio = 2000;
const freeOutput = 1024 * 1024 * 1024;

/** The compression that a file's first bytes show, whatever its name says. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4) {
    const magic = (head[0]! | (head[1]! << 8) | (head[2]! << 16) | (head[3]! << 24)) >>> 0;
    if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
  }
  return undefined;
}

export interface ByteRangeOptions {
  compression?: Compression | undefined;
  /** Byte range of the file as stored; of a compressed one it must begin and end between gzip members or zstd frames. */
  start?: number;
  end?: number;
}

/** Pieces of the file. The consumer may keep them: no buffer is reused. */
export async function* readFileBytes(
  path: string,
  { compression, start = 0, end }: ByteRangeOptions = {},
): AsyncGenerator<Buffer> {
  const raw = rawPieces(path, start, end, compression === undefined ? readBytes : compressedPiece);
  if (compression === undefined) yield* raw;
  else yield* decompressed(path, raw, compression);
}

async function* rawPieces(
  path: string,
  start: number,
  end: number | undefined,
  size: number,
): AsyncGenerator<Buffer> {
  const handle = await openInput(path);
  try {
    const { size: total } = await handle.stat();
    for (let at = start; end === undefined || at < end; ) {
      // No more than the file has left: folders of small files would allocate a hundred times what they hold.
      const rest = total > at ? total - at : 4096;
      const buffer = Buffer.allocUnsafeSlow(Math.min(size, rest, end === undefined ? size : end - at));
      let bytesRead: number;
      try {
        ({ bytesRead } = await handle.read(buffer, 0, buffer.length, at));
      } catch (error) {
        throw new InputError(path, `cannot be read: ${messageOf(error)}`, {
          place: `byte ${at}`,
          cause: error,
        });
      }
      if (bytesRead === 0) {
        if (end !== undefined)
          throw new InputError(path, `ends at byte ${at}; it had ${end} when the job was planned`);
        return;
      }
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function* decompressed(
  path: string,
  source: AsyncIterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  /** Bytes of the file that the engines have taken. */
  let taken = 0;
  let delivered = 0;
  let engine = new DecompressionEngine(compression);
  let frames = 1;
  const bounded = (output: Buffer): Buffer => {
    delivered += output.length;
    if (delivered > freeOutput + maxRatio * (taken + engine.taken))
      throw new InputError(path, `the ${compression} data expands to more than ${maxRatio} times its size`, {
        place: `byte ${taken + engine.taken}`,
        hint: 'leave this file out, or decompress it yourself if it is what you expect',
      });
    return output;
  };
  try {
    for await (const piece of source) {
      let rest = piece;
      while (rest.length > 0) {
        const before = engine.taken;
        for await (const output of engine.feed(rest)) yield bounded(output);
        const used = engine.taken - before;
        taken += used;
        if (engine.error !== undefined) {
          if (frames > 1 && engine.taken === 0 && !looksCompressed(rest)) return; // Padding behind the last frame, as tar tools write it.
          throw damaged(path, compression, taken, engine.error);
        }
        if (!engine.ended) break;
        rest = rest.subarray(used);
        engine.close();
        // gzip: the engine goes through all members by itself and stops at padding; only zstd needs the next frame started.
        if (compression === 'gzip') return;
        if (rest.length > 0) frames++;
        engine = new DecompressionEngine(compression);
      }
    }
    if (engine.idle) return;
    for await (const output of engine.end()) yield bounded(output);
    if (engine.error !== undefined) throw damaged(path, compression, taken, engine.error);
  } finally {
    engine.close();
  }
}

function looksCompressed(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte !== 0);
}

function damaged(path: string, compression: Compression, at: number, error: Error): InputError {
  const { code } = error as NodeJS.ErrnoException;
  const short = code === 'Z_BUF_ERROR' || /unexpected end|incomplete/i.test(error.message);
  const problem = short
    ? `the ${compression} data is cut short`
    : `the ${compression} data is damaged: ${error.message}`;
  return new InputError(path, problem, {
    place: `byte ${at}`,
    hint: 'download or write the file again',
    cause: error,
  });
}

/** One zlib stream, driven piece by piece so that output is never lost to an error that follows it. */
export class DecompressionEngine {
  ended = false;
  error: Error | undefined;
  /** Nothing has been written yet. */
  idle = true;
  private readonly stream: Transform & { bytesWritten: number };
  private output: Buffer[] = [];
  private size = 0;
  private wake: () => void = () => {};

  constructor(compression: Compression | 'deflate-raw') {
    const options = { chunkSize: 64 * 1024 };
    const create = { gzip: createGunzip, zstd: createZstdDecompress, 'deflate-raw': createInflateRaw }[
      compression
    ];
    this.stream = create(options) as unknown as typeof this.stream;
    this.stream.on('data', (chunk: Buffer) => {
      this.output.push(chunk);
      this.size += chunk.length;
      if (this.size >= outputLimit) {
        this.stream.pause();
        this.wake();
      }
    });
    this.stream.on('error', (error: Error) => {
      this.error = error;
      this.wake();
    });
    this.stream.on('end', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** Compressed bytes this engine has taken. */
  get taken(): number {
    return this.stream.bytesWritten;
  }

  async *feed(piece: Buffer): AsyncGenerator<Buffer> {
    this.idle = false;
    let written = false;
    this.stream.write(piece, () => {
      written = true;
      this.wake();
    });
    yield* this.drain(() => written);
  }

  /** After the last piece. */
  async *end(): AsyncGenerator<Buffer> {
    this.stream.end();
    yield* this.drain(() => false);
  }

  /** Hands on output until `finished`, the end or an error; never waits while there is output. */
  private async *drain(finished: () => boolean): AsyncGenerator<Buffer> {
    for (;;) {
      const stop = finished() || this.ended || this.error !== undefined;
      if (this.output.length > 0) {
        const ready = this.output;
        this.output = [];
        this.size = 0;
        yield* ready;
        this.stream.resume();
        continue;
      }
      if (stop) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        if (finished() || this.ended || this.error !== undefined || this.output.length > 0) resolve();
      });
    }
  }

  close(): void {
    this.stream.destroy();
  }
}
