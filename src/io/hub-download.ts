/**
 * One file of the Hub into the cache that Python's `huggingface_hub` uses.
 *
 * It is downloaded to `blobs/<oid>.incomplete.<machine>.<process>-<thread>`, resumed by range, checked against its sha256 (large files) or git
 * blob hash (small ones), renamed to `blobs/<oid>`, and linked under `snapshots/<commit>/`. What an earlier process of this machine left
 * incomplete is taken over.
 *
 * Python holds a lock of `.locks/` meanwhile (`flock`, which Node cannot take, and which many cluster file systems grant to everybody). None is
 * needed: each writer has a file of its own that nobody else opens, and only whole, checked files get the names that others look at, by
 * renames (the link too). Two that fetch the same file at once cost its bytes twice, and the second rename puts the same content there. So does
 * Python from 2.x on (huggingface_hub pull request 4228). The plain `<oid>.incomplete` of older clients is not taken over: its
 * writer may be asleep, and would go on writing into what had become the blob.
 * Source: Hub API (`/resolve`), huggingface_hub 2.4 `file_download.py`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readlinkSync } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { threadId } from 'node:worker_threads';
import { InputError, messageOf } from '../core/errors.ts';
import { FetchError } from './fetch-error.ts';
import { hubRepositoryFolder, hubSnapshotFolder } from './hub-cache.ts';
import { type HubRequest, hubFetch, requestOf } from './hub-fetch.ts';
import { type HubFile, hubPage, pinnedAddress } from './hub-file.ts';
import { handleOid } from './hub-hash.ts';
import type { HubOptions } from './hub-settings.ts';

/** The file in the cache, fetched if it is not there. Returns its path; throws an `InputError` when it cannot be had. `onBytes` hears of what comes. */
export async function fetchHubFile(
  file: HubFile,
  options: HubOptions = {},
  onBytes?: (bytes: number) => void,
): Promise<string> {
  const blob = blobPath(file, options);
  const link = join(hubSnapshotFolder(file, options), file.path);
  if ((await sizeOf(link)) === file.bytes) return link;
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(dirname(link), { recursive: true });
  if ((await sizeOf(blob)) !== file.bytes) await download(file, blob, options, onBytes);
  // Made elsewhere and renamed: who reads the link now finds the one or the other.
  const made = `${blob}.link.${ownName()}`;
  await rm(made, { force: true });
  // Where links are not allowed (Windows), a copy serves.
  await symlink(relative(dirname(link), blob), made).catch(() => copyFile(blob, made));
  await rename(made, link);
  return link;
}

/** Whether the content of the file lies in the cache. */
export async function isHubFileCached(file: HubFile, options: HubOptions = {}): Promise<boolean> {
  const link = join(hubSnapshotFolder(file, options), file.path);
  return (await sizeOf(link)) === file.bytes || (await sizeOf(blobPath(file, options))) === file.bytes;
}

/** Where a file is asked for, below the endpoint. */
export function resolvePath(file: HubFile): string {
  const within = file.path.split('/').map(encodeURIComponent).join('/');
  return `${file.repository === 'model' ? hubPage(file) : `/datasets/${file.dataset}`}/resolve/${file.commit}/${within}`;
}

function blobPath(file: HubFile, options: HubOptions): string {
  return join(hubRepositoryFolder(file, options), 'blobs', file.oid);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => -1,
  );
}

