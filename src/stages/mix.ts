/**
 * Makes a mixture: token-exact shards from a recipe.
 *
 * 1. Tokenise every source once into a cache (`token-cache.ts`); count its tokens without the held-out documents.
 * 2. Plan (mixtures/plan.ts): sequences per source. What cannot be met is refused before anything is written.
 * 3. Write: each source is an endless stream of its documents, pass after pass, each pass in an order of its own, packed into windows of
 *    sequenceLength + 1 tokens; the windows are interleaved so that every prefix has nearly the planned shares (mixtures/interleave.ts).
 *
 * Layout: `shards/NNNNN.ds` in training order. Every window holds tokens of one source only and starts at a multiple of
 * sequenceLength + 1, so Nanotron's windows are ours and shares are counted in whole sequences. Each piece of a document is one entry
 * of `.ds.index` and one row of the provenance. `heldout/<source>.ds` has the held-out documents, whole.
 *
 * The same recipe, data and seed give the same bytes. Files appear whole or not at all and `manifest.json` last: a run that was
 * killed is started again and finds its caches. (design.md section 4, Mixture and Token shards)
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { interleave } from '../../mixtures/interleave.ts';
import { assertFeasible, type MixturePlan } from '../../mixtures/plan.ts';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { packageVersions } from '../io/package-root.ts';
import { type Run, startRun } from '../io/run-record.ts';
import { packWindows } from '../tokens/pack.ts';
import { orderOfPass } from './document-order.ts';
import {
  type MixManifest,
  type MixSummary,
  manifestOf,
  summaryOf,
  type WrittenFile,
} from './mix-manifest.ts';
import type { MixRequest } from './mix-request.ts';
import { type PreparedMix, prepareMix, type TokenisedSource } from './prepare-mix.ts';
import { ShardSeries } from './shard-series.ts';

export interface MixResult {
  manifest: MixManifest;
  summary: MixSummary;
  plan: MixturePlan;
  /** True if the output was already there, whole, from the same plan. */
  reused: boolean;
  /** Files that could not be read to their end. */
  failures: { source: string; file: string; place?: string; problem: string }[];
}

/** Carries out a recipe. Throws a `UserError` for what cannot be met, `InterruptedError` when `signal` is aborted. */
export async function mix(request: MixRequest): Promise<MixResult> {
  const { output } = request;
  const emit = request.emit ?? silent;
  const mixed = await prepareMix(request);
  try {
    assertFeasible(mixed.plan);
    for (const text of mixed.plan.warnings) emit({ kind: 'message', level: 'warn', text });
    const key = planKey(mixed, request);
    const found = await finishedManifest(output);
    if (found !== undefined && found.key === key && (await filesPresent(output, found))) {
      return {
        manifest: found,
        summary: summaryOf(mixed),
        plan: mixed.plan,
        reused: true,
        failures: mixed.failures,
      };
    }
    if (found !== undefined && found.key !== key && request.overwrite !== true) {
      throw new UserError(
        `${output} already holds another mixture (${found.name}, ${found.totalTokens} tokens)`,
        {
          hint: 'give another --out, or --overwrite to replace it',
        },
      );
    }
    const run = startRun(output, {
      command: 'mix',
      name: mixed.plan.name,
      config: resolvedConfig(mixed, request),
      evidence: evidenceOf(mixed),
      inputs: mixed.sources.flatMap((s) => s.inputs),
      parents: mixed.parents,
      versions: packageVersions(['hyparquet', '@huggingface/tokenizers', 'apache-arrow']),
      warnings: mixed.plan.warnings,
    });
    return await write(mixed, request, key, run, emit);
  } finally {
    for (const source of mixed.sources) source.cache.close();
  }
}

