/**
 * Writes the files of a planned mixture, all but its manifest. Everything streams: one shard at a time is open, of a source one document
 * is held. Shards that an earlier run or other machines have written are taken as they are (shard-marker.ts). What was written is counted on the way, and
 * the counts of all shards together must be what the plan says.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MixturePlan } from '../../mixtures/plan.ts';
import { InterruptedError, invariant } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { type MixArrangement, type MixShard, sequenceAt, shardsOf } from './mix-arrangement.ts';
import type { WrittenFile } from './mix-manifest.ts';
import type { MixRequest } from './mix-request.ts';
import { drawSamples, samplesMarkdown } from './mix-samples.ts';
import { MixShards } from './mix-shards.ts';
import { assertFolderNames, writePerSourceConfig } from './per-source.ts';
import type { PreparedMix } from './prepare-mix.ts';
import { ShardFile } from './shard-file.ts';
import { type ShardMarker, shardMarkers, tidyShards } from './shard-marker.ts';
import { WritingProgress } from './writing-progress.ts';
import { listFile } from './written-file.ts';

/** Makes the output folder ready for the shards of a mixture: what is not of it goes, its token cache apart. Nobody else may be at work there. */
export async function beginMix(
  output: string,
  { plan }: PreparedMix,
  arrangement: MixArrangement,
): Promise<void> {
  if (arrangement.perSource) assertFolderNames(plan);
  for (const folder of ['heldout', 'tokenizer'])
    await rm(join(output, folder), { recursive: true, force: true });
  await rm(join(output, 'samples.md'), { force: true });
  await tidyShards(output, arrangement);
  await removeLeftovers(output);
}

/** Writes what is not there yet. Returns every file of the mixture. */
export async function writeMix(
  mixed: PreparedMix,
  arrangement: MixArrangement,
  request: MixRequest,
  emit: Emit,
): Promise<WrittenFile[]> {
  const { output, signal } = request;
  const { plan, tokenizer } = mixed;
  await beginMix(output, mixed, arrangement);
  for (const folder of ['shards', 'heldout']) await mkdir(join(output, folder), { recursive: true });
  await tokenizer.saveTo(join(output, 'tokenizer'));
  const shards = new MixShards(
    output,
    arrangement,
    mixed.sources.map(({ tokens }) => tokens),
    tokenizer,
  );
  const done = await shardMarkers(output, arrangement);
  const writeAll = async (task: string, list: MixShard[]): Promise<WrittenFile[]> => {
    const progress = new WritingProgress(emit, task, arrangement, list);
    const markers: ShardMarker[] = [];
    for (const shard of list) {
      const there = done.get(shard.id);
      if (there !== undefined) progress.skip(shard);
      markers.push(there ?? (await shards.write(shard, { signal, onSequence: progress.onSequence })));
    }
    assertAsPlanned(plan, markers);
    progress.end();
    return markers.flatMap(({ files }) => files);
  };
  const all = shardsOf(arrangement);
  const files = await writeAll(
    'mix',
    all.filter(({ source }) => source === undefined),
  );
  files.push(...(await writeHeldout(mixed, request)));
  if (arrangement.perSource) {
    const bySource = all.filter(({ source }) => source !== undefined);
    files.push(...(await writeAll('per source', bySource)));
    files.push(...(await writePerSourceConfig(output, plan, tokenizer)));
  }
  await writeSamples(output, mixed, arrangement, shards);
  files.push(await listFile(output, 'samples.md'));
  for (const name of (await readdir(join(output, 'tokenizer'))).sort())
    files.push(await listFile(output, `tokenizer/${name}`));
  return files;
}

/** Of all windows of the mixture, once. */
function assertAsPlanned(plan: MixturePlan, markers: readonly ShardMarker[]): void {
  for (const [i, { name, achievedTokens, paddingTokens }] of plan.sources.entries()) {
    const sum = (of: 'tokens' | 'padding'): number =>
      markers.reduce((n, { written }) => n + written[i]![of], 0);
    const [tokens, padding] = [sum('tokens'), sum('padding')];
    invariant(
      tokens === achievedTokens && padding === paddingTokens,
      `${name}: ${tokens} tokens and ${padding} of padding were written, ${achievedTokens} and ${paddingTokens} planned`,
    );
  }
}

async function writeSamples(
  output: string,
  { plan, tokenizer }: PreparedMix,
  arrangement: MixArrangement,
  shards: MixShards,
): Promise<void> {
  const samples = drawSamples(plan.seed, plan.sequences).map((sequence) => {
    const { source, window } = sequenceAt(arrangement, sequence);
    const { pieces, padding } = shards.window(source, window);
    return {
      sequence,
      source: plan.sources[source]!.name,
      padding,
      // Copies: a piece may be a view of a whole book.
      pieces: pieces.map((piece) => ({ ...piece, tokens: piece.tokens.slice() })),
    };
  });
  await writeFileAtomic(join(output, 'samples.md'), samplesMarkdown(samples, plan, tokenizer));
}

async function writeHeldout(mixed: PreparedMix, { output, signal }: MixRequest): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const { name, tokens: source } of mixed.sources) {
    if (source.heldout.documents === 0) continue;
    const shard = new ShardFile(output, `heldout/${name}`, mixed.tokenizer);
    try {
      for (const number of source.heldoutOrder()) {
        if (signal?.aborted) throw new InterruptedError();
        const { id, url, tokens } = source.read(number);
        await shard.add({ pieces: [{ id, url, tokens, offset: 0, pass: 0 }], padding: 0 }, name);
      }
      files.push(...(await shard.finish()));
    } catch (error) {
      await shard.abort();
      throw error;
    }
  }
  return files;
}
