/**
 * What kind of file an input is: as told, else by its name, else by its first bytes.
 */
import { open } from 'node:fs/promises';
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { InputError } from '../core/errors.ts';
import { compressionOf } from './byte-stream.ts';
import type { InputFormat, InputSpec } from './read-unit-types.ts';
import type { FolderListing } from './walk-folder.ts';

const extensions: [InputFormat, RegExp][] = [
  ['parquet', /\.(parquet|parq|pq)$/i],
  ['arrow', /\.(arrow|arrows|arrow_file|feather|ipc)$/i],
  ['wet', /\.wet(\.(gz|zst))?$/i],
  ['warc', /\.(warc|arc|wat)(\.(gz|zst))?$/i],
  ['jsonl', /\.(jsonl|ndjson|jsonlines)(\.(gz|gzip|zst|zstd))?$|\.json\.(gz|gzip|zst|zstd)$/i],
  ['html', /\.(html|htm|xhtml)$/i],
  ['json', /\.json$/i],
  ['text', /\.(txt|md|text)$/i],
];

/** The format a file name stands for. */
export function formatOf(name: string): InputFormat | undefined {
  return extensions.find(([, pattern]) => pattern.test(name))?.[0];
}

/** `auto` takes data files and pages; `.json` and text files, which also serve as notes, only where there is nothing else. */
export function formatsFor(format: 'auto' | InputFormat, listing: FolderListing): InputFormat[] {
  if (format === 'json' || format === 'jsonl') return ['jsonl', 'json'];
  if (format !== 'auto') return [format];
  const present = new Set(listing.files.map(({ path }) => formatOf(path)));
  const main = (['parquet', 'arrow', 'warc', 'wet', 'jsonl', 'html'] as const).filter((name) =>
    present.has(name),
  );
  if (main.length > 0) return [...main];
  return present.has('json') ? ['json'] : ['text'];
}

/** The first 4 KiB. */
export async function headOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The format of a file: as told, else by name, else by its first bytes. */
export function fileFormat(input: InputSpec, path: string, head: Buffer): InputFormat {
  if (input.format !== undefined && input.format !== 'auto') return input.format;
  const byName = formatOf(path);
  if (byName !== undefined) return byName;
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet';
  const start = head.toString('latin1', 0, 12);
  if (/^(ARROW1|FEA1)/.test(start) || /^\xff\xff\xff\xff...\0/s.test(start)) return 'arrow';
  const inner = firstCharacters(head);
  if (/^(WARC\/|filedesc:)/.test(inner)) return 'warc';
  if (compressionOf(head) !== undefined || /^\uFEFF?\s*\{/.test(head.toString('utf8'))) return 'jsonl';
  if (/^\uFEFF?\s*\[/.test(head.toString('utf8'))) return 'json';
  throw new InputError(path, 'it cannot be told what kind of file this is', {
    hint: 'say so with format: parquet, arrow, jsonl, json, warc, wet, html or text',
  });
}

/** The beginning of what a file holds, out of its gzip or zstd data where there is some. */
export function firstCharacters(head: Buffer): string {
  const compression = compressionOf(head);
  try {
    const flush = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 8 << 20 };
    if (compression === 'gzip') return gunzipSync(head, flush).toString('latin1', 0, 16);
    if (compression === 'zstd')
      return zstdDecompressSync(head, {
        finishFlush: constants.ZSTD_e_flush,
        maxOutputLength: 8 << 20,
      }).toString('latin1', 0, 16);
  } catch {
    return '';
  }
  return head.toString('latin1', 0, 16);
}