async function write(
  mixed: PreparedMix,
  request: MixRequest,
  key: string,
  run: Run,
  emit: Emit,
): Promise<MixResult> {
  const { output } = request;
  try {
    // The old manifest goes first: from here on the folder is not a finished mixture.
    await rm(join(output, 'manifest.json'), { force: true });
    for (const folder of ['shards', 'heldout']) {
      await rm(join(output, folder), { recursive: true, force: true });
      await mkdir(join(output, folder), { recursive: true });
    }
    await removeLeftovers(output);
    await mixed.tokenizer.saveTo(join(output, 'tokenizer'));
    const files = await writeShards(mixed, request, emit);
    files.push(...(await writeHeldout(mixed, request)));
    const manifest = manifestOf(mixed, key, files);
    await writeFileAtomic(join(output, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const summary = summaryOf(mixed);
    run.finish('done', { ...summary });
    return { manifest, summary, plan: mixed.plan, reused: false, failures: mixed.failures };
  } catch (error) {
    run.finish(error instanceof InterruptedError ? 'interrupted' : 'failed', {});
    throw error;
  }
}

async function writeShards(mixed: PreparedMix, request: MixRequest, emit: Emit): Promise<WrittenFile[]> {
  const { plan, tokenizer } = mixed;
  const started = Date.now();
  emit({ kind: 'start', task: 'mix', total: plan.totalTokens, unit: 'tokens' });
  const perShard = Math.max(1, Math.floor((request.shardTokens ?? 256e6) / plan.windowTokens));
  const shards = new ShardSeries(join(request.output, 'shards'), { tokenizer, sequencesPerShard: perShard });
  const streams = mixed.sources.map((source) =>
    packWindows(endlessDocuments(source, plan.seed), plan.windowTokens),
  );
  let done = 0;
  try {
    for (const i of interleave(plan.sources.map((s) => s.sequences))) {
      if (request.signal?.aborted) throw new InterruptedError();
      const window = streams[i]!.next();
      if (window.done) throw new Error(`source ${plan.sources[i]!.name} ran dry`);
      await shards.add(window.value, plan.sources[i]!.name);
      if (++done % 64 === 0) {
        const seconds = (Date.now() - started) / 1000;
        emit({
          kind: 'progress',
          task: 'mix',
          done: done * plan.windowTokens,
          total: plan.totalTokens,
          unit: 'tokens',
          numbers: { 'tokens/s': Math.round((done * plan.windowTokens) / Math.max(seconds, 0.001)) },
        });
      }
    }
    const files = await shards.finish();
    emit({
      kind: 'end',
      task: 'mix',
      done: plan.totalTokens,
      unit: 'tokens',
      seconds: (Date.now() - started) / 1000,
    });
    return files;
  } catch (error) {
    await shards.abort();
    throw error;
  }
}

/** The training documents of a source, pass after pass without end, each pass in an order of its own. */
function* endlessDocuments(
  source: TokenisedSource,
  seed: number,
): Generator<{ document: { id: string; url: string }; tokens: Uint32Array }> {
  for (let pass = 0; ; pass++) {
    for (const i of orderOfPass(source.train, source.cache.idHashes, seed, pass)) {
      const { id, url, tokens } = source.cache.read(i);
      yield { document: { id, url }, tokens };
    }
  }
}

async function writeHeldout(mixed: PreparedMix, request: MixRequest): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const source of mixed.sources) {
    if (source.heldout.length === 0) continue;
    const shards = new ShardSeries(join(request.output, 'heldout'), {
      tokenizer: mixed.tokenizer,
      name: source.name,
    });
    try {
      for (const i of orderOfPass(source.heldout, source.cache.idHashes, 0, 0)) {
        if (request.signal?.aborted) throw new InterruptedError();
        const { id, url, tokens } = source.cache.read(i);
        await shards.add([{ document: { id, url }, tokens }], source.name);
      }
      files.push(...(await shards.finish()));
    } catch (error) {
      await shards.abort();
      throw error;
    }
  }
  return files;
}

/** Everything that decides the bytes. */
function planKey(mixed: PreparedMix, request: MixRequest): string {
  return fingerprint({
    layout: 1,
    name: mixed.plan.name,
    tokenizer: mixed.tokenizer.fingerprint,
    windowTokens: mixed.plan.windowTokens,
    seed: mixed.plan.seed,
    heldout: [mixed.heldoutShare, mixed.heldoutSeed],
    shardTokens: request.shardTokens ?? null,
    sources: mixed.plan.sources.map((s, i) => [
      s.name,
      s.role,
      s.sequences,
      s.requestedShare,
      mixed.sources[i]!.key,
    ]),
  });
}

async function finishedManifest(output: string): Promise<MixManifest | undefined> {
  const path = join(output, 'manifest.json');
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as MixManifest;
  } catch (error) {
    throw new UserError(`${path} is not a manifest: ${(error as Error).message}`, {
      hint: 'delete the folder, or give another --out',
      cause: error,
    });
  }
}

async function filesPresent(output: string, manifest: MixManifest): Promise<boolean> {
  for (const file of manifest.files) {
    const size = await stat(join(output, file.path)).then(
      (s) => s.size,
      () => -1,
    );
    if (size !== file.bytes) return false;
  }
  return true;
}

function resolvedConfig(mixed: PreparedMix, request: MixRequest): Record<string, unknown> {
  return {
    recipe: request.loaded.recipe,
    recipeFile: request.loaded.file,
    chosen: request.loaded.chosen,
    ratios: request.ratios ?? {},
    options: request.options ?? {},
    tokenizer: { name: mixed.tokenizer.name, fingerprint: mixed.tokenizer.fingerprint },
  };
}

/** Every figure of the plan that has a tag, for the run record. */
function evidenceOf(mixed: PreparedMix): Run['record']['evidence'] {
  const { recipe } = mixed;
  const list: Run['record']['evidence'] = [];
  const add = (
    name: string,
    figure:
      | { value: unknown; evidence: (typeof list)[number]['evidence']; note?: string | undefined }
      | undefined,
  ) => {
    if (figure !== undefined) {
      list.push({
        name,
        value: figure.value,
        evidence: figure.evidence,
        ...(figure.note === undefined ? {} : { note: figure.note }),
      });
    }
  };
  add('budget', recipe.budget);
  add('sequenceLength', recipe.sequenceLength);
  for (const s of mixed.plan.sources)
    add(`share of ${s.name}`, { value: s.requestedShare, evidence: s.evidence, note: s.note });
  for (const { name, available } of mixed.plan.sources)
    add(`template of ${name}`, { value: available.template, evidence: available.templateEvidence });
  for (const [name, figure] of Object.entries(recipe.training ?? {})) {
    if (typeof figure === 'object' && 'evidence' in figure)
      add(`training.${name}`, figure as Parameters<typeof add>[1]);
    else if (typeof figure === 'object')
      for (const [size, value] of Object.entries(figure))
        add(`training.${name}.${size}`, value as Parameters<typeof add>[1]);
  }
  return list;
}
