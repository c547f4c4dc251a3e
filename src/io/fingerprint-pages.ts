/** One fingerprint for all pages of an input: there may be millions of them, and the plan lists inputs, not pages. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fingerprintFile, fullLimit } from './file-hash.ts';
import type { FoundFile } from './walk-folder.ts';

/** Bytes of all pages of an input up to which their contents decide its fingerprint. */
export const pagesReadWhole = 4 * fullLimit;

/** Size and fingerprint of the pages of one input, which must be in the order of the listing: by path. */
export async function fingerprintPages(
  folder: string,
  pages: readonly FoundFile[],
): Promise<{ bytes: number; fingerprint: string }> {
  const total = pages.reduce((sum, file) => sum + file.bytes, 0);
  const hash = createHash('sha256');
  for (const { path, bytes } of pages) {
    hash.update(`${path}\n${bytes}\n`);
    // Beyond the limit names and sizes stand for the content.
    if (total <= pagesReadWhole) hash.update(await fingerprintOf(join(folder, path)));
  }
  return { bytes: total, fingerprint: hash.digest('hex').slice(0, 16) };
}

async function fingerprintOf(path: string): Promise<string> {
  try {
    return (await fingerprintFile(path)).fingerprint;
  } catch {
    return 'unreadable';
  }
}
