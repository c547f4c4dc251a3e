/**
 * Data sets and models of the Hugging Face Hub: which files there are at one commit.
 *
 * A branch is resolved to its commit first, so all files come from one state of the repository. The list of a commit never changes and is
 * kept in the cache; a commit whose list is there, and everything when HF_HUB_OFFLINE is set, is answered from it.
 * Source: Hub API (`/api/{datasets,models}/{id}/revision`, `/tree`).
 */
import { InputError } from '../core/errors.ts';
import { cachedFiles, isPlainPath, keepTree, keptTree, rememberedCommit, sortedByPath } from './hub-cache.ts';
import { hubJson, requestOf } from './hub-fetch.ts';
import { type HubAddress, type HubFile, hubApi, hubName, isCommit } from './hub-file.ts';
import type { HubOptions } from './hub-settings.ts';

export { hubSnapshotFolder, rememberRevision } from './hub-cache.ts';
export { fetchHubFile } from './hub-download.ts';
export { type HubAddress, type HubFile, parseHubAddress } from './hub-file.ts';
export type { HubOptions } from './hub-settings.ts';

const maxFiles = 1_000_000;

/** All files of a repository at the commit that its revision stands for now. */
export async function listHubFiles(
  address: HubAddress,
  options: HubOptions = {},
): Promise<{ commit: string; files: HubFile[] }> {
  const { dataset, repository, revision } = address;
  const request = requestOf(options);
  const name = `${hubName(address)}@${revision}`;
  const known = request.offline || isCommit(revision) ? await rememberedCommit(address, options) : undefined;
  if (known !== undefined) {
    const kept =
      (await keptTree(address, known, options)) ??
      (request.offline ? await cachedFiles(address, known, options) : []);
    if (kept.length > 0) return { commit: known, files: kept };
  }
  const commit = isCommit(revision) ? revision : await hubCommit(address, options);
  const entries: { file: HubFile; blob: string }[] = [];
  let page: string | undefined = `${hubApi(address)}/tree/${commit}?recursive=true`;
  while (page !== undefined) {
    const { body, next } = await hubJson(request, page, { name });
    if (!Array.isArray(body))
      throw new InputError(name, 'the Hub gives no list of files', { hint: 'check HF_ENDPOINT' });
    for (const entry of body as HubEntry[]) {
      if (entry.type !== 'file') continue;
      const file = fileOf(
        name,
        { dataset, ...(repository === undefined ? {} : { repository }) },
        commit,
        entry,
      );
      entries.push({ file, blob: String(entry.oid) });
      if (entries.length > maxFiles)
        throw new InputError(name, `the repository has more than ${maxFiles} files`);
    }
    page = next;
  }
  await keepTree(address, commit, entries, options);
  return { commit, files: sortedByPath(entries.map(({ file }) => file)) };
}

/** The commit that a revision stands for now. */
export async function hubCommit(address: HubAddress, options: HubOptions = {}): Promise<string> {
  const name = `${hubName(address)}@${address.revision}`;
  const path = `${hubApi(address)}/revision/${encodeURIComponent(address.revision)}`;
  const { sha } = ((await hubJson(requestOf(options), path, { name })).body ?? {}) as { sha?: unknown };
  if (typeof sha !== 'string' || !isCommit(sha))
    throw new InputError(name, `the Hub gives the commit ${JSON.stringify(sha)}`, {
      hint: 'check HF_ENDPOINT',
    });
  return sha;
}

interface HubEntry {
  type?: unknown;
  path?: unknown;
  size?: unknown;
  oid?: unknown;
  lfs?: { oid?: unknown; size?: unknown } | null;
}

function fileOf(
  name: string,
  repository: Pick<HubFile, 'dataset' | 'repository'>,
  commit: string,
  { path, size, oid, lfs }: HubEntry,
): HubFile {
  const large = lfs !== undefined && lfs !== null;
  const hash = large ? String(lfs.oid).replace(/^sha256:/, '') : oid;
  const bytes = large ? (lfs.size ?? size) : size;
  if (!isPlainPath(path))
    throw new InputError(name, `the Hub lists a file with the path ${JSON.stringify(path)}`);
  if (
    typeof hash !== 'string' ||
    !(large ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hash) ||
    !Number.isSafeInteger(bytes) ||
    (bytes as number) < 0
  )
    throw new InputError(name, `the Hub gives no size and hash of ${path}`);
  return { ...repository, commit, path, bytes: bytes as number, oid: hash, large };
}
