/** Where the tokens of a source's units lie under a run folder, and what of other data or other tokenizers is in the way there. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { removeLeftovers } from '../io/atomic.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { Heldout } from './tokenise-unit.ts';
import type { SourceUnit, TextSource } from './unit-texts.ts';

/** Changes with the layout of the files. */
const layout = 2;

export interface SourceCache {
  /** Changes with how texts become tokens, not with what is read. */
  key: string;
  folder: string;
  pathOf(unit: SourceUnit): string;
}

export function sourceCache(
  output: string,
  source: TextSource,
  tokenizer: Tokenizer,
  heldout: Heldout,
): SourceCache {
  const key = fingerprint({
    layout,
    tokenizer: tokenizer.fingerprint,
    end: tokenizer.eosId,
    template: source.template,
    chat: source.template === 'chat' ? (tokenizer.chat?.fingerprint ?? null) : null,
    columns: source.columns,
    where: source.where ?? null,
    heldout,
  });
  return cacheOfKey(output, source.name, key);
}

/** Where the cache of a key lies, without the tokenizer that decided the key. */
export function cacheOfKey(output: string, name: string, key: string): SourceCache {
  const folder = join(output, 'cache', `${name}-${key}.tokens`);
  return { key, folder, pathOf: (unit) => join(folder, `${unitName(unit)}.tokens`) };
}

/** Unique in the source: letters, digits, `. _ # -`. */
export function unitName({ id, key }: SourceUnit): string {
  return `${id.replace(/[^A-Za-z0-9._#-]+/g, '_').slice(-60)}-${key}`;
}

/** Removes caches of the sources, by their names, that were made in another way, and what a killed run left in these. */
export async function tidyCaches(output: string, sources: ReadonlyMap<string, SourceCache>): Promise<void> {
  const caches = join(output, 'cache');
  await removeLeftovers(caches);
  for (const name of await readdir(caches).catch(() => [] as string[])) {
    const match = /^(.*)-[0-9a-f]{16}\.tokens(\.json)?$/.exec(name);
    const source = match === null ? undefined : sources.get(match[1]!);
    if (source === undefined) continue;
    if (join(caches, name) === source.folder) await removeLeftovers(source.folder);
    else await rm(join(caches, name), { recursive: true, force: true });
  }
}

/** Removes units that are not among those of the source any more: its data has changed. */
export async function removeOtherUnits(
  { folder, pathOf }: SourceCache,
  units: readonly SourceUnit[],
): Promise<void> {
  const known = new Set(units.map(pathOf));
  for (const name of await readdir(folder).catch(() => [] as string[]))
    if (!known.has(join(folder, name))) await rm(join(folder, name), { force: true });
}
