/**
 * Whether the inputs that some units read are still what they were when the job was planned: the process that measures them need not be on
 * the machine that planned, nor run on the same day.
 *
 * A file is compared by size and fingerprint, once for all its units. Pages are compared by the fingerprint of all pages of their input
 * where that is of their contents (up to 256 MiB), and by the sizes of those that the units read (with those of the units that were one with
 * them before `splitPages`: the plan has no sizes of single pages). What comes from the Hub is pinned by its
 * commit and compared when it is fetched.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { fingerprintFile } from '../io/file-hash.ts';
import { fingerprintPages, pagesReadWhole } from '../io/fingerprint-pages.ts';
import { isPattern, splitPattern } from '../io/path-pattern.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import { partOf } from '../stages/split-pages.ts';

type Input = FilterPlan['inputs'][number];

/** Throws a `UserError` naming the first file that changed, and the cure. */
export async function checkInputs(plan: FilterPlan, units: readonly PlannedUnit[]): Promise<void> {
  const inputs = new Map(plan.inputs.map((input) => [input.path, input]));
  const seen = new Set<string>();
  const pages: PlannedUnit[] = [];
  for (const unit of units) {
    const { read } = unit;
    if (read.remote !== undefined || read.file.startsWith('hf://')) continue;
    const [first] = read.files ?? [];
    // A page that was given by its name is an input of its own.
    const path =
      first !== undefined && inputs.has(join(read.file, first)) ? join(read.file, first) : read.file;
    if (first !== undefined && path === read.file) pages.push(unit);
    else if (!seen.has(path) && inputs.has(path)) await checkFile(inputs.get(path)!);
    seen.add(path);
  }
  await checkSizes(plan, pages);
  for (const folder of new Set(pages.map(({ read }) => read.file))) await checkPages(plan, folder);
}

async function checkFile({ path, bytes, fingerprint }: Input): Promise<void> {
  const now = await fingerprintFile(path).catch((error: unknown) => {
    throw changed(path, `cannot be read any more: ${messageOf(error)}`, error);
  });
  if (now.bytes !== bytes)
    throw changed(path, `had ${bytes} bytes when the job was planned and has ${now.bytes}`);
  if (now.fingerprint !== fingerprint)
    throw changed(path, 'has another content than when the job was planned');
}

/** The pages of `units`, each unit together with those that were one with it: only their sizes together are in the plan. */
async function checkSizes(plan: FilterPlan, units: readonly PlannedUnit[]): Promise<void> {
  const asked = new Set(units.map(({ name }) => name));
  for (let start = 0, end = 0; start < plan.units.length; start = end) {
    end = start + 1;
    while (end < plan.units.length && partOf(plan.units[end]!.read.id) > 0) end++;
    const parts = plan.units.slice(start, end);
    if (!parts.some(({ name }) => asked.has(name))) continue;
    const folder = parts[0]!.read.file;
    let [planned, now] = [0, 0];
    for (const { read } of parts) {
      planned += read.bytes;
      for (const file of read.files ?? []) now += await sizeOf(join(folder, file));
    }
    if (now !== planned)
      throw changed(folder, `has pages that had ${planned} bytes when the job was planned and have ${now}`);
  }
}

/** All pages below `folder`, where one input alone is of them and their contents were read. */
async function checkPages(plan: FilterPlan, folder: string): Promise<void> {
  const own = plan.inputs.filter(({ path }) => path === folder || isPatternBelow(path, folder));
  const [input] = own;
  if (input === undefined || own.length > 1 || input.bytes > pagesReadWhole) return;
  const files = plan.units.flatMap(({ read }) => (read.file === folder ? (read.files ?? []) : []));
  const pages: { path: string; bytes: number }[] = [];
  for (const path of files.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
    pages.push({ path, bytes: await sizeOf(join(folder, path)) });
  const { fingerprint } = await fingerprintPages(folder, pages);
  if (fingerprint !== input.fingerprint)
    throw changed(input.path, 'has pages of another content than when the job was planned');
}

function isPatternBelow(path: string, folder: string): boolean {
  return isPattern(path) && splitPattern(path.replaceAll('\\', '/')).base === folder;
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw changed(path, `cannot be read any more: ${messageOf(error)}`, error);
  });
  return size;
}

function changed(path: string, what: string, cause?: unknown): UserError {
  return new UserError(`the input ${path} ${what}`, {
    hint: 'put it back as it was and go on with midtrain jobs retry, or run the midtrain filter command again with --fresh or another --out',
    ...(cause === undefined ? {} : { cause }),
  });
}
