/**
 * Writes the files of a planned mixture, all but its manifest. Everything streams: one shard at a time is open, of a source one document
 * is held. What is written is counted again on the way and must be what the plan says.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { interleave } from '../../mixtures/interleave.ts';
import { sortedByName } from '../../mixtures/plan.ts';
import { collectGarbage } from '../core/collect-garbage.ts';
import { InterruptedError, invariant } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import type { WrittenFile } from './mix-manifest.ts';
import type { MixRequest } from './mix-request.ts';
import { MixSamples } from './mix-samples.ts';
import { writePerSource } from './per-source.ts';
import type { PreparedMix } from './prepare-mix.ts';
import { ShardSeries } from './shard-series.ts';
import { sourceWindows } from './source-windows.ts';
import { listFile } from './written-file.ts';

/** A few seconds of writing. */
const collectAfterTokens = 1 << 23;

/** Replaces what an earlier run left in the output folder, its token cache apart. Returns every file written. */
export async function writeMix(mixed: PreparedMix, request: MixRequest, emit: Emit): Promise<WrittenFile[]> {
  const { output } = request;
  for (const folder of ['shards', 'heldout', 'per-source', 'tokenizer'])
    await rm(join(output, folder), { recursive: true, force: true });
  for (const folder of ['shards', 'heldout']) await mkdir(join(output, folder), { recursive: true });
  await rm(join(output, 'samples.md'), { force: true });
  await removeLeftovers(output);
  await mixed.tokenizer.saveTo(join(output, 'tokenizer'));
  const samples = new MixSamples(mixed.plan.seed);
  const files = await writeShards(mixed, request, samples, emit);
  files.push(...(await writeHeldout(mixed, request)));
  if (request.perSource === true) {
    const task = beginTask(emit, 'per source', mixed);
    files.push(
      ...(await writePerSource(output, mixed.plan, mixed.sources, mixed.tokenizer, {
        sequencesPerShard: sequencesPerShard(mixed, request),
        signal: request.signal,
        progress: task.progress,
      })),
    );
    task.end();
  }
  await writeFileAtomic(join(output, 'samples.md'), samples.markdown(mixed.plan, mixed.tokenizer));
  files.push(await listFile(output, 'samples.md'));
  for (const name of (await readdir(join(output, 'tokenizer'))).sort())
    files.push(await listFile(output, `tokenizer/${name}`));
  return files;
}

function sequencesPerShard({ plan }: PreparedMix, request: MixRequest): number {
  return Math.max(1, Math.floor((request.shardTokens ?? 256e6) / plan.windowTokens));
}

async function writeShards(
  mixed: PreparedMix,
  request: MixRequest,
  samples: MixSamples,
  emit: Emit,
): Promise<WrittenFile[]> {
  const { plan, tokenizer } = mixed;
  const task = beginTask(emit, 'mix', mixed);
  const shards = new ShardSeries(join(request.output, 'shards'), {
    tokenizer,
    sequencesPerShard: sequencesPerShard(mixed, request),
    padded: plan.packing === 'best-fit',
  });
  const streams = mixed.sources.map((source, i) => sourceWindows(source.tokens, plan, plan.sources[i]!));
  const written = plan.sources.map(() => ({ tokens: 0, padding: 0 }));
  let sequence = 0;
  const collectAfter = Math.ceil(collectAfterTokens / plan.windowTokens);
  // In the order of names, as the plan: the order in which a recipe lists its sources decides nothing.
  const inOrder = sortedByName(plan.sources);
  try {
    for (const k of interleave(inOrder.map((s) => s.sequences))) {
      if (request.signal?.aborted) throw new InterruptedError();
      const i = plan.sources.indexOf(inOrder[k]!);
      const { name } = plan.sources[i]!;
      const window = streams[i]!.next();
      invariant(window.done !== true, `source ${name} ran dry`);
      const { pieces, padding } = window.value;
      await shards.add(window.value, name);
      samples.offer(sequence, name, window.value);
      for (const { tokens } of pieces) written[i]!.tokens += tokens.length;
      written[i]!.padding += padding;
      if (++sequence % 64 === 0) task.progress(sequence);
      if (sequence % collectAfter === 0) collectGarbage({ shrink: true });
    }
    const files = await shards.finish();
    for (const [i, { name, achievedTokens, paddingTokens }] of plan.sources.entries()) {
      const { tokens, padding } = written[i]!;
      invariant(
        tokens === achievedTokens && padding === paddingTokens,
        `${name}: ${tokens} tokens and ${padding} of padding were written, ${achievedTokens} and ${paddingTokens} planned`,
      );
    }
    task.end();
    return files;
  } catch (error) {
    await shards.abort();
    throw error;
  }
}

async function writeHeldout(mixed: PreparedMix, request: MixRequest): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const { name, tokens: source } of mixed.sources) {
    if (source.heldout.documents === 0) continue;
    const shards = new ShardSeries(join(request.output, 'heldout'), { tokenizer: mixed.tokenizer, name });
    try {
      for (const number of source.heldoutOrder()) {
        if (request.signal?.aborted) throw new InterruptedError();
        const { id, url, tokens } = source.read(number);
        await shards.add({ pieces: [{ id, url, tokens, offset: 0, pass: 0 }], padding: 0 }, name);
      }
      files.push(...(await shards.finish()));
    } catch (error) {
      await shards.abort();
      throw error;
    }
  }
  return files;
}

function beginTask(emit: Emit, task: string, { plan }: PreparedMix) {
  const started = Date.now();
  const total = plan.sequences * plan.windowTokens;
  const seconds = () => (Date.now() - started) / 1000;
  emit({ kind: 'start', task, total, unit: 'tokens' });
  return {
    progress(sequences: number): void {
      const done = sequences * plan.windowTokens;
      const rate = Math.round(done / Math.max(seconds(), 0.001));
      emit({ kind: 'progress', task, done, total, unit: 'tokens', numbers: { 'tokens/s': rate } });
    },
    end: () => emit({ kind: 'end', task, done: total, unit: 'tokens', seconds: seconds() }),
  };
}
