/**
 * What a push to the Hub will do: which files are new, which replace others, which are there already with the same content. Nothing is
 * written; the Hub is only asked.
 *
 * Files are compared by the hashes that the Hub keeps (sha256 of large files, git's blob sha1 of small ones), so what an earlier push
 * committed is not sent again. Files of the repository that are not in the folder stay there.
 */
import { stat } from 'node:fs/promises';
import { InputError, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { listHubFiles } from './hub.ts';
import { isPlainPath } from './hub-cache.ts';
import { hubFetch, hubJson, requestOf } from './hub-fetch.ts';
import { type HubFile, type HubRepository, hubApi, hubName, isCommit } from './hub-file.ts';
import { fileOids } from './hub-hash.ts';
import type { HubOptions } from './hub-settings.ts';

/** A file to be pushed: one on this machine, or a text. */
export interface PushFile {
  /** In the repository, with forward slashes. */
  path: string;
  from: string | { text: string };
}

export interface PushRequest {
  repository: HubRepository;
  /** Branch to commit to; made from the default branch where it does not exist. */
  branch: string;
  files: readonly PushFile[];
}

export type PushState = 'new' | 'replaces' | 'same';

export interface PlannedPush extends PushRequest {
  state: 'no repository' | 'no branch' | 'there';
  /** The commit that the branch stands at. */
  head: string | undefined;
  files: readonly (PushFile & { bytes: number; state: PushState })[];
  /** Files of the repository that the push leaves as they are, without those that are the same. */
  untouched: number;
  /** Bytes of what is to be sent. */
  bytes: number;
  /** Whether the repository holds something besides what the Hub itself puts into a new one. */
  isEmpty: boolean;
}

/** Throws a `UserError` for files that cannot be pushed, an `InputError` where the Hub refuses. */
export async function planPush(
  request: PushRequest,
  options: HubOptions = {},
  emit: Emit = silent,
): Promise<PlannedPush> {
  const { repository, branch } = request;
  if (isCommit(branch))
    throw new UserError(`--revision ${branch} is a commit, and commits do not change`, {
      hint: 'name a branch; one that does not exist is made',
    });
  const files = await checkedFiles(request.files);
  const { state, head, there } = await remoteOf(repository, branch, options);
  const byPath = new Map(there.map((file) => [file.path, file]));
  const planned: PlannedPush['files'][number][] = [];
  let hashed = 0;
  const began = performance.now();
  for (const file of files) {
    options.signal?.throwIfAborted();
    const remote = byPath.get(file.path);
    let isSame = false;
    if (remote?.bytes === file.bytes) {
      emit({ kind: 'progress', task: 'compare', done: hashed, unit: 'bytes' });
      const { sha256, blob } = await oidsOf(file);
      hashed += file.bytes;
      isSame = remote.oid === (remote.large ? sha256 : blob);
    }
    planned.push({ ...file, state: remote === undefined ? 'new' : isSame ? 'same' : 'replaces' });
  }
  if (hashed > 0)
    emit({
      kind: 'end',
      task: 'compare',
      done: hashed,
      unit: 'bytes',
      seconds: (performance.now() - began) / 1000,
    });
  const own = new Set(files.map(({ path }) => path));
  return {
    repository,
    branch,
    state,
    head,
    files: planned,
    untouched: there.filter(({ path }) => !own.has(path)).length,
    bytes: planned.reduce((sum, file) => sum + (file.state === 'same' ? 0 : file.bytes), 0),
    isEmpty: there.every(({ path }) => path === '.gitattributes'),
  };
}

/** The hashes of what is to be pushed. */
export async function oidsOf({ from }: PushFile): Promise<{ bytes: number; sha256: string; blob: string }> {
  if (typeof from === 'string') return fileOids(from);
  const { createHash } = await import('node:crypto');
  const bytes = Buffer.byteLength(from.text);
  const blob = createHash('sha1').update(`blob ${bytes}\0`).update(from.text).digest('hex');
  return { bytes, sha256: createHash('sha256').update(from.text).digest('hex'), blob };
}

async function checkedFiles(files: readonly PushFile[]): Promise<(PushFile & { bytes: number })[]> {
  if (files.length === 0) throw new UserError('there is nothing to push', { hint: 'name another folder' });
  const seen = new Set<string>();
  const checked: (PushFile & { bytes: number })[] = [];
  for (const file of files) {
    const { path, from } = file;
    if (!isPlainPath(path) || path.split('/').includes('.git'))
      throw new UserError(`${path}: not a path that a repository on the Hub can have`, {
        hint: 'rename the file, or leave it out with --exclude',
      });
    if (seen.has(path)) throw new UserError(`two files are to be pushed as ${path}`);
    seen.add(path);
    const bytes = typeof from === 'string' ? (await stat(from)).size : Buffer.byteLength(from.text);
    checked.push({ ...file, bytes });
  }
  return checked.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

async function remoteOf(
  repository: HubRepository,
  branch: string,
  options: HubOptions,
): Promise<{ state: PlannedPush['state']; head: string | undefined; there: HubFile[] }> {
  const request = requestOf(options);
  const name = hubName(repository);
  // Without a token the Hub does not tell an absent repository from a private one.
  const accept = request.token === undefined ? [401, 404] : [404];
  const info = await hubFetch(request, hubApi(repository), { name, accept });
  await info.body?.cancel();
  if (!info.ok) return { state: 'no repository', head: undefined, there: [] };
  const { body, status } = await hubJson(
    request,
    `${hubApi(repository)}/revision/${encodeURIComponent(branch)}`,
    { name: `${name}@${branch}`, accept: [404] },
  );
  const sha = (body as { sha?: unknown } | undefined)?.sha;
  if (status === 404) {
    const isDefault = branch === 'main';
    return { state: isDefault ? 'there' : 'no branch', head: undefined, there: [] };
  }
  if (typeof sha !== 'string' || !isCommit(sha))
    throw new InputError(name, `the Hub gives the commit ${JSON.stringify(sha)}`, {
      hint: 'check HF_ENDPOINT',
    });
  const { files } = await listHubFiles({ ...repository, revision: sha, path: '' }, options);
  return { state: 'there', head: sha, there: files };
}
