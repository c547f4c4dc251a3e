/**
 * Files that are either whole or absent: written to `<path>.tmp-<pid>-<thread>-<own>-<n>` beside the target, flushed to disk, renamed, and the
 * folder flushed too. A process killed at any point leaves at worst a `.tmp-` file, which `removeLeftovers` deletes on the next run.
 */

import { createHash, randomInt } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { messageOf, UserError } from '../core/errors.ts';

/** Tells this thread from one of the same number on another machine that writes into the same folder; containers all begin at process 1. */
const own = randomInt(2 ** 32);
let counter = 0;

/** A name beside `path` that no other thread on any machine uses, and that `removeLeftovers` knows. */
export function temporaryName(path: string): string {
  return `${path}.tmp-${process.pid}-${threadId}-${own}-${counter++}`;
}

const cures: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room and run again, what was finished is kept',
  EDQUOT: 'the disk quota is used up; make room and run again, what was finished is kept',
  EFBIG:
    'the file is larger than this process may write (ulimit -f) or the file system takes; what was finished is kept',
  EROFS: 'that disk is read-only; choose another output folder',
  EACCES: 'the output folder must be writable; change its permissions or choose another',
  EPERM: 'the output folder must be writable; change its permissions or choose another',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
};

/** What a write that failed tells a user: the file, why, and the cure. */
export function cannotWrite(path: string, error: unknown): UserError {
  return new UserError(`cannot write ${path}: ${messageOf(error)}`, {
    hint: cures[(error as NodeJS.ErrnoException).code ?? ''] ?? 'check the folder and run again',
    cause: error,
  });
}

/** Makes a folder and those above it. Throws a `UserError` that says why it cannot. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    // On a read-only disk that says "no such file"; making the topmost missing one says what is wrong.
    let top = folder;
    while (dirname(top) !== top && !existsSync(dirname(top))) top = dirname(top);
    try {
      mkdirSync(top);
    } catch (cause) {
      throw cannotWrite(folder, cause);
    }
    throw cannotWrite(folder, error);
  }
}

/** Writes `data` to `path` so that a reader sees the old file or the new one, never a part. Makes the folder if needed. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.write(typeof data === 'string' ? Buffer.from(data) : data);
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** The same for small files where waiting is simpler than awaiting (exit handlers, markers). */
export function writeFileAtomicSync(path: string, data: string | Uint8Array): void {
  const temporary = temporaryName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(temporary, 'w');
    try {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw cannotWrite(path, error);
  }
  syncFolder(dirname(path));
}

/** A file being written: append bytes, then `commit` or `abort`. Counts bytes and their sha256 on the way. */
export class AtomicFile {
  readonly path: string;
  private readonly temporary: string;
  private readonly handle: FileHandle;
  private readonly hash = createHash('sha256');
  private closed = false;
  /** Bytes written so far. */
  bytes = 0;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.temporary = temporary;
    this.handle = handle;
  }

  static async create(path: string): Promise<AtomicFile> {
    const temporary = temporaryName(path);
    try {
      await mkdir(dirname(path), { recursive: true });
      return new AtomicFile(path, temporary, await open(temporary, 'w'));
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  async write(data: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < data.length; ) {
        const { bytesWritten } = await this.handle.write(data, at, data.length - at);
        at += bytesWritten;
      }
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
    this.hash.update(data);
    this.bytes += data.length;
  }

  /**
   * Flushes, renames to the final name and returns size and sha256. Leaves nothing behind when that fails. `flush: false` leaves it to the
   * system when the bytes reach the disk: for many small files that a reader checks and that can be made again after a power failure.
   */
  async commit({ flush = true } = {}): Promise<{ bytes: number; sha256: string }> {
    try {
      // A file system that allots space late reports a full disk here.
      if (flush) await this.handle.sync();
      await this.handle.close();
      await rename(this.temporary, this.path);
    } catch (error) {
      await this.abort();
      throw cannotWrite(this.path, error);
    }
    this.closed = true;
    if (flush) syncFolder(dirname(this.path));
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  /** Drops what was written. Does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.handle.close().catch(() => {}); // closed already when the rename failed
    await rm(this.temporary, { force: true });
  }
}

/** Makes a rename durable. Windows cannot open folders; there the rename itself is the best there is. */
export function syncFolder(folder: string): void {
  let fd: number;
  try {
    fd = openSync(folder, constants.O_RDONLY);
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } catch {
    // Some network file systems refuse fsync on a folder; the rename has still happened.
  } finally {
    closeSync(fd);
  }
}

/** Deletes `.tmp-` files that a killed process left in `folder` (not below it). Only call when no other process writes there. */
export async function removeLeftovers(folder: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    if (!/\.tmp-\d+(-\d+)+$/.test(basename(name))) continue;
    await rm(join(folder, name), { force: true });
    removed++;
  }
  return removed;
}
