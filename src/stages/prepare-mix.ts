/**
 * Everything a mixture needs before its first byte is written: sources found, tokenizer loaded or trained, tokens counted, plan made.
 * A dry run does the same, but keeps only the index of what it counts, in a temporary folder, takes the sizes of data cards for data
 * that is not here, and writes nothing into the output folder.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { licencesOf } from '../../mixtures/licences-of.ts';
import { type MixturePlan, planMixture, sharesOf } from '../../mixtures/plan.ts';
import type { Recipe } from '../../mixtures/recipe.ts';
import { type ResolvedSource, resolveSources } from '../../mixtures/sources.ts';
import { atExit } from '../core/cleanup.ts';
import { silent } from '../core/events.ts';
import { assertBalanced, type Ledger } from '../core/ledger.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { CountedSource } from './counted-source.ts';
import type { MixRequest } from './mix-request.ts';
import { refusal, sizeOfCard, sizesOf } from './mix-sizes.ts';
import { packableSources, type StreamMark } from './packable-source.ts';
import {
  absent,
  needsOf,
  planOptions,
  prepareAll,
  type SettledMix,
  settleMix,
  tokenizerFor,
} from './settle-mix.ts';
import type { PreparedSource, SourceInput } from './source-texts.ts';
import type { SourceTokens } from './source-tokens.ts';
import { type TokeniseRequest, tokeniseSources } from './tokenise-sources.ts';
import { OpenFiles, UnitSourceTokens } from './unit-source-tokens.ts';

export interface TokenisedSource {
  name: string;
  resolved: ResolvedSource;
  tokens: SourceTokens;
  inputs: SourceInput[];
  ledger: Ledger;
}

export interface PreparedMix {
  recipe: Recipe;
  tokenizer: Tokenizer;
  plan: MixturePlan;
  /** Of each source of the plan: places that its windows can be written from. */
  marks: StreamMark[][];
  sources: TokenisedSource[];
  heldoutShare: number;
  heldoutSeed: number;
  /** Filter runs that sources come from. */
  parents: string[];
  failures: { source: string; file: string; place?: string; problem: string }[];
}

/**
 * Prepares for writing; caches tokens under the output folder. Throws if data or tokenizer are missing. `keepCaches` leaves what is
 * cached there for another mixture, as long as it is not sure that this one takes its place. `settled`: what `settleMix` gave when a job that
 * is shared was planned.
 */
export async function prepareMix(
  request: MixRequest,
  { keepCaches = false, settled }: { keepCaches?: boolean; settled?: SettledMix | undefined } = {},
): Promise<PreparedMix> {
  const { recipe } = request.loaded;
  const { sources: prepared, tokenizer } = settled ?? (await settleMix(request));
  const resolved = prepared.map(({ source }) => source);
  const refuse = refusal(request, resolved);
  const counted = await countAll(request, prepared, resolved, tokenizer, {
    keepCaches,
    onCounted: refuse && ((name, tokens) => refuse(new Map([[name, tokens]]))),
  });
  const files = new OpenFiles();
  const sources = counted.map((source, i): TokenisedSource => {
    assertBalanced(source.ledger, `source ${source.name}`);
    return {
      name: source.name,
      resolved: resolved[i]!,
      tokens: UnitSourceTokens.open(source, files),
      inputs: source.inputs,
      ledger: source.ledger,
    };
  });
  const packable = packableSources(sources);
  const sizes = sizesOf(resolved, counted);
  const plan = planMixture(recipe, sizes, request.ratios, planOptions(request), packable);
  plan.warnings.push(...counted.flatMap(withoutText));
  plan.warnings.push(...licencesOf(resolved, request.use ?? request.loaded.recipe.use));
  for (const { name, tokens } of sources) {
    const { heldout } = tokens;
    if (heldout.documents > 0 && heldout.tokens < plan.windowTokens) {
      plan.warnings.push(
        `${name}: its held-out documents have ${heldout.tokens} tokens, less than one sequence, so no evaluation loss can be had from it`,
      );
    }
  }
  return {
    recipe,
    tokenizer,
    plan,
    marks: plan.sources.map(({ name, targetTokens }) => packable[name]!.marks(plan, targetTokens)),
    sources,
    heldoutShare: recipe.heldout,
    heldoutSeed: recipe.heldoutSeed,
    parents: resolved.flatMap((s) =>
      s.data.kind === 'files'
        ? s.data.paths
            .map((path) => (basename(path) === 'kept' ? dirname(path) : path))
            .filter((path) => existsSync(join(path, 'run.json')))
        : [],
    ),
    failures: counted.flatMap((source, i) =>
      source.failures.map((failure) => ({ source: resolved[i]!.name, ...failure })),
    ),
  };
}

