/**
 * Carries out a planned push: makes the repository and the branch where they are missing, sends the files and commits them, all in one
 * commit, then reads the commit's list of files and holds every hash against the files sent.
 *
 * It may be killed at any moment and run again: large files that arrived stay in the Hub's storage and are not sent again, and without the
 * commit nothing shows. The commit names its parent, so that a commit whose answer was lost is not made twice.
 */
import { InputError, invariant, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { hubCommit, listHubFiles } from './hub.ts';
import { sendCommit } from './hub-commit.ts';
import { hubFetch, hubJson, requestOf } from './hub-fetch.ts';
import { hubApi, hubName, hubPage } from './hub-file.ts';
import { oidsOf, type PlannedPush, type PushFile } from './hub-push-plan.ts';
import type { HubOptions } from './hub-settings.ts';

export interface PushSettings {
  /** Of a repository that is made; the Hub's default where it is left out. */
  isPrivate?: boolean;
  /** Allows files to be added to and replaced in a repository that holds some. */
  yes?: boolean;
  message: string;
}

export interface PushResult {
  /** The commit that holds the files. */
  commit: string;
  /** Its page. */
  url: string;
  sent: { files: number; bytes: number };
  /** Files of which the repository or its storage had the content already. */
  same: number;
}

export async function carryOutPush(
  plan: PlannedPush,
  settings: PushSettings,
  options: HubOptions = {},
  emit: Emit = silent,
): Promise<PushResult> {
  const { repository, branch } = plan;
  const request = requestOf(options);
  const name = `${hubName(repository)}@${branch}`;
  const send = plan.files.filter((file) => file.state !== 'same');
  const same = plan.files.length - send.length;
  const urlOf = (commit: string): string => `${request.endpoint}${hubPage(repository)}/tree/${commit}`;
  if (send.length === 0) {
    invariant(plan.head !== undefined, 'files that are the same lie in no commit');
    return { commit: plan.head, url: urlOf(plan.head), sent: { files: 0, bytes: 0 }, same };
  }
  assertMayWrite(plan, settings.yes === true);
  if (request.token === undefined)
    throw new UserError(`${name}: pushing needs a token, and none was found`, {
      hint: `set HF_TOKEN to one that may write (${request.endpoint}/settings/tokens), or run "hf auth login"`,
    });
  await makePlaces(plan, settings, options);
  const parent = plan.head ?? (await headOf(plan, options));
  const wanted = await hashesOf(send, emit, options.signal);
  const sent = await sendCommit(
    { repository, branch, parent, files: send, message: settings.message },
    request,
    emit,
  ).catch(async (error: unknown) => {
    options.signal?.throwIfAborted();
    // The answer to a commit may be lost after the commit was made.
    const head = await headOf(plan, options).catch(() => undefined);
    if (head === undefined || head === parent || (await differing(plan, head, wanted, options)).length > 0)
      throw error;
    return { files: send.length, bytes: plan.bytes, stored: 0 };
  });
  const commit = await hubCommit({ ...repository, revision: branch, path: '' }, options);
  const wrong = await differing(plan, commit, wanted, options);
  if (wrong.length > 0)
    throw new InputError(
      name,
      `after the commit ${commit.slice(0, 8)} the Hub has other content in ${some(wrong)}`,
      {
        hint: 'somebody else may have committed at the same time; run again, it sends what differs',
      },
    );
  return {
    commit,
    url: urlOf(commit),
    sent: { files: sent.files, bytes: sent.bytes },
    same: same + sent.stored,
  };
}

/** Throws a `UserError` where files would be put into a repository that is in use. */
export function assertMayWrite(plan: PlannedPush, yes: boolean): void {
  if (yes || plan.isEmpty) return;
  const replaced = plan.files.filter(({ state }) => state === 'replaces').map(({ path }) => path);
  const added = plan.files.filter(({ state }) => state === 'new').length;
  throw new UserError(
    `${hubName(plan.repository)}@${plan.branch} is not empty: the push would replace ${replaced.length} files${replaced.length === 0 ? '' : ` (${some(replaced)})`} and add ${added}`,
    { hint: 'look with --dry-run; then add --yes, or name another repository or --revision' },
  );
}

async function makePlaces(plan: PlannedPush, settings: PushSettings, options: HubOptions): Promise<void> {
  const { repository, branch, state } = plan;
  const request = requestOf(options);
  const headers = { 'content-type': 'application/json' };
  const [organization, own] = repository.dataset.split('/') as [string, string];
  if (state === 'no repository') {
    const { isPrivate } = settings;
    const body = JSON.stringify({
      name: own,
      organization,
      type: repository.repository ?? 'dataset',
      ...(isPrivate === undefined ? {} : { visibility: isPrivate ? 'private' : 'public' }),
    });
    // 409: an earlier attempt, whose answer was lost, has made it.
    const call = { name: hubName(repository), method: 'POST', headers, body, accept: [409] } as const;
    await (await hubFetch(request, '/api/repos/create', call)).body?.cancel();
  }
  if (branch !== 'main' && state !== 'there') {
    const call = { name: `${hubName(repository)}@${branch}`, method: 'POST', headers, body: '{}' } as const;
    const path = `${hubApi(repository)}/branch/${encodeURIComponent(branch)}`;
    await (await hubFetch(request, path, { ...call, accept: [409] })).body?.cancel();
  }
}

/** The commit of the branch; undefined in a repository without any. */
async function headOf({ repository, branch }: PlannedPush, options: HubOptions): Promise<string | undefined> {
  const path = `${hubApi(repository)}/revision/${encodeURIComponent(branch)}`;
  const name = `${hubName(repository)}@${branch}`;
  const { body } = await hubJson(requestOf(options), path, { name, accept: [404] });
  const sha = (body as { sha?: unknown } | undefined)?.sha;
  return typeof sha === 'string' ? sha : undefined;
}

type Hashes = ReadonlyMap<string, { sha256: string; blob: string }>;

async function hashesOf(
  files: readonly (PushFile & { bytes: number })[],
  emit: Emit,
  signal: AbortSignal | undefined,
): Promise<Hashes> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const began = performance.now();
  const hashes = new Map<string, { sha256: string; blob: string }>();
  for (const file of files) {
    signal?.throwIfAborted();
    emit({ kind: 'progress', task: 'hash', done, total, unit: 'bytes' });
    const { bytes, sha256, blob } = await oidsOf(file);
    if (bytes !== file.bytes) throw changed(file);
    hashes.set(file.path, { sha256, blob });
    done += bytes;
  }
  emit({ kind: 'end', task: 'hash', done, unit: 'bytes', seconds: (performance.now() - began) / 1000 });
  return hashes;
}

function changed({ path, from }: PushFile): InputError {
  return new InputError(typeof from === 'string' ? from : path, 'the file changed while it was pushed', {
    hint: 'run again when nothing writes to it',
  });
}

/** Files of the push that a commit holds otherwise. */
async function differing(
  plan: PlannedPush,
  commit: string,
  wanted: Hashes,
  options: HubOptions,
): Promise<string[]> {
  const { files } = await listHubFiles({ ...plan.repository, revision: commit, path: '' }, options);
  const there = new Map(files.map((file) => [file.path, file]));
  return [...wanted].flatMap(([path, { sha256, blob }]) => {
    const file = there.get(path);
    return file?.oid === (file?.large === true ? sha256 : blob) ? [] : [path];
  });
}

function some(names: readonly string[]): string {
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} others`;
}
