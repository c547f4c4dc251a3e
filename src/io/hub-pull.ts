/**
 * A repository of the Hub, or part of one, into the cache, and on request copied out of it: several files at a time, each resumed, checked
 * and linked as hub-download.ts does. What is there already is not asked for again.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { listHubFiles } from './hub.ts';
import { hubSnapshotFolder, rememberRevision } from './hub-cache.ts';
import { fetchHubFile, isHubFileCached } from './hub-download.ts';
import { type HubAddress, type HubFile, hubName } from './hub-file.ts';
import { fileOids } from './hub-hash.ts';
import type { HubOptions } from './hub-settings.ts';
import { isPattern, patternMatcher } from './path-pattern.ts';

const parallel = 4;

export interface PullPlan {
  address: HubAddress;
  commit: string;
  files: { file: HubFile; isCached: boolean }[];
  /** Bytes that the cache does not hold. */
  bytes: number;
  folder: string;
}

export interface PullChoice {
  include?: readonly string[];
  exclude?: readonly string[];
}

/** Which files are meant, and which of them are missing. Throws a `UserError` where none is meant. */
export async function planPull(
  address: HubAddress,
  { include = [], exclude = [] }: PullChoice,
  options: HubOptions = {},
): Promise<PullPlan> {
  const { commit, files } = await listHubFiles(address, options);
  const { path } = address;
  const within = isPattern(path)
    ? patternMatcher(path)
    : (name: string): boolean => path === '' || name === path || name.startsWith(`${path}/`);
  const wanted = include.map(patternMatcher);
  const unwanted = exclude.map(patternMatcher);
  const chosen = files.filter(
    (file) =>
      within(file.path) &&
      (wanted.length === 0 || wanted.some((is) => is(file.path))) &&
      !unwanted.some((is) => is(file.path)),
  );
  if (chosen.length === 0)
    throw new UserError(
      `${hubName(address)}: none of its ${files.length} files at commit ${commit.slice(0, 8)} is meant`,
      {
        hint: `its files are ${files
          .slice(0, 5)
          .map((file) => file.path)
          .join(', ')}`,
      },
    );
  const planned: PullPlan['files'] = [];
  for (const file of chosen) planned.push({ file, isCached: await isHubFileCached(file, options) });
  const { dataset, repository } = address;
  return {
    address,
    commit,
    files: planned,
    bytes: planned.reduce((sum, { file, isCached }) => sum + (isCached ? 0 : file.bytes), 0),
    folder: hubSnapshotFolder(
      { dataset, commit, ...(repository === undefined ? {} : { repository }) },
      options,
    ),
  };
}

/** Fetches what is missing; with `out` copies all files there. Returns the folder that holds them. */
export async function carryOutPull(
  plan: PullPlan,
  out: string | undefined,
  options: HubOptions = {},
  emit: Emit = silent,
): Promise<string> {
  const { files, address, commit } = plan;
  if (out !== undefined) await assertFree(plan, out);
  let done = 0;
  const began = performance.now();
  const step = (bytes: number): void => {
    done += bytes;
    emit({ kind: 'progress', task: 'download', done, total: plan.bytes, unit: 'bytes' });
  };
  step(0);
  // Files of the same content are one blob: one after the other.
  const groups = [...Map.groupBy(files, ({ file }) => file.oid).values()];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let group = groups[next++]; group !== undefined; group = groups[next++])
      for (const [i, { file, isCached }] of group.entries()) {
        options.signal?.throwIfAborted();
        await fetchHubFile(file, options, isCached || i > 0 ? undefined : step);
      }
  };
  const results = await Promise.allSettled(Array.from({ length: parallel }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  await rememberRevision(address, commit, options);
  const seconds = (performance.now() - began) / 1000;
  emit({ kind: 'end', task: 'download', done: plan.bytes, unit: 'bytes', seconds });
  if (out === undefined) return plan.folder;
  for (const { file } of files) await copyOut(join(plan.folder, file.path), join(out, file.path));
  return out;
}

/** Files of the same name and other content are not written over. */
async function assertFree({ files }: PullPlan, out: string): Promise<void> {
  for (const { file } of files) {
    const path = join(out, file.path);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined) continue;
    const isSame =
      info.isFile() &&
      info.size === file.bytes &&
      (await fileOids(path))[file.large ? 'sha256' : 'blob'] === file.oid;
    if (!isSame)
      throw new UserError(
        `${path} is there already and differs from ${hubName(file)}@${file.commit.slice(0, 8)}`,
        {
          hint: 'name another folder with --out, or remove it first',
        },
      );
  }
}

async function copyOut(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const part = `${to}.part-${process.pid}`;
  await copyFile(await realpath(from), part, constants.COPYFILE_FICLONE);
  await rename(part, to);
}
