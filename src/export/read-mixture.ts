/** A mixture that `midtrain mix` wrote, as an export needs it: its sizes, its tokenizer, and its shards by folder. Only small files are read. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';
import { metricTokens } from '../io/metric-tokens.ts';
import { readShardMetadata } from '../io/token-shard.ts';
import type { MixManifest } from '../stages/mix-manifest.ts';

/** Shards that a trainer reads as one dataset. */
export interface ShardFolder {
  /** Name of the source; `all` where the mixture's own order of shards is taken. */
  name: string;
  folder: string;
  /** Names of the `.ds` files, sorted. */
  shards: string[];
  /** What their `.metadata` says. */
  metadata: { shard: string; tokens: number; bytes: number; count: string }[];
  tokens: number;
  tokenBytes: 2 | 4;
  /** Has `.ds.loss`. */
  masked: boolean;
  /** Share of the mixture's sequences. */
  weight: number;
}

export interface ExportMixture {
  path: string;
  manifest: MixManifest;
  /** One a source where the mixture has per-source/, else one in all. */
  folders: ShardFolder[];
  /** Whether the shares are by source, as the trainer would mix them itself. */
  perSource: boolean;
  tokenizerFolder: string;
}

export async function readMixture(folder: string): Promise<ExportMixture> {
  const file = path.join(folder, 'manifest.json');
  let manifest: MixManifest;
  try {
    manifest = JSON.parse(await readFile(file, 'utf8')) as MixManifest;
  } catch (cause) {
    throw new InputError(file, `cannot be read as a mixture's manifest: ${messageOf(cause)}`, {
      cause,
      hint: 'give the folder that `midtrain mix` wrote; it is not whole without manifest.json',
    });
  }
  if (manifest.windowTokens === undefined || !Array.isArray(manifest.sources))
    throw new InputError(file, 'is not the manifest of a mixture', {
      hint: 'give the folder that `midtrain mix` wrote',
    });
  const sources = manifest.sources.filter(({ sequences }) => sequences > 0);
  const bySource = path.join(folder, 'per-source');
  const perSource = existsSync(path.join(bySource, 'weights.json'));
  const folders = perSource
    ? await Promise.all(
        sources.map(({ name, sequences }) =>
          shardFolder(name, path.join(bySource, name), sequences / manifest.sequences),
        ),
      )
    : [await shardFolder('all', path.join(folder, 'shards'), 1)];
  return { path: folder, manifest, folders, perSource, tokenizerFolder: path.join(folder, 'tokenizer') };
}

async function shardFolder(name: string, folder: string, weight: number): Promise<ShardFolder> {
  const shards = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.ds'))
        .sort()
    : [];
  if (shards.length === 0)
    throw new InputError(folder, 'has no .ds file', { hint: 'mix again: `midtrain mix <recipe> --out ...`' });
  const read = await Promise.all(shards.map((shard) => readShardMetadata(path.join(folder, shard))));
  return {
    name,
    folder,
    shards,
    metadata: read.map(({ tokenCount, tokenBytes: bytes }, i) => ({
      shard: shards[i]!,
      tokens: tokenCount,
      bytes,
      count: metricTokens(tokenCount),
    })),
    tokens: read.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
    tokenBytes: read[0]!.tokenBytes,
    masked: shards.some((shard) => existsSync(path.join(folder, `${shard}.loss`))),
    weight,
  };
}
