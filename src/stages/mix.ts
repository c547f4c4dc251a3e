/**
 * Makes a mixture: token-exact shards from a recipe.
 *
 * 1. Tokenise every source once into a cache (`token-cache.ts`); count its tokens without the held-out documents.
 * 2. Plan (mixtures/plan.ts): sequences per source. What cannot be met is refused before anything is written.
 * 3. Write (write-mix.ts): each source is an endless stream of its documents, pass after pass, each pass in an order of its own, packed
 *    into windows of sequenceLength + 1 tokens; the windows are interleaved so that every prefix has nearly the planned shares
 *    (mixtures/interleave.ts). What each shard holds follows from that (mix-arrangement.ts), so any of them can be written without the others.
 *
 * Layout: `shards/NNNNN.ds` in training order. Every window holds tokens of one source only and starts at a multiple of
 * sequenceLength + 1, so Nanotron's windows are ours and shares are counted in whole sequences. Each piece of a document is one entry
 * of `.ds.index` and one row of the provenance; padding (best-fit packing only) is an entry without a row. `heldout/<source>.ds` has
 * the held-out documents, whole; `per-source/` the same windows by source, if asked for; `samples.md` some of them to look at.
 *
 * The same recipe, data and seed give the same bytes. Files appear whole or not at all and `manifest.json` last: a run that was
 * killed is started again and finds its caches and the shards that are whole. (design.md section 4, Mixture and Token shards)
 */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { assertFeasible, type MixturePlan, sharesOf } from '../../mixtures/plan.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, messageOf, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { addressOfCached, isHubAddress } from '../io/hub-model.ts';
import { packageVersions } from '../io/package-root.ts';
import { type Run, readRecord, startRun } from '../io/run-record.ts';
import { arrange } from './mix-arrangement.ts';
import { type MixManifest, type MixSummary, manifestOf, summaryOf } from './mix-manifest.ts';
import { assertMixOutput } from './mix-output.ts';
import type { MixRequest } from './mix-request.ts';
import { type PreparedMix, prepareMix } from './prepare-mix.ts';
import type { SettledMix } from './settle-mix.ts';
import { arePresent, forgetShards } from './shard-marker.ts';
import { writeMix } from './write-mix.ts';

export interface MixResult {
  manifest: MixManifest;
  summary: MixSummary;
  plan: MixturePlan;
  /** True if the output was already there, whole, from the same plan. */
  reused: boolean;
  /** Files that could not be read to their end. */
  failures: { source: string; file: string; place?: string; problem: string }[];
}

/**
 * Carries out a recipe. `settled`: its sources and tokenizer, where they are known. Throws a `UserError` for what cannot be met,
 * `InterruptedError` when `signal` is aborted.
 */
export async function mix(request: MixRequest, settled?: SettledMix): Promise<MixResult> {
  const { output } = request;
  const emit = request.emit ?? silent;
  const { found, keepCaches } = await checkMixOutput(request);
  const mixed = await prepareMix(request, { keepCaches, settled });
  try {
    assertFeasible(mixed.plan);
    for (const text of mixed.plan.warnings) emit({ kind: 'message', level: 'warn', text });
    const key = planKey(mixed, request);
    if (await isFinished(output, found, key)) {
      // The files are taken as they are listed; all else in the manifest follows from the plan.
      const manifest = manifestOf(mixed, key, found!.files);
      await finishEarlier(mixed, request, manifest);
      return {
        manifest,
        summary: summaryOf(mixed),
        plan: mixed.plan,
        reused: true,
        failures: mixed.failures,
      };
    }
    await replaceEarlier(request, found, key);
    const run = beginRun(mixed, request);
    return await write(mixed, request, key, run, emit);
  } finally {
    for (const source of mixed.sources) source.tokens.close();
  }
}

/**
 * The finished mixture in the output folder, if there is one, and whether what is cached for it must stay. Throws a `UserError` when the folder
 * is somebody else's, or when what lies there can be told to be another mixture, before hours of tokenising; the rest follows from the tokens.
 */
export async function checkMixOutput(
  request: MixRequest,
): Promise<{ found: MixManifest | undefined; keepCaches: boolean }> {
  const { output } = request;
  const overwrite = request.overwrite === true;
  assertMixOutput(output);
  const found = await finishedManifest(output, overwrite);
  if (found !== undefined && !overwrite && asksForAnother(request, found))
    throw anotherMixture(output, found);
  return { found, keepCaches: found !== undefined && !overwrite };
}

/** Whether the manifest found in a folder is that of the mixture with this key, and every file of it there. */
export async function isFinished(
  output: string,
  found: MixManifest | undefined,
  key: string,
): Promise<boolean> {
  return found?.key === key && (await arePresent(output, found.files));
}

/**
 * Before the first file is written or removed. `found`: the finished mixture in the output folder; it is replaced if it is another and `overwrite` is
 * asked for, and made whole if it is this one. Throws a `UserError` if it must stay.
 */
