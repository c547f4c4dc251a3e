/**
 * Which shards of a mixture are written: `<output>/cache/written/<shard>.json` says which files a shard has, with sizes and checksums, and what was counted
 * while it was written. It comes after the files, holds for one mixture and one shard of it, and counts as long as every file is there with its size.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { type MixArrangement, type MixShard, shardKey, shardsOf } from './mix-arrangement.ts';
import type { WrittenFile } from './mix-manifest.ts';

export interface ShardMarker {
  files: WrittenFile[];
  /** Of each source of the plan. */
  written: { tokens: number; padding: number }[];
}

/** What a mixture writes as shards. */
const folders = ['shards', 'per-source'];
const markers = join('cache', 'written');

export async function writeShardMarker(
  output: string,
  arrangement: MixArrangement,
  shard: MixShard,
  { files, written }: ShardMarker,
): Promise<void> {
  const marker = { shard: shardKey(arrangement, shard), files, written };
  await writeFileAtomic(
    markerPath(output, shard),
    `${JSON.stringify({ ...marker, check: fingerprint(marker) })}\n`,
  );
}

/** Undefined unless the shard is there, whole and of this mixture. */
export async function readShardMarker(
  output: string,
  arrangement: MixArrangement,
  shard: MixShard,
): Promise<ShardMarker | undefined> {
  try {
    const { check, ...marker } = JSON.parse(
      await readFile(markerPath(output, shard), 'utf8'),
    ) as ShardMarker & { shard: string; check: string };
    if (marker.shard !== shardKey(arrangement, shard) || check !== fingerprint(marker)) return undefined;
    return (await arePresent(output, marker.files))
      ? { files: marker.files, written: marker.written }
      : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The markers of all shards that are written. */
export async function shardMarkers(
  output: string,
  arrangement: MixArrangement,
): Promise<Map<string, ShardMarker>> {
  const found = new Map<string, ShardMarker>();
  for (const shard of shardsOf(arrangement)) {
    const marker = await readShardMarker(output, arrangement, shard);
    if (marker !== undefined) found.set(shard.id, marker);
  }
  return found;
}

/** Whether every file of a list is there with its size. */
export async function arePresent(output: string, files: readonly WrittenFile[]): Promise<boolean> {
  for (const file of files) {
    const size = await stat(join(output, file.path)).then(
      (s) => s.size,
      () => -1,
    );
    if (size !== file.bytes) return false;
  }
  return true;
}

/** Shards that are written need not be written again for as long as this is not called. */
export async function forgetShards(output: string): Promise<void> {
  await rm(join(output, markers), { recursive: true, force: true });
}

/**
 * Removes all that lies where shards go, and is not a written shard of this arrangement: those of another mixture, and what a killed process left. Only call
 * when nobody else writes there.
 */
export async function tidyShards(output: string, arrangement: MixArrangement): Promise<void> {
  const written = await shardMarkers(output, arrangement);
  const known = new Set(
    [...written.values()].flatMap(({ files }) => files.map(({ path }) => join(output, path))),
  );
  for (const id of written.keys()) known.add(markerPath(output, { id }));
  for (const folder of [...folders, markers]) await removeUnknown(join(output, folder), known);
}

/** Folders that are left empty go too. */
async function removeUnknown(folder: string, known: ReadonlySet<string>): Promise<void> {
  await removeLeftovers(folder);
  const within = folder + sep;
  if (![...known].some((path) => path.startsWith(within))) {
    await rm(folder, { recursive: true, force: true });
    return;
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await removeUnknown(path, known);
    else if (!known.has(path)) await rm(path, { force: true });
  }
}

function markerPath(output: string, { id }: Pick<MixShard, 'id'>): string {
  return join(output, markers, `${id}.json`);
}
