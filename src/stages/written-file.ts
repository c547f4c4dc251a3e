/** A file that a mixture wrote, as its manifest lists it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../io/file-hash.ts';
import type { WrittenFile } from './mix-manifest.ts';

/** `path` is relative to `output`, with forward slashes. */
export async function listFile(output: string, path: string): Promise<WrittenFile> {
  const full = join(output, path);
  const { size } = await stat(full);
  return { path, bytes: size, sha256: await sha256OfFile(full) };
}
