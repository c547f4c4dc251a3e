/**
 * What all units of one input have in common, names of units, and failures as they stand in a plan.
 */
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { FetchError } from './fetch-error.ts';
import type { HubFile, HubOptions } from './hub.ts';
import { pinnedAddress } from './hub-file.ts';
import type { ParquetInspector } from './inspect-file.ts';
import type { InputFormat, InputSpec, PlanReadOptions, ReadPlan } from './read-unit-types.ts';

export const defaultUnitBytes = 128 * 1024 * 1024;

/** What planning one input needs at every step. */
export interface PlanContext {
  input: InputSpec;
  plan: ReadPlan;
  inspector: ParquetInspector;
  options: PlanReadOptions;
}

/** One file to be planned; `path` is where it lies here, also of one from the Hub. */
export interface PlannedFile {
  path: string;
  label: string;
  remote?: HubFile;
}

/** A file as plans and messages name it: one from the Hub by its address, since each machine has a cache of its own. */
export function nameOfFile({ path, remote }: PlannedFile): string {
  return remote === undefined ? path : pinnedAddress(remote);
}

export function commonOf(
  { input, options }: PlanContext,
  file: PlannedFile,
  format: InputFormat,
  path = nameOfFile(file),
) {
  return {
    file: path,
    label: file.label,
    format,
    source: input.source ?? sourceName(input.path),
    sourceGiven: input.source !== undefined,
    columns: input.columns ?? {},
    requireText: options.requireText ?? false,
    ...(file.remote === undefined ? {} : { remote: file.remote }),
  };
}

/** How the Hub is asked while a plan is made. */
export function hubOptionsOf({ hub, signal }: PlanReadOptions): HubOptions {
  return { ...hub, ...(signal === undefined ? {} : { signal }) };
}

const endings = /(\.(parquet|arrow|feather|jsonl|ndjson|json|gz|zst|html?|txt|md|warc|wet))+$/i;

/** The last part of a path without its endings; of a pattern or an address the last part that is a name. */
function sourceName(path: string): string {
  if (path.startsWith('hf://')) return path.split('/').slice(3, 5).join('/').replace(/@.*$/, '');
  const parts = resolve(path).split(/[\\/]/);
  while (parts.length > 1 && /[*?[{]/.test(parts.at(-1)!)) parts.pop();
  return basename(parts.join('/')).replace(endings, '') || 'input';
}

/** A name for files and logs: the label where it is harmless, else made harmless and told apart by a hash. */
export function unitId(label: string, part: string): string {
  const safe = label.replace(/[^A-Za-z0-9._-]+/g, '_').slice(-80);
  const name =
    safe === label ? safe : `${safe}-${createHash('sha256').update(label).digest('hex').slice(0, 8)}`;
  return `${name}#${part}`;
}

/** Throws what is not the file's fault. */
export function failureOf(file: string, error: unknown): ReadPlan['failures'][number] {
  if (!(error instanceof InputError)) {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code !== undefined)
      return { file, problem: messageOf(error) };
    throw error;
  }
  return {
    file,
    problem: error.problem,
    ...(error.place === undefined ? {} : { place: error.place }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error instanceof FetchError ? { notFetched: true } : {}),
  };
}

/** Items in runs of about `limit` by size, at least one in each. */
export function groupBySize<T>(
  items: readonly T[],
  size: (item: T) => number,
  limit: number,
): [number, number][] {
  const groups: [number, number][] = [];
  for (let start = 0; start < items.length; ) {
    let end = start + 1;
    let total = size(items[start]!);
    while (end < items.length && total + size(items[end]!) <= limit) total += size(items[end++]!);
    groups.push([start, end]);
    start = end;
  }
  return groups;
}

/** `1.2 GB`, for people. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let i = 0;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${i === 0 ? value : value.toFixed(1)} ${units[i]}`;
}
