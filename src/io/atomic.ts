/**
 * Files that are either whole or absent: written to `<path>.tmp-<pid>-<n>` beside the target, flushed to disk, renamed, and the folder
 * flushed too. A process killed at any point leaves at worst a `.tmp-` file, which `removeLeftovers` deletes on the next run.
 */

import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../core/errors.ts';

let counter = 0;

function temporaryName(path: string): string {
  return `${path}.tmp-${process.pid}-${counter++}`;
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
  mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  const fd = openSync(temporary, 'w');
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    rmSync(temporary, { force: true });
    throw error;
  }
  closeSync(fd);
  renameSync(temporary, path);
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
    await mkdir(dirname(path), { recursive: true });
    const temporary = temporaryName(path);
    try {
      return new AtomicFile(path, temporary, await open(temporary, 'w'));
    } catch (error) {
      throw new UserError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  async write(data: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < data.length; ) {
        const { bytesWritten } = await this.handle.write(data, at, data.length - at);
        at += bytesWritten;
      }
    } catch (error) {
      throw new UserError(`cannot write ${this.path}: ${(error as Error).message}`, {
        hint:
          (error as NodeJS.ErrnoException).code === 'ENOSPC'
            ? 'the disk is full; make room and run again'
            : 'check the folder and run again',
        cause: error,
      });
    }
    this.hash.update(data);
    this.bytes += data.length;
  }

  /** Flushes, renames to the final name and returns size and sha256. */
  async commit(): Promise<{ bytes: number; sha256: string }> {
    await this.handle.sync();
    await this.handle.close();
    this.closed = true;
    try {
      await rename(this.temporary, this.path);
    } catch (error) {
      await rm(this.temporary, { force: true });
      throw new UserError(`cannot write ${this.path}: ${(error as Error).message}`, { cause: error });
    }
    syncFolder(dirname(this.path));
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  /** Drops what was written. Does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.handle.close();
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
    if (!/\.tmp-\d+-\d+$/.test(basename(name))) continue;
    await rm(join(folder, name), { force: true });
    removed++;
  }
  return removed;
}