/** The plan alone. `tokenizer` is undefined when nothing was counted because no data is here. */
export async function planMix(
  request: MixRequest,
): Promise<{ plan: MixturePlan; tokenizer: Tokenizer | undefined }> {
  const { recipe } = request.loaded;
  const resolved = resolveSources(request.loaded, request.cwd);
  sharesOf(recipe, resolved, request.ratios);
  const missing = absent(request, resolved);
  const present = resolved.filter((source) => !missing.includes(source));
  const prepared = await prepareAll(request, present, false);
  const tokenizer = present.length === 0 ? undefined : await tokenizerFor(request, prepared, undefined);
  const scratch = await mkdtemp(join(tmpdir(), 'midtrain-plan-'));
  const remove = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  const unregister = atExit(remove);
  let plan: MixturePlan;
  try {
    const counted =
      tokenizer === undefined ? [] : await countAll(request, prepared, resolved, tokenizer, { scratch });
    const sizes = sizesOf(present, counted);
    for (const source of missing)
      sizes[source.name] = sizeOfCard(source, request.tokenizer ?? recipe.tokenizer);
    const files = new OpenFiles();
    const sources = counted.map((source) => ({
      name: source.name,
      tokens: UnitSourceTokens.open(source, files),
    }));
    plan = planMixture(recipe, sizes, request.ratios, planOptions(request), packableSources(sources));
    for (const { tokens } of sources) tokens.close();
    plan.warnings.push(...counted.flatMap(withoutText));
  } finally {
    unregister();
    await remove();
  }
  plan.warnings.push(...licencesOf(resolved, request.use ?? request.loaded.recipe.use));
  const byCard = plan.sources
    .filter(({ available }) => available.from === 'card' && available.tokens !== undefined)
    .map((s) => s.name);
  if (byCard.length > 0)
    plan.warnings.push(
      `not on this machine, so taken at the size their data cards state (counted with other tokenizers): ${byCard.join(', ')}`,
    );
  // A path that the recipe or --data names is meant to be there; one of a card is only where a copy would be looked for.
  for (const { name, card, data } of missing)
    if (data.kind === 'missing' && data.hub === undefined && card?.project.size.tokens === undefined)
      plan.warnings.push(`${name}: nothing at ${data.expected}, so it is planned as if it were enough`);
  return { plan, tokenizer };
}

/** Says how many records of a source came to no text, and why; files and lines that cannot be read are told by themselves. */
function withoutText({ name, ledger }: CountedSource): string[] {
  const reasons = Object.entries(ledger.failed).filter(([reason]) => reason !== 'unreadable');
  if (reasons.length === 0) return [];
  const records = reasons.reduce((sum, [, n]) => sum + n, 0);
  return [
    `${name}: ${records} of ${ledger.in} records give no text and are left out (${reasons.map(([reason, n]) => `${n} ${reason}`).join(', ')})`,
  ];
}

function countAll(
  request: MixRequest,
  prepared: readonly PreparedSource[],
  resolved: readonly ResolvedSource[],
  tokenizer: Tokenizer,
  how: Pick<TokeniseRequest, 'scratch' | 'keepCaches' | 'onCounted'>,
): Promise<CountedSource[]> {
  const { recipe } = request.loaded;
  return tokeniseSources({
    sources: prepared,
    tokenizer,
    heldout: { share: recipe.heldout, seed: recipe.heldoutSeed },
    needs: needsOf(request, resolved, prepared),
    output: request.output,
    ...how,
    workers: request.workers,
    emit: request.emit ?? silent,
    signal: request.signal,
  });
}
