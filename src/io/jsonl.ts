/**
 * Small JSON-lines files as a whole: RL problems, rollouts, metrics, manifests. Corpora go through `readUnit` instead.
 * `.gz` and `.zst` are decompressed by name. A line that is not JSON is an `InputError` with its number.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { InputError } from '../core/errors.ts';
import { AtomicFile } from './atomic.ts';
import { jsonText } from './json-value.ts';

const maxSmallFile = 512 * 1024 * 1024;

/** Every record of the file; also accepts a file that is one JSON array. `T` is what the caller checks or trusts. */
export async function readJsonLines<T = Record<string, unknown>>(path: string): Promise<T[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
    if (path.endsWith('.gz')) bytes = gunzipSync(bytes, { maxOutputLength: maxSmallFile });
    else if (path.endsWith('.zst')) bytes = zstdDecompressSync(bytes, { maxOutputLength: maxSmallFile });
  } catch (error) {
    throw new InputError(path, (error as Error).message, { cause: error });
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (/^\s*\[/.test(text)) {
    try {
      return JSON.parse(text) as T[];
    } catch (error) {
      throw new InputError(path, `not a JSON array: ${(error as Error).message}`, { cause: error });
    }
  }
  const rows: T[] = [];
  let line = 0;
  for (const part of text.split('\n')) {
    line++;
    if (part.trim() === '') continue;
    try {
      rows.push(JSON.parse(part) as T);
    } catch (error) {
      throw new InputError(path, `not JSON: ${(error as Error).message}`, {
        place: `line ${line}`,
        cause: error,
      });
    }
  }
  return rows;
}

/** Writes one line per row, whole or not at all. BigInts are written as numbers. */
export async function writeJsonLines(
  path: string,
  rows: Iterable<unknown>,
): Promise<{ bytes: number; sha256: string }> {
  const file = await AtomicFile.create(path);
  try {
    let pending: string[] = [];
    let size = 0;
    for (const row of rows) {
      const line = jsonText(row);
      pending.push(line, '\n');
      size += line.length;
      if (size > 1 << 20) {
        await file.write(Buffer.from(pending.join('')));
        pending = [];
        size = 0;
      }
    }
    await file.write(Buffer.from(pending.join('')));
    return await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}
