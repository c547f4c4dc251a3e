/**
 * Data sets and models of the Hugging Face Hub: which files there are, and fetching them into the cache that Python's `huggingface_hub` uses.
 *
 * A branch is resolved to its commit first, so all files come from one state of the repository. Files are downloaded to
 * `blobs/<oid>.incomplete`, resumed by range, checked against their sha256 (large files) or git blob hash (small ones), and linked under
 * `snapshots/<commit>/`. The token goes to the Hub only, never to the storage it redirects to, and is written nowhere.
 * Source: Hub API (`/api/{datasets,models}/{id}/revision`, `/tree`, `/resolve`), huggingface_hub `file_download.py` (cache layout).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { threadId } from 'node:worker_threads';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { type HubOptions, type HubRequest, hubFetch, requestOf } from './hub-fetch.ts';

export type { HubOptions } from './hub-fetch.ts';

/** One file of one commit. Plain data: it stands in plan.json. */
export interface HubFile {
  /** `owner/name`. */
  dataset: string;
  /** What the repository is; a data set where it is left out. */
  repository?: 'model';
  commit: string;
  path: string;
  bytes: number;
  /** sha256 of a large file, git blob sha1 of a small one. */
  oid: string;
  large: boolean;
}

export interface HubAddress {
  dataset: string;
  repository?: 'model';
  revision: string;
  /** Below the repository; '' is all of it. */
  path: string;
}

type Repository = Pick<HubFile, 'dataset' | 'repository'>;

/** How a repository is called in messages: `hf://datasets/owner/name`, `hf://owner/name` for a model. */
const nameOf = ({ dataset, repository }: Repository): string =>
  `hf://${repository === 'model' ? '' : 'datasets/'}${dataset}`;

const maxFiles = 1_000_000;

/** The parts of `hf://datasets/owner/name[@revision][/path]`. A revision with a slash is written with %2F. */
export function parseHubAddress(address: string): HubAddress {
  const match = /^hf:\/\/datasets\/([\w.-]+\/[\w.-]+)(?:@([^/]+))?(?:\/(.*))?$/.exec(address);
  const revision = match?.[2] === undefined ? 'main' : decodeURIComponent(match[2]);
  const path = (match?.[3] ?? '').replace(/\/+$/, '');
  if (match === null || match[1]!.split('/').some((part) => /^\.+$/.test(part)))
    throw new UserError(`${address}: not an address of a data set on the Hub`, {
      hint: 'write hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path',
    });
  return { dataset: match[1]!, revision, path };
}

/** All files of a repository at the commit that its revision stands for now. */
export async function listHubFiles(
  address: HubAddress,
  options: HubOptions = {},
): Promise<{ commit: string; files: HubFile[] }> {
  const { dataset, repository, revision } = address;
  const request = requestOf(options);
  const name = `${nameOf(address)}@${revision}`;
  const api = `/api/${repository === 'model' ? 'models' : 'datasets'}/${dataset}`;
  const { sha } = (await json(request, name, `${api}/revision/${encodeURIComponent(revision)}`)).body as {
    sha?: unknown;
  };
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha))
    throw new InputError(name, `the Hub gives the commit ${JSON.stringify(sha)}`, {
      hint: 'check HF_ENDPOINT',
    });
  const files: HubFile[] = [];
  let page: string | undefined = `${api}/tree/${sha}?recursive=true`;
  while (page !== undefined) {
    const { body, next } = await json(request, name, page);
    if (!Array.isArray(body))
      throw new InputError(name, 'the Hub gives no list of files', { hint: 'check HF_ENDPOINT' });
    for (const entry of body as HubEntry[]) {
      if (entry.type !== 'file') continue;
      files.push({
        ...fileOf(name, dataset, sha, entry),
        ...(repository === undefined ? {} : { repository }),
      });
      if (files.length > maxFiles)
        throw new InputError(name, `the repository has more than ${maxFiles} files`);
    }
    page = next;
  }
  files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { commit: sha, files };
}

interface HubEntry {
  type?: unknown;
  path?: unknown;
  size?: unknown;
  oid?: unknown;
  lfs?: { oid?: unknown; size?: unknown } | null;
}

function fileOf(name: string, dataset: string, commit: string, { path, size, oid, lfs }: HubEntry): HubFile {
  const large = lfs !== undefined && lfs !== null;
  const hash = large ? String(lfs.oid).replace(/^sha256:/, '') : oid;
  const bytes = large ? (lfs.size ?? size) : size;
  const plain =
    typeof path === 'string' && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain || path.includes('\\') || path.includes('\0'))
    throw new InputError(name, `the Hub lists a file with the path ${JSON.stringify(path)}`);
  if (
    typeof hash !== 'string' ||
    !(large ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hash) ||
    !Number.isSafeInteger(bytes) ||
    (bytes as number) < 0
  )
    throw new InputError(name, `the Hub gives no size and hash of ${path}`);
  return { dataset, commit, path, bytes: bytes as number, oid: hash, large };
}

async function json(
  request: HubRequest,
  name: string,
  path: string,
): Promise<{ body: unknown; next: string | undefined }> {
  const response = await hubFetch(request, path, { name });
  const text = await response.text().catch((error: unknown) => {
    throw new InputError(name, `the answer of the Hub breaks off: ${messageOf(error)}`, {
      hint: 'run again',
    });
  });
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  try {
    // Only ever the same host, so that the token cannot be asked elsewhere.
    const url = next === undefined ? undefined : new URL(next, request.endpoint);
    if (url !== undefined && url.origin !== new URL(request.endpoint).origin)
      throw new Error(`its list goes on at another host (${url.host})`);
    return { body: JSON.parse(text) as unknown, next: url === undefined ? undefined : url.href };
  } catch (error) {
    throw new InputError(name, `the answer of the Hub is not usable: ${messageOf(error).slice(0, 200)}`, {
      hint: 'check HF_ENDPOINT',
    });
  }
}

