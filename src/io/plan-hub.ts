/**
 * A data set on the Hub as an input: which of its files are meant at one commit, and their units of work. Small files are fetched into the
 * cache and read there; of large Parquet files only the footer is, and their row groups when they are read (hub-parquet.ts).
 *
 * A plan names files by their addresses with the commit, so it is the same on every machine, wherever its cache lies.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { UserError } from '../core/errors.ts';
import {
  fetchHubFile,
  type HubFile,
  hubSnapshotFolder,
  listHubFiles,
  parseHubAddress,
  rememberRevision,
} from './hub.ts';
import { pinnedAddress } from './hub-file.ts';
import { fetchHubFooter } from './hub-range.ts';
import { hubPartsFrom } from './hub-settings.ts';
import { formatOf } from './input-format.ts';
import { isPattern, patternMatcher } from './path-pattern.ts';
import { chooseFiles, planChosen } from './plan-folder.ts';
import { failureOf, hubOptionsOf, type PlanContext, sizeText } from './plan-unit.ts';

/** Files or footers that are fetched at a time while a plan is made. */
const planParallel = 8;

/** A data set on the Hub: small files are fetched into the cache and read there, of large Parquet files the footers. */
export async function planHub(context: PlanContext, label: string): Promise<void> {
  const { commit, files } = await listHubInput(context);
  await planHubFiles(context, label, files);
  const { input, options } = context;
  if (input.commit === undefined)
    await rememberRevision(parseHubAddress(input.path), commit, hubOptionsOf(options));
}

/** The files of the Hub that an input means, by path; nothing is fetched. */
export async function listHubInput({
  input,
  options,
}: Pick<PlanContext, 'input' | 'options'>): Promise<{ commit: string; files: HubFile[] }> {
  const written = parseHubAddress(input.path);
  const address = input.commit === undefined ? written : { ...written, revision: input.commit };
  const { commit, files } = await listHubFiles(address, hubOptionsOf(options));
  const { path } = address;
  const inside = (file: HubFile): boolean =>
    file.path === path || path === '' || file.path.startsWith(`${path}/`);
  const wanted = files.filter(isPattern(path) ? (file) => patternMatcher(path)(file.path) : inside);
  const visible = wanted.filter(
    (file) => !file.path.split('/').some((part) => part.startsWith('.')) || file.path === path,
  );
  if (visible.length === 0) {
    throw new UserError(
      `${input.path}: the data set has ${files.length} files at commit ${commit.slice(0, 8)}, and none is meant by this path`,
      {
        hint: `its files are ${files
          .slice(0, 5)
          .map((file) => file.path)
          .join(', ')}`,
      },
    );
  }
  const listing = {
    files: visible.map((file) => ({ path: file.path, bytes: file.bytes })),
    links: [],
    failures: [],
  };
  const { chosen } = chooseFiles(input, listing, input.path);
  const byPath = new Map(visible.map((file) => [file.path, file]));
  return { commit, files: chosen.map((file) => byPath.get(file.path)!) };
}

/**
 * Plans files of one commit: those that are read in parts by their footers, the others are fetched, several at a time. Those that cannot be
 * had are failures of the plan. How a file is read depends on its name and size, not on what this machine's cache holds.
 */
export async function planHubFiles(
  context: PlanContext,
  label: string,
  files: readonly HubFile[],
): Promise<void> {
  const { plan, input, options } = context;
  const hub = hubOptionsOf(options);
  const told = input.format === 'auto' ? undefined : input.format;
  const partsFrom = hubPartsFrom(hub);
  const remotes = files.map((file): HubFile => {
    const isParquet = (told ?? formatOf(file.path)) === 'parquet';
    return isParquet && file.bytes >= partsFrom ? { ...file, ranged: true } : file;
  });
  const bytesOf = (file: HubFile): number => (file.ranged === true ? 0 : file.bytes);
  const total = remotes.reduce((sum, file) => sum + bytesOf(file), 0);
  let done = 0;
  const limit = pLimit(planParallel);
  const gone = new Map<HubFile, unknown>();
  await Promise.all(
    remotes.map((remote) =>
      limit(async () => {
        if (options.signal?.aborted === true) return;
        try {
          await (remote.ranged === true ? fetchHubFooter(remote, hub) : fetchHubFile(remote, hub));
        } catch (error) {
          gone.set(remote, error);
        }
        done += bytesOf(remote);
        options.emit?.({ kind: 'progress', task: 'download', done, total, unit: 'bytes' });
      }),
    ),
  );
  options.signal?.throwIfAborted();
  for (const remote of remotes)
    if (gone.has(remote)) plan.failures.push(failureOf(pinnedAddress(remote), gone.get(remote)));
  const here = remotes.filter((remote) => !gone.has(remote));
  if (here.length === 0) return;
  const folder = hubSnapshotFolder(files[0]!, hub);
  // Also where only parts of files are here: Python's list of the cache takes a commit without this folder for damage.
  await mkdir(folder, { recursive: true });
  const name = pinnedAddress({ ...files[0]!, path: '' });
  const parts = here.filter(({ ranged }) => ranged === true);
  if (parts.length > 0)
    plan.notes.push(
      `${input.path}: ${parts.length === 1 ? 'one file' : `${parts.length} files`} of ${sizeText(parts.reduce((sum, { bytes }) => sum + bytes, 0))} on the Hub ${parts.length === 1 ? 'is' : 'are'} read by row groups as they are needed; "midtrain pull" fetches them whole`,
    );
  const [warnings, notes] = [plan.warnings.length, plan.notes.length];
  const byPath = new Map(here.map((file) => [file.path, file]));
  const chosen = here.map(({ path, bytes }) => ({ path, bytes }));
  await planChosen(context, chosen, folder, label, (path) => byPath.get(path), name.replace(/\/$/, ''));
  // What was found in files of this machine's cache, by their addresses.
  const named = (text: string): string => text.replaceAll(join(folder, '/'), name);
  plan.warnings.push(...plan.warnings.splice(warnings).map(named));
  plan.notes.push(...plan.notes.splice(notes).map(named));
}
