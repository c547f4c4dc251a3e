/**
 * What kind of file an input is: as told, else by its name, else by its first bytes.
 */
import { open } from 'node:fs/promises';
import { InputError } from '../core/errors.ts';
import { compressionOf } from './byte-stream.ts';
import type { InputFormat, InputSpec } from './read-unit-types.ts';
import type { FolderListing } from './walk-folder.ts';

const extensions: [InputFormat, RegExp][] = [
  ['parquet', /\.(parquet|parq|pq)$/i],
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
  const main = (['parquet', 'jsonl', 'html'] as const).filter((name) => present.has(name));
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
  if (compressionOf(head) !== undefined || /^\uFEFF?\s*\{/.test(head.toString('utf8'))) return 'jsonl';
  if (/^\uFEFF?\s*\[/.test(head.toString('utf8'))) return 'json';
  throw new InputError(path, 'it cannot be told what kind of file this is', {
    hint: 'say so with format: parquet, jsonl, json, html or text',
  });
}
