/**
 * Which files of a folder or of a pattern an input means; the rest is counted in the plan's warnings. (plan-hub.ts: of a data set on the Hub.)
 *
 * A folder written by `datasets.save_to_disk` is read by its own list of files (state.json): the folder may hold caches of other content.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { fingerprintPages } from './fingerprint-pages.ts';
import { type HubFile, parseHubAddress } from './hub.ts';
import { formatOf, formatsFor } from './input-format.ts';
import { patternMatcher, splitPattern } from './path-pattern.ts';
import { planFiles } from './plan-files.ts';
import { commonOf, defaultUnitBytes, groupBySize, type PlanContext, unitId } from './plan-unit.ts';
import type { InputFormat, InputSpec } from './read-unit-types.ts';
import { type FolderListing, walkFolder } from './walk-folder.ts';

type Files = FolderListing['files'];

/** A folder: all its files. */
export async function planFolder(context: PlanContext, label: string): Promise<void> {
  const { input, plan } = context;
  const listing = await walkFolder(input.path);
  reportListing(context, listing, input.path);
  const state = await savedFiles(input.path, listing.files);
  plan.warnings.push(...state.warnings);
  plan.failures.push(...state.failures);
  await planListing(context, { ...listing, files: state.files }, input.path, label);
}

/** A pattern: the files it matches. */
export async function planPattern(context: PlanContext, label: string): Promise<void> {
  const { base, pattern } = splitPattern(context.input.path.replaceAll('\\', '/'));
  const nothing = (): UserError =>
    new UserError(`${context.input.path}: no file matches this pattern`, {
      hint: 'check the path of this input; ** stands for any folders',
    });
  if (!existsSync(base)) throw nothing();
  const matches = patternMatcher(pattern);
  const listing = await walkFolder(base);
  const files = listing.files.filter(({ path }) => matches(path));
  if (files.length === 0) throw nothing();
  reportListing(context, { ...listing, links: listing.links.filter(matches) }, base);
  await planListing(context, { ...listing, files }, base, label);
}

function reportListing({ plan }: PlanContext, listing: FolderListing, folder: string): void {
  for (const { file, problem } of listing.failures) plan.failures.push({ file, problem });
  if (listing.links.length > 0)
    plan.warnings.push(
      `${folder}: ${listing.links.length} symbolic links were not followed (${some(listing.links)})`,
    );
}

async function planListing(
  context: PlanContext,
  listing: FolderListing,
  folder: string,
  label: string,
): Promise<void> {
  const { chosen, left } = chooseFiles(context.input, listing, context.input.path);
  if (left > 0)
    context.plan.warnings.push(`${context.input.path}: ${left} files of other kinds were left out`);
  await planChosen(context, chosen, folder, label);
}

/** The files of a listing that can be read; `name` is how messages call it. Throws a `UserError` when there are none. */
export function chooseFiles(
  input: InputSpec,
  listing: FolderListing,
  name: string,
): { chosen: Files; left: number } {
  const formats = formatsFor(input.format ?? 'auto', listing);
  let chosen = listing.files.filter(({ path }) => {
    const format = formatOf(path);
    return format !== undefined && formats.includes(format);
  });
  // Files without the usual endings, such as a download cache: the user has said what they are.
  if (chosen.length === 0 && input.format !== undefined && input.format !== 'auto') chosen = listing.files;
  if (chosen.length === 0) {
    throw new UserError(
      `${name} holds no ${input.format === undefined || input.format === 'auto' ? 'readable' : input.format} files`,
      {
        hint: 'readable are .parquet, .arrow, .jsonl (also .gz, .zst), .json, .warc.gz, .wet.gz, .html, .txt and .md',
      },
    );
  }
  return { chosen, left: listing.files.length - chosen.length };
}

/** Plans files of a folder; `remoteOf` knows those that came from the Hub, `name` is how units call the folder. */
export async function planChosen(
  context: PlanContext,
  chosen: Files,
  folder: string,
  label: string,
  remoteOf: (path: string) => HubFile | undefined = () => undefined,
  name = folder,
): Promise<void> {
  const { input } = context;
  const told = input.format === 'auto' ? undefined : input.format;
  const isPage = ({ path }: Files[number]): boolean =>
    ['html', 'text'].includes(told ?? formatOf(path) ?? '');
  const pages = chosen.filter(isPage);
  if (pages.length > 0) await planPages(context, label, pages, folder, name);
  const data = pages.length === chosen.length ? [] : chosen.filter((file) => !isPage(file));
  if (data.length === 0) return;
  await planFiles(
    context,
    data.map(({ path }) => {
      const remote = remoteOf(path);
      return {
        path: join(folder, path),
        label: `${label}/${path}`,
        ...(remote === undefined ? {} : { remote }),
      };
    }),
  );
}

