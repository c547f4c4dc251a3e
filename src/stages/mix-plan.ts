/**
 * The plan of a mixture that many machines make together, as a file: what was asked, the sources as they were found and cut into units, and the
 * tokenizer. So a share of the work needs no flags, no network and no second look at the data, and all shares and the mixture that is written
 * in the end go by the same units.
 *
 * `mix-plan.json` in the run folder is this object under `plan`, and a checksum of its text. Units are named by the content of their files, so a plan made again from changed data has another
 * hash; a share also looks at the files that it reads (`assertUnchanged`).
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../mixtures/recipe.ts';
import { fingerprint } from '../core/config.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { fingerprintFile } from '../io/file-hash.ts';
import { readIfThere } from '../io/read-if-there.ts';
import { loadTokenizer, type Tokenizer } from '../tokens/tokenizer.ts';
import type { TokenizerFiles } from '../tokens/tokenizer-files.ts';
import type { MixRequest } from './mix-request.ts';
import { needsOf, type SettledMix } from './settle-mix.ts';
import type { PreparedSource } from './source-texts.ts';
import type { Parcel, SourceInput } from './source-units.ts';
import { sourceCache } from './unit-cache.ts';
import type { SourceUnit } from './unit-texts.ts';

/** What a mixture is asked for, without where it goes and who makes it. */
export type AskedMix = Omit<MixRequest, 'output' | 'workers' | 'emit' | 'signal'>;

export interface PlannedSource extends Omit<PreparedSource, 'parcels'> {
  /** Names its folder in the cache (unit-cache.ts). */
  cache: string;
  /** Training tokens that it must give; null: all it has. */
  need: number | null;
  parcel: Parcel;
}

export interface MixPlan {
  version: 1;
  command: 'mix';
  /** Changes with all that decides the bytes of the mixture: the request, the tokenizer, the data. */
  hash: string;
  asked: AskedMix;
  tokenizer: { path: string; name: string; fingerprint: string };
  sources: PlannedSource[];
}

export const mixPlanName = 'mix-plan.json';

/** The plan of what was settled. Every source must be here or generated. */
export async function planOfMix(request: MixRequest, { sources, tokenizer }: SettledMix): Promise<MixPlan> {
  const { output, workers: _, emit: __, signal: ___, ...asked } = request;
  const { recipe } = asked.loaded;
  const heldout = { share: recipe.heldout, seed: recipe.heldoutSeed };
  const resolved = sources.map(({ source }) => source);
  const needs = needsOf(request, resolved, sources);
  const planned: PlannedSource[] = [];
  for (const [i, { parcels, ...prepared }] of sources.entries()) {
    const { value: parcel } = await parcels().next();
    const cache = sourceCache(output, prepared.source, tokenizer, heldout).key;
    planned.push({ ...prepared, cache, need: needs[i] ?? null, parcel: parcel as Parcel });
  }
  const kept = { path: tokenizer.files.path, name: tokenizer.name, fingerprint: textsOf(tokenizer.files) };
  const { ratios, options, packing, shardTokens, perSource, use } = asked;
  const hash = fingerprint({
    recipe: withoutPlaces(recipe),
    // Unset and empty are the same.
    ratios: ratios ?? {},
    options: options ?? {},
    packing,
    shardTokens,
    perSource: perSource === true,
    use,
    tokenizer: [kept.name, kept.fingerprint],
    sources: planned.map(({ source, fingerprint: content, cache }) => [
      source.name,
      source.role,
      content,
      cache,
    ]),
  });
  return { version: 1, command: 'mix', hash, asked, tokenizer: kept, sources: planned };
}

/** Where data lies decides nothing; what it holds is in the fingerprints of the sources. */
function withoutPlaces(recipe: Recipe): Recipe {
  const sources = Object.entries(recipe.sources).map(([name, { data: _, ...source }]) => [name, source]);
  return { ...recipe, sources: Object.fromEntries(sources) as Recipe['sources'] };
}

export async function writeMixPlan(folder: string, plan: MixPlan): Promise<void> {
  const text = JSON.stringify(plan);
  await writeFileAtomic(join(folder, mixPlanName), `{"check":"${sha256(text)}","plan":${text}}\n`);
}

/** Undefined when there is none. Throws a `UserError` when it is damaged or of another version. */
export function readMixPlan(folder: string): MixPlan | undefined {
  const path = join(folder, mixPlanName);
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const { check, plan } = JSON.parse(text) as { check: string; plan: MixPlan };
    if (plan?.version !== 1 || plan.command !== 'mix') throw new SyntaxError('it is of another version');
    // Of the text: to sort the keys of 100,000 units takes seconds.
    if (check !== sha256(text.slice(text.indexOf('"plan":') + 7, text.lastIndexOf('}'))))
      throw new SyntaxError('damaged: its contents do not fit its checksum');
    return plan;
  } catch (error) {
    throw new UserError(`${path} is not the plan of a mixture: ${messageOf(error)}`, {
      hint: 'run the same midtrain mix command again, which mends it; what is tokenised is kept',
      cause: error,
    });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The request of a plan in its folder. */
export function requestOf(plan: MixPlan, output: string): MixRequest {
  return { ...plan.asked, output };
}

/** What `settleMix` had given. Throws a `UserError` when the tokenizer is not there or has changed. */
export async function settledOf(plan: MixPlan): Promise<SettledMix> {
  return {
    sources: plan.sources.map(({ cache: _, need: __, parcel, ...prepared }) => ({
      ...prepared,
      async *parcels() {
        yield parcel;
      },
    })),
    tokenizer: await tokenizerOfPlan(plan),
  };
}

export async function tokenizerOfPlan({ tokenizer: kept }: MixPlan): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(kept.path, { name: kept.name });
  if (textsOf(tokenizer.files) !== kept.fingerprint) throw changed(`the tokenizer ${kept.path}`);
  return tokenizer;
}

function textsOf({ texts }: TokenizerFiles): string {
  return fingerprint([...texts].sort());
}

/**
 * Throws a `UserError` when a file that these units are read from is not the one that was planned. Reads a file as planning did: a large one in
 * part; of pages in folders the sizes are held against the plan.
 */
export async function assertUnchanged(
  units: readonly SourceUnit[],
  inputs: readonly SourceInput[],
): Promise<void> {
  const contents = new Map(inputs.map((input) => [input.path, input.fingerprint]));
  const seen = new Set<string>();
  for (const unit of units) {
    if (!('read' in unit)) continue;
    const { file, files, bytes } = unit.read;
    if (files !== undefined) {
      let now = 0;
      for (const name of files) now += (await readable(join(file, name), (path) => stat(path))).size;
      if (now !== bytes) throw changed(`the input ${unit.id} in ${file}`);
    } else if (!seen.has(file)) {
      seen.add(file);
      const { fingerprint: content } = await readable(file, fingerprintFile);
      if (content !== contents.get(file)) throw changed(`the input ${file}`);
    }
  }
}

async function readable<Result>(path: string, read: (path: string) => Promise<Result>): Promise<Result> {
  try {
    return await read(path);
  } catch (error) {
    throw new UserError(`the input ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'every machine that takes part must see the input under this path, as it was when the mixture was planned',
      cause: error,
    });
  }
}

function changed(what: string): UserError {
  return new UserError(`${what} has changed since this mixture was planned`, {
    hint: 'put it back as it was, or run the same midtrain mix command again with --overwrite: what is tokenised of unchanged files is kept',
  });
}
