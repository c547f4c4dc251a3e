/**
 * URL lists from a folder: files named as in url-lists.ts, in the folder itself or in one folder per category below it, as UT1 is laid
 * out (`adult/domains`, `gambling/urls`). Where a folder has no list of a kind, the built-in one stays.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { builtInUrlLists, parseUrlList, type UrlLists, urlListFiles } from '../filters/url-lists.ts';

/** Throws a `UserError` when the folder has none of the files. */
export function loadUrlLists(folder: string): UrlLists {
  const kinds = Object.entries(urlListFiles) as [keyof UrlLists, string][];
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .sort();
  const lists = { ...builtInUrlLists } as Record<keyof UrlLists, ReadonlySet<string>>;
  let found = 0;
  for (const [kind, name] of kinds) {
    const files = [folder, ...below].map((place) => join(place, name)).filter((path) => existsSync(path));
    if (files.length === 0) continue;
    found += files.length;
    const entries = new Set<string>();
    for (const file of files)
      for (const entry of parseUrlList(readFileSync(file, 'utf8'), kind)) entries.add(entry);
    lists[kind] = entries;
  }
  if (found === 0) {
    throw new UserError(`${folder} has no URL lists`, {
      hint: `a folder of lists, or folders in it, have files named ${kinds.map(([, name]) => name).join(', ')}`,
    });
  }
  return lists;
}