/** Where the files of a commit lie in the cache. */
export function hubSnapshotFolder(
  file: Pick<HubFile, 'dataset' | 'repository' | 'commit'>,
  options: HubOptions = {},
): string {
  return join(repositoryFolder(file, options), 'snapshots', file.commit);
}

function repositoryFolder({ dataset, repository }: Repository, { cacheFolder }: HubOptions): string {
  const { HF_HUB_CACHE, HF_HOME } = process.env;
  const cache =
    cacheFolder ?? HF_HUB_CACHE ?? join(HF_HOME ?? join(homedir(), '.cache', 'huggingface'), 'hub');
  return join(cache, `${repository ?? 'dataset'}s--${dataset.replace('/', '--')}`);
}

/** The file in the cache, fetched if it is not there. Returns its path; throws an `InputError` when it cannot be had. */
export async function fetchHubFile(file: HubFile, options: HubOptions = {}): Promise<string> {
  const folder = repositoryFolder(file, options);
  const blob = join(folder, 'blobs', file.oid);
  const link = join(hubSnapshotFolder(file, options), file.path);
  const size = (path: string): Promise<number> =>
    stat(path).then(
      (info) => info.size,
      () => -1,
    );
  if ((await size(link)) === file.bytes) return link;
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(dirname(link), { recursive: true });
  if ((await size(blob)) !== file.bytes) await download(file, blob, options);
  await rm(link, { force: true });
  // Where links are not allowed (Windows), a copy serves.
  await symlink(relative(dirname(link), blob), link).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') await copyFile(blob, link);
  });
  return link;
}

/** Points `refs/<revision>` at the commit, as Python's client does. */
export async function rememberRevision(
  address: HubAddress,
  commit: string,
  options: HubOptions = {},
): Promise<void> {
  const { revision } = address;
  if (revision === commit || !/^[\w.-]+(\/[\w.-]+)*$/.test(revision) || revision.split('/').includes('..'))
    return;
  const ref = join(repositoryFolder(address, options), 'refs', revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeFile(ref, commit);
}

async function download(file: HubFile, blob: string, options: HubOptions): Promise<void> {
  const name = `${nameOf(file)}@${file.commit}/${file.path}`;
  const request = requestOf(options);
  const own = `${blob}.incomplete.${process.pid}-${threadId}`;
  await adopt(blob, own);
  let handle: FileHandle | undefined;
  try {
    handle = await open(own, 'a+');
    const within = file.path.split('/').map(encodeURIComponent).join('/');
    const path = `${file.repository === 'model' ? '' : '/datasets'}/${file.dataset}/resolve/${file.commit}/${within}`;
    for (let tries = 0; ; ) {
      const have = (await handle.stat()).size;
      if (have > file.bytes) await handle.truncate(0);
      if (have === file.bytes) {
        const hash = await hashOf(handle, file);
        if (hash === file.oid) break;
        await handle.truncate(0);
        if (tries++ >= 1)
          throw new InputError(name, `the file fails its checksum: ${hash} is not ${file.oid}`, {
            hint: 'run again; if it stays, the Hub holds a damaged file',
          });
        continue;
      }
      const problem = await appendRest(request, path, name, handle, have, file.bytes);
      if (problem === undefined) continue;
      // A connection that brought something does not count as a failed attempt.
      if ((await handle.stat()).size <= have && tries++ >= request.retries)
        throw new InputError(name, `cannot be downloaded: ${problem}`, {
          place: `byte ${have} of ${file.bytes}`,
          hint: 'run again; it goes on where it stopped',
        });
      if (tries > 0) await request.wait(tries - 1);
    }
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(own, blob);
  } catch (error) {
    await handle?.close();
    // Kept for the next run.
    if (existsSync(own)) await rename(own, `${blob}.incomplete`);
    throw error;
  }
}

/** Takes over what an interrupted download left; another process that is at work keeps its own. */
async function adopt(blob: string, own: string): Promise<void> {
  const prefix = `${blob.slice(dirname(blob).length + 1)}.incomplete`;
  const left = (await readdir(dirname(blob))).filter((entry) => entry.startsWith(prefix)).sort();
  for (const entry of left) {
    const pid = /\.(\d+)-\d+$/.exec(entry)?.[1];
    if (pid !== undefined && isAlive(Number(pid))) continue;
    const taken = await rename(join(dirname(blob), entry), own).then(
      () => true,
      () => false,
    );
    if (taken) return;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Appends what is missing; returns what went wrong on the way, if something did. */
async function appendRest(
  request: HubRequest,
  path: string,
  name: string,
  handle: FileHandle,
  have: number,
  bytes: number,
): Promise<string | undefined> {
  const response = await hubFetch(request, path, { name, ...(have > 0 ? { from: have } : {}) });
  // A server that does not know ranges sends the whole file.
  if (have > 0 && response.status !== 206) await handle.truncate(0);
  const start = response.status === 206 ? have : 0;
  const { body } = response;
  if (body === null) return 'the answer has no body';
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let at = start;
  try {
    for (;;) {
      const { done, value } = await request.beforeStall(reader.read());
      if (done) return at === bytes ? undefined : `the connection ended at byte ${at}`;
      at += value.length;
      if (at > bytes) {
        await handle.truncate(0);
        return `the answer has more than the ${bytes} bytes listed`;
      }
      await handle.appendFile(value);
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    return messageOf(error);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function hashOf(handle: FileHandle, { large, bytes }: HubFile): Promise<string> {
  const hash = createHash(large ? 'sha256' : 'sha1');
  if (!large) hash.update(`blob ${bytes}\0`);
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}
