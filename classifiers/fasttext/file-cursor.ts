/**
 * Reads a binary model file from front to back, with every size checked against what is left of the file before anything is
 * allocated. Numbers are little-endian. Damage is an `InputError` with the byte offset.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { InputError, messageOf } from '../../src/core/errors.ts';

const windowBytes = 1 << 20;
/** Largest single read; the kernel refuses more than 2 GiB. */
const readBytes = 1 << 26;

const cure = 'the file is damaged or not a fastText model: get it again, or train it with fastText 0.9';

export class FileCursor {
  readonly path: string;
  readonly size: number;
  #handle: FileHandle;
  #window = Buffer.alloc(0);
  /** File offset of the window's first byte, and the place in the window that is read next. */
  #windowStart = 0;
  #at = 0;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  static async open(path: string): Promise<FileCursor> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      throw new InputError(path, `cannot be opened: ${messageOf(error)}`, {
        hint: 'give the path of a fastText model (.bin or .ftz)',
        cause: error,
      });
    }
    const stat = await handle.stat();
    if (!stat.isFile()) {
      await handle.close();
      throw new InputError(path, 'is not a file', {
        hint: 'give the path of a fastText model (.bin or .ftz)',
      });
    }
    return new FileCursor(path, stat.size, handle);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#windowStart + this.#at;
  }

  get left(): number {
    return this.size - this.position;
  }

  /** Bytes that can be taken without reading the file. */
  get buffered(): number {
    return this.#window.length - this.#at;
  }

  fail(problem: string): never {
    throw new InputError(this.path, problem, { place: `byte ${this.position}`, hint: cure });
  }

  /** Refuses `count` items of `bytes` each if the file cannot hold them. */
  expect(count: number, bytes: number, what: string): void {
    if (!(count >= 0) || count * bytes > this.left) {
      this.fail(`claims ${count} ${what}, but only ${this.left} bytes are left`);
    }
  }

  /** Makes at least `bytes` bytes available; fails where the file ends before. */
  async need(bytes: number): Promise<void> {
    if (this.buffered >= bytes) return;
    if (bytes > this.left) this.fail(`ends early: ${bytes} bytes are needed, ${this.left} are left`);
    await this.#refill(Math.max(bytes, windowBytes));
  }

  async #refill(bytes: number): Promise<void> {
    const position = this.position;
    const window = Buffer.alloc(Math.min(bytes, this.size - position));
    await this.#readAt(window, position);
    this.#window = window;
    this.#windowStart = position;
    this.#at = 0;
  }

  async #readAt(target: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < target.length) {
      const length = Math.min(readBytes, target.length - done);
      const { bytesRead } = await this.#handle.read(target, done, length, position + done);
      if (bytesRead === 0) this.fail('became shorter while it was read');
      done += bytesRead;
    }
  }

  /** After `need`. */
  int32(): number {
    this.#at += 4;
    return this.#window.readInt32LE(this.#at - 4);
  }

  /** A 64-bit integer; fails beyond 2^53. */
  int64(what: string): number {
    this.#at += 8;
    const value = Number(this.#window.readBigInt64LE(this.#at - 8));
    if (!Number.isSafeInteger(value)) this.fail(`claims an impossible ${what}: ${value}`);
    return value;
  }

  byte(): number {
    return this.#window[this.#at++]!;
  }

  /** True or false, stored as one byte. */
  flag(what: string): boolean {
    const value = this.byte();
    if (value > 1) this.fail(`has ${value} where ${what} should be 0 or 1`);
    return value === 1;
  }

  /** The bytes up to the next zero byte (not included), as a view; undefined when there is none within `limit` buffered bytes. */
  untilZero(limit: number): Uint8Array | undefined {
    const window = this.#window;
    const last = Math.min(window.length, this.#at + limit + 1);
    let end = this.#at;
    while (end < last && window[end] !== 0) end++;
    if (end === last) return undefined;
    const bytes = window.subarray(this.#at, end);
    this.#at = end + 1;
    return bytes;
  }

  /** Steps over `bytes` bytes; the caller has checked that they are there. */
  skip(bytes: number): void {
    if (bytes <= this.buffered) {
      this.#at += bytes;
      return;
    }
    const position = this.position + bytes;
    this.#window = Buffer.alloc(0);
    this.#windowStart = position;
    this.#at = 0;
  }

  /** Fills `target` from `position` of the file, without moving the cursor. */
  async copy(target: Uint8Array, position: number): Promise<void> {
    await this.#readAt(target, position);
  }
}
