/**
 * A Parquet file on the Hub, open for reading some of its row groups and columns without the rest: the footer, then the bytes of what is
 * read, in parts of at most 16 MiB, each asked for when the reader first comes to it.
 *
 * Neighbouring columns come in one part. Parts lie beside the cache's blobs under `ranges/<oid>/<start>-<end>`, so what a kill interrupted is
 * not asked for twice; `discard` deletes those of a unit that was read to its end and is not needed again, so a job streams a corpus
 * that is larger than the disk. A reader of the whole file looks for it in the cache first (read-unit.ts).
 * What is verified of a part, and what cannot be: hub-range.ts.
 */
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from './atomic.ts';
import { type HubFile, pinnedAddress } from './hub-file.ts';
import { fetchHubFooter, fetchRange, type Range, rangeFolder } from './hub-range.ts';
import type { HubOptions } from './hub-settings.ts';
import { chunkRange } from './parquet-chunk.ts';
import { type ByteSource, openParquet, type ParquetFile } from './parquet-footer.ts';
import { leavesOf } from './parquet-schema.ts';

/** Columns this near to each other come in one request. */
const gapBytes = 256 * 1024;
/** What one request asks for at most; it is in memory once. */
const partBytes = 16 * 1024 * 1024;

/** A file of which parts are fetched as they are read. */
export interface HubParquet extends ParquetFile {
  handle: ByteSource & {
    /** Deletes what was fetched and lies here. For a unit that was read to its end, and for one whose bytes turned out damaged. */
    discard(): Promise<void>;
  };
}

/** The file, open for reading these row groups (and columns) alone. The caller closes `handle`. */
export async function openHubParquet(
  file: HubFile,
  [first, end]: Range,
  only: readonly string[] | undefined,
  options: HubOptions = {},
): Promise<HubParquet> {
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
  const handle = new PartsHandle(file, joined(wanted), options);
  return { ...footer, path: pinnedAddress(file), fileBytes: file.bytes, handle };
}

/** Ranges in order, those near to each other as one, cut into parts of `limit` bytes at most. */
export function joined(ranges: readonly Range[], limit = partBytes): Range[] {
  const all: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = all.at(-1);
    const isNear = last !== undefined && start - last[1] <= gapBytes;
    if (isNear && (start < last[1] || end - last[0] <= limit)) last[1] = Math.max(last[1], end);
    else all.push([start, end]);
  }
  return all.flatMap(([start, end]) => {
    const count = Math.max(1, Math.ceil((end - start) / limit));
    const at = (i: number): number => start + Math.floor(((end - start) * i) / count);
    return Array.from({ length: count }, (_, i): Range => [at(i), at(i + 1)]);
  });
}

/** Reads positions of the whole file out of parts of it, each fetched when it is first needed. */
class PartsHandle implements ByteSource {
  private readonly file: HubFile;
  private readonly parts: readonly Range[];
  private readonly options: HubOptions;
  private readonly handles = new Map<Range, Promise<FileHandle>>();

  constructor(file: HubFile, parts: readonly Range[], options: HubOptions) {
    this.file = file;
    this.parts = parts;
    this.options = options;
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const part = this.parts.find(([start, end]) => position >= start && position < end);
    if (part === undefined) return { bytesRead: 0 };
    let opened = this.handles.get(part);
    if (opened === undefined) {
      opened = this.open(part);
      this.handles.set(part, opened);
    }
    const [start, end] = part;
    const handle = await opened;
    const { bytesRead } = await handle.read(
      buffer,
      offset,
      Math.min(length, end - position),
      position - start,
    );
    return { bytesRead };
  }

  async close(): Promise<void> {
    for (const opened of this.handles.values())
      await opened.then(
        (handle) => handle.close(),
        () => {},
      );
    this.handles.clear();
  }

  async discard(): Promise<void> {
    for (const part of this.parts) await rm(this.pathOf(part), { force: true });
  }

  private pathOf([start, end]: Range): string {
    return join(rangeFolder(this.file, this.options), `${start}-${end}`);
  }

  private async open(part: Range): Promise<FileHandle> {
    const [start, end] = part;
    const path = this.pathOf(part);
    for (;;) {
      this.options.signal?.throwIfAborted();
      const there = await stat(path).catch(() => undefined);
      if (there?.size !== end - start) {
        const bytes = await fetchRange(this.file, part, this.options);
        await mkdir(dirname(path), { recursive: true });
        await writeFileAtomic(path, bytes);
      }
      try {
        return await open(path);
      } catch (error) {
        // Another job that had read the same part was through with it in between.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
}
