/**
 * The cache that Python's `huggingface_hub` uses: where a repository, its commits and their lists of files lie.
 *
 * `blobs/<oid>` holds contents, `snapshots/<commit>/` links to them, `refs/<revision>` a commit, `trees/<commit>.json` the list of files of
 * a commit (huggingface_hub from 2.x on), which never changes and so serves again and offline.
 * Source: huggingface_hub 2.4 `file_download.py`, `_tree_cache.py`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from './atomic.ts';
import { type HubAddress, type HubFile, type HubRepository, isCommit } from './hub-file.ts';
import { type HubOptions, hubCacheFolder } from './hub-settings.ts';
import { walkFolder } from './walk-folder.ts';

/** Where all of a repository lies. */
export function hubRepositoryFolder(
  { dataset, repository }: HubRepository,
  options: HubOptions = {},
): string {
  return join(hubCacheFolder(options), `${repository ?? 'dataset'}s--${dataset.replaceAll('/', '--')}`);
}

/** Where the files of a commit lie in the cache. */
export function hubSnapshotFolder(
  file: Pick<HubFile, 'dataset' | 'repository' | 'commit'>,
  options: HubOptions = {},
): string {
  return join(hubRepositoryFolder(file, options), 'snapshots', file.commit);
}

/** Points `refs/<revision>` at the commit, as Python's client does. */
export async function rememberRevision(
  address: HubAddress,
  commit: string,
  options: HubOptions = {},
): Promise<void> {
  const ref = refPath(address, options);
  if (address.revision === commit || ref === undefined) return;
  await mkdir(dirname(ref), { recursive: true });
  await writeFileAtomic(ref, commit);
}

/** The commit that the cache remembers for a revision. */
export async function rememberedCommit(
  address: HubAddress,
  options: HubOptions = {},
): Promise<string | undefined> {
  if (isCommit(address.revision)) return address.revision;
  const ref = refPath(address, options);
  const text = ref === undefined ? '' : (await readFile(ref, 'utf8').catch(() => '')).trim();
  return isCommit(text) ? text : undefined;
}

function refPath(address: HubAddress, options: HubOptions): string | undefined {
  const { revision } = address;
  const safe = /^[\w.-]+(\/[\w.-]+)*$/.test(revision) && !revision.split('/').includes('..');
  return safe ? join(hubRepositoryFolder(address, options), 'refs', revision) : undefined;
}

interface TreeEntry {
  size: number;
  blob_id: string;
  lfs_sha256?: string;
  lfs_size?: number;
}

function treePath(repository: HubRepository, commit: string, options: HubOptions): string {
  return join(hubRepositoryFolder(repository, options), 'trees', `${commit}.json`);
}

/** Keeps the list of files of a commit, as Python's client does; `blobs` are the git hashes of all files. */
export async function keepTree(
  repository: HubRepository,
  commit: string,
  entries: readonly { file: HubFile; blob: string }[],
  options: HubOptions = {},
): Promise<void> {
  const path = treePath(repository, commit, options);
  if (existsSync(path)) return;
  const files: Record<string, TreeEntry> = {};
  for (const { file, blob } of entries)
    files[file.path] = {
      size: file.bytes,
      blob_id: blob,
      ...(file.large ? { lfs_sha256: file.oid, lfs_size: file.bytes } : {}),
    };
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, JSON.stringify({ format_version: 1, files }));
}

/** The list of files of a commit that is kept; undefined where there is none that can be read. */
export async function keptTree(
  { dataset, repository }: HubRepository,
  commit: string,
  options: HubOptions = {},
): Promise<HubFile[] | undefined> {
  const own = { dataset, ...(repository === undefined ? {} : { repository }) };
  try {
    const tree = JSON.parse(await readFile(treePath(own, commit, options), 'utf8')) as {
      format_version?: unknown;
      files: Record<string, TreeEntry>;
    };
    if (tree.format_version !== 1) return undefined;
    const files = Object.entries(tree.files).map(([path, entry]): HubFile => {
      const large = entry.lfs_sha256 !== undefined;
      const oid = entry.lfs_sha256 ?? entry.blob_id;
      const bytes = entry.lfs_size ?? entry.size;
      if (
        !(large ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(oid) ||
        !Number.isSafeInteger(bytes) ||
        !isPlainPath(path)
      )
        throw new Error('not a tree');
      return { ...own, commit, path, bytes, oid, large };
    });
    return sortedByPath(files);
  } catch {
    return undefined;
  }
}

/** The files of a commit that lie in the cache, where no list was kept. */
export async function cachedFiles(
  { dataset, repository }: HubRepository,
  commit: string,
  options: HubOptions = {},
): Promise<HubFile[]> {
  const own = { dataset, ...(repository === undefined ? {} : { repository }) };
  const folder = hubSnapshotFolder({ ...own, commit }, options);
  if (!existsSync(folder)) return [];
  const listing = await walkFolder(folder);
  const files: HubFile[] = [];
  for (const path of [...listing.links, ...listing.files.map((file) => file.path)]) {
    const full = join(folder, path);
    const oid = basename(await readlink(full).catch(() => ''));
    const bytes = await stat(full).then(
      (info) => info.size,
      () => undefined,
    );
    // A copy, where links are not allowed, does not say its hash.
    if (bytes !== undefined && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(oid))
      files.push({ ...own, commit, path: path.replaceAll('\\', '/'), bytes, oid, large: oid.length === 64 });
  }
  return sortedByPath(files);
}

/** Whether a path from outside stays in its folder. */
export function isPlainPath(path: unknown): path is string {
  return (
    typeof path === 'string' &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    !/^[A-Za-z]:/.test(path)
  );
}

export function sortedByPath<T extends { path: string }>(files: T[]): T[] {
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