async function download(
  file: HubFile,
  blob: string,
  options: HubOptions,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<void> {
  const name = pinnedAddress(file);
  const request = requestOf(options);
  const own = `${blob}.incomplete.${ownName()}`;
  await adopt(blob, own);
  const part: Part = { file, request, name, etag: undefined, other: undefined, onBytes };
  let handle: FileHandle | undefined;
  try {
    handle = await open(own, 'a+');
    // Attempts that brought nothing since the last that did, and times that it was begun again.
    let tries = 0;
    let restarts = 0;
    let damaged = 0;
    let others = 0;
    for (;;) {
      const have = (await handle.stat()).size;
      if (have > file.bytes) {
        await handle.truncate(0);
        continue;
      }
      if (have === file.bytes) {
        const hash = await handleOid(handle, file);
        if (hash === file.oid) break;
        await handle.truncate(0);
        if (damaged++ >= 1)
          throw new FetchError(name, `the file fails its checksum: ${hash} is not ${file.oid}`, {
            hint: 'run again; if it stays, the Hub holds a damaged file',
          });
        continue;
      }
      const problem = await appendRest(part, handle, have);
      if (problem === undefined) continue;
      // A connection that brought something does not count as a failed attempt.
      const { size } = await handle.stat();
      tries = size > have ? 0 : tries + 1;
      if (size < have) restarts++;
      // Once may be a server that lags behind.
      if (part.other !== undefined && others++ >= 1) throw rewritten(file, part.other);
      if (tries > request.retries || restarts > request.retries)
        throw new FetchError(name, `cannot be downloaded: ${problem}`, {
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
    // Kept for the next run, of any machine: nobody has it open any more.
    if (existsSync(own)) await rename(own, `${blob}.incomplete.${parked}`);
    throw error;
  }
}

const parked = 'parked';
/** Numbers of processes mean something on one machine and in one container only. */
let machine: string | undefined;

/** A name that no other writer of the cache has, whatever machine or container it is on. */
export function ownName(): string {
  if (machine === undefined) {
    let container = '';
    try {
      container = readlinkSync('/proc/self/ns/pid');
    } catch {
      // No Linux: the machine is all there is.
    }
    machine = createHash('sha256').update(`${hostname()} ${container}`).digest('hex').slice(0, 12);
  }
  return `${machine}.${process.pid}-${threadId}`;
}

/** Takes over what a download left that was interrupted; others that may be at work keep theirs. */
async function adopt(blob: string, own: string): Promise<void> {
  const prefix = `${basename(blob)}.incomplete.`;
  const left = (await readdir(dirname(blob))).filter((entry) => entry.startsWith(prefix)).sort();
  for (const entry of left) {
    const [, where, pid] = /^([0-9a-f]{12})\.(\d+)-\d+$/.exec(entry.slice(prefix.length)) ?? [];
    const isLeft = entry === prefix + parked || (ownName().startsWith(`${where}.`) && !isAlive(Number(pid)));
    if (!isLeft) continue;
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

interface Part {
  file: HubFile;
  request: HubRequest;
  name: string;
  /** Of the storage, when the bytes that are there came from it in this process. */
  etag: string | undefined;
  /** What the Hub said last, where that is not the file asked for. */
  other: string | undefined;
  onBytes: ((bytes: number) => void) | undefined;
}

/** Appends what is missing; returns what went wrong on the way, if something did. */
async function appendRest(part: Part, handle: FileHandle, have: number): Promise<string | undefined> {
  const { file, request, name } = part;
  part.other = undefined;
  const response = await hubFetch(request, resolvePath(file), {
    name,
    accept: [416],
    ...(have > 0 ? { from: have } : {}),
    onHub: (headers) => {
      part.other ??= otherFile(file, headers);
    },
  });
  let problem: string | undefined = part.other;
  const { body, status, headers } = response;
  const etag = headers.get('etag') ?? undefined;
  const start = status === 206 ? have : 0;
  if (status === 416) problem ??= `the storage does not know the range from byte ${have} (416)`;
  else if (status === 206 && !/^bytes\s+(\d+)-/.test(headers.get('content-range') ?? `bytes ${have}-`))
    problem ??= 'the answer does not say which range it is';
  else if (
    status === 206 &&
    Number(/^bytes\s+(\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? have) !== have
  )
    problem ??= `the answer has another range than asked for (${headers.get('content-range')})`;
  else if (have > 0 && part.etag !== undefined && etag !== part.etag)
    problem ??= `the file changed while it was read (ETag ${etag ?? 'none'}, before ${part.etag})`;
  // A server that does not know ranges sends the whole file; what contradicts itself is begun again.
  if (problem !== undefined || start === 0) await handle.truncate(0);
  if (problem !== undefined) {
    part.etag = undefined;
    await body?.cancel();
    return problem;
  }
  part.etag = etag;
  if (body === null) return 'the answer has no body';
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let at = start;
  try {
    for (;;) {
      const { done, value } = await request.beforeStall(reader.read());
      if (done) return at === file.bytes ? undefined : `the connection ended at byte ${at}`;
      at += value.length;
      if (at > file.bytes) {
        await handle.truncate(0);
        return `the answer has more than the ${file.bytes} bytes listed`;
      }
      await handle.appendFile(value);
      part.onBytes?.(value.length);
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    return messageOf(error);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** What the Hub says of the file it sends, where that is not the file asked for. */
export function otherFile(file: HubFile, headers: Headers): string | undefined {
  const commit = headers.get('x-repo-commit');
  if (commit !== null && commit !== file.commit) return `the Hub answers with the commit ${commit}`;
  const linked = headers.get('x-linked-etag')?.replace(/^W\//, '').replaceAll('"', '');
  if (linked !== undefined && linked !== file.oid && /^[0-9a-f]{40,64}$/.test(linked))
    return `the Hub answers with other content (ETag ${linked}, listed ${file.oid})`;
  const size = Number(headers.get('x-linked-size') ?? file.bytes);
  if (size !== file.bytes) return `the Hub answers with a file of ${size} bytes, listed are ${file.bytes}`;
  return undefined;
}

/** For a file whose content is not what was listed, however often it is asked for. */
export function rewritten(file: HubFile, problem: string): InputError {
  return new InputError(pinnedAddress(file), `is not the file that was planned: ${problem}`, {
    hint: `HF_ENDPOINT names another Hub, or the repository was rewritten; remove its list trees/${file.commit}.json from the cache and plan anew (another --out, or --fresh)`,
  });
}