/** `name`: the folder as units name it, which for the Hub is its address. */
async function planPages(
  context: PlanContext,
  label: string,
  pages: Files,
  folder: string,
  name: string,
): Promise<void> {
  const { input, plan, options } = context;
  const onHub = name === folder ? undefined : parseHubAddress(input.path).path;
  const path = onHub === undefined ? input.path : `${name}${onHub === '' ? '' : '/'}${onHub}`;
  plan.inputs.push({ path, ...(await fingerprintPages(folder, pages)) });
  for (const format of ['html', 'text'] as const) {
    const formatOfPage = (path: string): InputFormat | undefined =>
      input.format === 'html' || input.format === 'text' ? input.format : formatOf(path);
    const own = pages.filter(({ path }) => formatOfPage(path) === format);
    const limit = options.unitBytes ?? defaultUnitBytes;
    // At most 20,000 pages, whatever their size.
    for (const [start, end] of groupBySize(own, ({ bytes }) => Math.max(bytes, limit / 20_000), limit)) {
      const files = own.slice(start, end);
      plan.units.push({
        ...commonOf(context, { path: name, label }, format),
        id: unitId(label, `${format}${start}-${end}`),
        files: files.map((file) => file.path),
        firstRow: start,
        rows: end - start,
        bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      });
    }
  }
}

/** In folders of `datasets.save_to_disk` only the files that state.json lists, in its order; other folders as they are. */
async function savedFiles(
  root: string,
  files: Files,
): Promise<{
  files: Files;
  warnings: string[];
  failures: { file: string; problem: string; hint?: string }[];
}> {
  const states = files.filter(({ path }) => basename(path) === 'state.json');
  const listed = new Map<string, string[]>();
  const failures: { file: string; problem: string; hint?: string }[] = [];
  for (const { path } of states) {
    const full = join(root, path);
    const folder = dirname(path) === '.' ? '' : `${dirname(path)}/`;
    const names = await dataFiles(full).catch((error: unknown) => {
      failures.push({ file: full, problem: messageOf(error), hint: 'save the data set again' });
      return undefined;
    });
    if (names === undefined) continue;
    listed.set(
      folder,
      names.map((name) => folder + name),
    );
    const present = new Set(files.map((file) => file.path));
    for (const name of names)
      if (!present.has(folder + name))
        failures.push({
          file: join(root, folder + name),
          problem: 'state.json lists this file, and it is not there',
          hint: 'copy the folder again',
        });
  }
  if (listed.size === 0) return { files, warnings: [], failures };
  const warnings: string[] = [];
  if (listed.size > 1)
    warnings.push(
      `${root}: the splits ${[...listed.keys()]
        .map((name) => name.slice(0, -1))
        .sort()
        .join(', ')} are all read; name a folder below to read one`,
    );
  const kept = files.filter(({ path }) => {
    const own = listed.get(dirname(path) === '.' ? '' : `${dirname(path)}/`);
    return own === undefined || !path.endsWith('.arrow') || own.includes(path);
  });
  return { files: kept, warnings, failures };
}

/** The data files of a state.json that is one of `save_to_disk`; nothing when it is another file of that name. */
async function dataFiles(path: string): Promise<string[] | undefined> {
  const state = JSON.parse(await readFile(path, 'utf8')) as {
    _data_files?: unknown;
    _indices_data_files?: unknown;
  };
  const { _data_files: files, _indices_data_files: indices } = state ?? {};
  if (!Array.isArray(files)) return undefined;
  if (Array.isArray(indices) && indices.length > 0)
    throw new InputError(path, 'the data set selects its rows by an index, which is not supported');
  return files.map((file: unknown) => {
    const name = (file as { filename?: unknown } | null)?.filename;
    if (typeof name !== 'string' || basename(name) !== name)
      throw new InputError(path, `lists the file ${JSON.stringify(name)}`);
    return name;
  });
}

function some(names: readonly string[]): string {
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} others`;
}
