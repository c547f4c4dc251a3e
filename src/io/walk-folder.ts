/**
 * The files below a folder in a fixed order (by path, code unit by code unit), whatever order the file system gives.
 *
 * Names that begin with a dot are left out. Symbolic links to files are followed only when they end inside the folder; links to folders
 * never are, so there are no loops and nothing outside the folder is read. What was left out is counted, not silent.
 */
import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';

const maxFiles = 5_000_000;

export interface FoundFile {
  /** Relative to the folder, with forward slashes. */
  path: string;
  bytes: number;
}
export interface FolderListing {
  files: FoundFile[];
  /** Symbolic links not followed. */
  links: string[];
  failures: { file: string; problem: string }[];
}

export async function walkFolder(root: string): Promise<FolderListing> {
  const listing: FolderListing = { files: [], links: [], failures: [] };
  const realRoot = await realpath(root);
  await walk(root, '', realRoot, listing);
  listing.files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return listing;
}

async function walk(root: string, relative: string, realRoot: string, listing: FolderListing): Promise<void> {
  const folder = join(root, relative);
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    listing.failures.push({ file: folder, problem: `the folder cannot be read: ${messageOf(error)}` });
    return;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
    const full = join(root, path);
    if (entry.isDirectory()) {
      await walk(root, path, realRoot, listing);
      continue;
    }
    try {
      if (entry.isSymbolicLink() && !(await staysInside(full, realRoot))) {
        listing.links.push(path);
        continue;
      }
      const info = entry.isSymbolicLink() ? await stat(full) : await lstat(full);
      if (!info.isFile()) continue;
      if (listing.files.length >= maxFiles)
        throw new UserError(`${root} holds more than ${maxFiles} files`, { hint: 'split it' });
      listing.files.push({ path, bytes: info.size });
    } catch (error) {
      if (error instanceof UserError) throw error;
      listing.failures.push({ file: full, problem: messageOf(error) });
    }
  }
}

/** Whether a link ends at a file inside the folder. */
async function staysInside(link: string, realRoot: string): Promise<boolean> {
  try {
    const target = await realpath(link);
    return target.startsWith(realRoot + sep) && (await stat(target)).isFile();
  } catch {
    return false;
  }
}