export async function replaceEarlier(
  { output, overwrite }: MixRequest,
  found: MixManifest | undefined,
  key: string,
): Promise<void> {
  if (found !== undefined && found.key !== key && overwrite !== true) throw anotherMixture(output, found);
  const path = join(output, 'manifest.json');
  // One that cannot be read: nothing that lies beside it is taken as it is.
  if (found === undefined && existsSync(path)) await forgetShards(output);
  // It goes first: from here on the folder is not a finished mixture.
  await rm(path, { force: true });
}

function anotherMixture(output: string, found: MixManifest): UserError {
  return new UserError(
    `${output} already holds another mixture (${found.name}, ${found.totalTokens} tokens)`,
    {
      hint: 'give another --out, or --overwrite to replace it',
    },
  );
}

/** Whether the recipe and flags alone, without a look at the data, are not those of a finished mixture. */
function asksForAnother({ loaded, options, packing, ratios, cwd }: MixRequest, found: MixManifest): boolean {
  const { recipe } = loaded;
  const shares = sharesOf(recipe, resolveSources(loaded, cwd), ratios);
  return (
    found.name !== recipe.name ||
    found.seed !== (options?.seed ?? recipe.seed) ||
    found.packing !== (packing ?? recipe.packing) ||
    found.sequenceLength !== (options?.sequenceLength ?? recipe.sequenceLength.value) ||
    !isDeepStrictEqual(
      found.sources.map((source) => [source.name, source.requestedShare]),
      shares.map(({ name, share }) => [name, share]),
    )
  );
}

function beginRun(mixed: PreparedMix, request: MixRequest): Run {
  return startRun(request.output, {
    command: 'mix',
    name: mixed.plan.name,
    config: resolvedConfig(mixed, request),
    evidence: evidenceOf(mixed),
    inputs: [...mixed.sources.flatMap((s) => s.inputs), ...tokenizerInput(mixed)],
    parents: mixed.parents,
    versions: packageVersions(['hyparquet', '@huggingface/tokenizers', 'apache-arrow']),
    warnings: mixed.plan.warnings,
  });
}

/** A tokenizer of the Hub by its commit. */
function tokenizerInput({ tokenizer }: PreparedMix): { path: string; fingerprint: string }[] {
  const path = addressOfCached(tokenizer.files.path);
  return isHubAddress(path) ? [{ path, fingerprint: tokenizer.fingerprint }] : [];
}

/** Puts the manifest right where it is damaged, and the record of a run that was killed behind its manifest. */
async function finishEarlier(mixed: PreparedMix, request: MixRequest, manifest: MixManifest): Promise<void> {
  const path = join(request.output, 'manifest.json');
  await removeLeftovers(request.output);
  const text = manifestText(manifest);
  if ((await readFile(path, 'utf8')) !== text) await writeFileAtomic(path, text);
  let status: string | undefined;
  try {
    status = readRecord(request.output).status;
  } catch {
    // absent or damaged
  }
  if (status !== 'done') beginRun(mixed, request).finish('done', { ...summaryOf(mixed) });
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
    const files = await writeMix(mixed, arrange(mixed, key, request), request, emit);
    const manifest = manifestOf(mixed, key, files);
    await writeFileAtomic(join(output, 'manifest.json'), manifestText(manifest));
    const summary = summaryOf(mixed);
    run.finish('done', { ...summary });
    return { manifest, summary, plan: mixed.plan, reused: false, failures: mixed.failures };
  } catch (error) {
    run.finish(error instanceof InterruptedError ? 'interrupted' : 'failed', {});
    throw error;
  }
}

function manifestText(manifest: MixManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Everything that decides the bytes. */
export function planKey(mixed: PreparedMix, request: MixRequest): string {
  return fingerprint({
    layout: 2,
    name: mixed.plan.name,
    tokenizer: mixed.tokenizer.fingerprint,
    windowTokens: mixed.plan.windowTokens,
    seed: mixed.plan.seed,
    packing: mixed.plan.packing,
    perSource: request.perSource === true,
    heldout: [mixed.heldoutShare, mixed.heldoutSeed],
    shardTokens: request.shardTokens ?? null,
    sources: mixed.plan.sources.map((s, i) => [
      s.name,
      s.role,
      s.sequences,
      s.requestedShare,
      mixed.sources[i]!.tokens.key,
    ]),
  });
}

/** `replace`: one that is damaged counts as none. */
export async function finishedManifest(output: string, replace: boolean): Promise<MixManifest | undefined> {
  const path = join(output, 'manifest.json');
  if (!existsSync(path)) return undefined;
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Partial<MixManifest> | null;
    if (typeof manifest?.key !== 'string' || !Array.isArray(manifest.files))
      throw new Error('it has no key or files');
    return manifest as MixManifest;
  } catch (error) {
    if (replace) return undefined;
    throw new UserError(`${path} is not a manifest: ${messageOf(error)}`, {
      hint: 'give --overwrite to make the mixture again (its token cache is kept), or another --out',
      cause: error,
    });
  }
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
