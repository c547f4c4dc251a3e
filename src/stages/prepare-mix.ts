/**
 * Everything a mixture needs before its first byte is written: sources found, tokenizer loaded or trained, tokens counted, plan made.
 * A dry run counts in memory, takes the sizes of data cards for data that is not here, and writes nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type MixturePlan, planMixture, type SourceSize } from '../../mixtures/plan.ts';
import type { Recipe } from '../../mixtures/recipe.ts';
import { assertPresent, type ResolvedSource, resolveSources } from '../../mixtures/sources.ts';
import { InterruptedError } from '../core/errors.ts';
import { silent } from '../core/events.ts';
import type { Evidence } from '../core/evidence.ts';
import { assertBalanced, type Ledger } from '../core/ledger.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { splitHeldout } from './document-order.ts';
import type { MixRequest } from './mix-request.ts';
import { mixTokenizer } from './mix-tokenizer.ts';
import { type PreparedSource, prepareSource, type SourceInput } from './source-texts.ts';
import type { TokenCache } from './token-cache.ts';
import { type CountedSource, tokeniseSource } from './tokenise-source.ts';

export interface TokenisedSource {
  name: string;
  resolved: ResolvedSource;
  key: string;
  cache: TokenCache;
  train: Int32Array;
  heldout: Int32Array;
  trainTokens: number;
  heldoutTokens: number;
  inputs: SourceInput[];
  ledger: Ledger;
}

export interface PreparedMix {
  recipe: Recipe;
  tokenizer: Tokenizer;
  plan: MixturePlan;
  sources: TokenisedSource[];
  heldoutShare: number;
  heldoutSeed: number;
  /** Filter runs that sources come from. */
  parents: string[];
  failures: { source: string; file: string; place?: string; problem: string }[];
}

/** Prepares for writing; caches tokens under the output folder. Throws if data or tokenizer are missing. */
export async function prepareMix(request: MixRequest): Promise<PreparedMix> {
  const { recipe } = request.loaded;
  const resolved = resolveSources(request.loaded, request.cwd);
  assertPresent(resolved);
  const prepared: PreparedSource[] = [];
  for (const source of resolved) prepared.push(await prepareSource(source));
  const tokenizer = await tokenizerFor(request, prepared, request.output);
  const counted = await countAll(request, prepared, tokenizer, request.output);
  const sources = counted.map((source, i): TokenisedSource => {
    const split = splitOf(source, recipe);
    return {
      name: resolved[i]!.name,
      resolved: resolved[i]!,
      key: source.key,
      cache: source.cache!,
      ...split,
      inputs: prepared[i]!.inputs,
      ledger: ledgerOf(source, split.heldout.length, resolved[i]!.name),
    };
  });
  const plan = planMixture(recipe, sizesOf(resolved, sources), request.ratios, request.options);
  plan.warnings.push(...licenceWarnings(resolved));
  for (const { name, heldout, heldoutTokens } of sources) {
    if (heldout.length > 0 && heldoutTokens < plan.windowTokens) {
      plan.warnings.push(
        `${name}: its held-out documents have ${heldoutTokens} tokens, less than one sequence, so no evaluation loss can be had from it`,
      );
    }
  }
  return {
    recipe,
    tokenizer,
    plan,
    sources,
    heldoutShare: recipe.heldout,
    heldoutSeed: recipe.heldoutSeed,
    parents: resolved.flatMap((s) =>
      s.data.kind === 'files' ? s.data.paths.filter((path) => existsSync(join(path, 'run.json'))) : [],
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
  const present = resolved.filter((s) => s.data.kind !== 'missing');
  const prepared: PreparedSource[] = [];
  for (const source of present) prepared.push(await prepareSource(source));
  const tokenizer = present.length === 0 ? undefined : await tokenizerFor(request, prepared, undefined);
  const counted = tokenizer === undefined ? [] : await countAll(request, prepared, tokenizer, undefined);
  const sizes = sizesOf(
    present,
    counted.map((source) => splitOf(source, recipe)),
  );
  for (const source of resolved.filter((s) => s.data.kind === 'missing'))
    sizes[source.name] = sizeOfCard(source);
  const plan = planMixture(recipe, sizes, request.ratios, request.options);
  plan.warnings.push(...licenceWarnings(resolved));
  const byCard = plan.sources.filter((s) => s.available.from === 'card').map((s) => s.name);
  if (byCard.length > 0)
    plan.warnings.push(
      `not on this machine, so taken at the size their data cards state (counted with other tokenizers): ${byCard.join(', ')}`,
    );
  return { plan, tokenizer };
}

/** Licences that nobody could tell, or that forbid commercial use or changed copies. */
function licenceWarnings(resolved: readonly ResolvedSource[]): string[] {
  return resolved.flatMap(({ name, card }) => {
    if (card === undefined) return [];
    if (card.license === 'unknown')
      return [`${name}: the licence of its data (card ${card.name}) is not known`];
    const forbids = [
      /-nc\b/.test(card.license) ? 'commercial use' : '',
      /-nd\b/.test(card.license) ? 'changed copies' : '',
    ].filter((x) => x !== '');
    return forbids.length === 0
      ? []
      : [`${name}: the licence of its data, ${card.license}, forbids ${forbids.join(' and ')}`];
  });
}

function tokenizerFor(
  request: MixRequest,
  sources: readonly PreparedSource[],
  output: string | undefined,
): Promise<Tokenizer> {
  const { recipe } = request.loaded;
  return mixTokenizer({
    loaded: request.loaded,
    cwd: request.cwd,
    asked: request.tokenizer,
    output,
    sources,
    heldout: { share: recipe.heldout, seed: recipe.heldoutSeed },
    emit: request.emit ?? silent,
    signal: request.signal,
  });
}

async function countAll(
  request: MixRequest,
  prepared: readonly PreparedSource[],
  tokenizer: Tokenizer,
  output: string | undefined,
): Promise<CountedSource[]> {
  const emit = request.emit ?? silent;
  const started = Date.now();
  const total = prepared.reduce((n, source) => n + source.bytes, 0);
  const counted: CountedSource[] = [];
  let bytesBefore = 0;
  let tokensBefore = 0;
  emit({ kind: 'start', task: 'tokenise', total, unit: 'bytes' });
  for (const source of prepared) {
    if (request.signal?.aborted) throw new InterruptedError();
    const progress = (tokens: number, bytes: number): void => {
      const seconds = Math.max(0.001, (Date.now() - started) / 1000);
      const all = tokensBefore + tokens;
      emit({
        kind: 'progress',
        task: 'tokenise',
        done: bytesBefore + bytes,
        total,
        unit: 'bytes',
        numbers: { tokens: all, 'tokens/s': Math.round(all / seconds) },
      });
    };
    const result = await tokeniseSource(source, {
      tokenizer,
      signal: request.signal,
      progress,
      ...(output === undefined ? {} : { output }),
    });
    counted.push(result);
    bytesBefore += source.bytes;
    tokensBefore += result.lengths.reduce((a, b) => a + b, 0);
  }
  emit({
    kind: 'end',
    task: 'tokenise',
    done: total,
    unit: 'bytes',
    seconds: (Date.now() - started) / 1000,
    numbers: { tokens: tokensBefore },
  });
  return counted;
}

interface Split {
  train: Int32Array;
  heldout: Int32Array;
  trainTokens: number;
  heldoutTokens: number;
}

function splitOf(source: CountedSource, recipe: Recipe): Split {
  const { train, heldout } = splitHeldout(source.idHashes, recipe.heldout, recipe.heldoutSeed);
  const tokens = (documents: Int32Array) => documents.reduce((n, i) => n + source.lengths[i]!, 0);
  return { train, heldout, trainTokens: tokens(train), heldoutTokens: tokens(heldout) };
}

/** Held-out documents are not kept for training: they are counted as dropped, by that name. */
function ledgerOf(source: CountedSource, heldout: number, name: string): Ledger {
  const ledger: Ledger = {
    ...source.ledger,
    kept: source.ledger.kept - heldout,
    dropped: heldout === 0 ? {} : { heldout },
  };
  assertBalanced(ledger, `source ${name}`);
  return ledger;
}

function sizesOf(resolved: readonly ResolvedSource[], splits: readonly Split[]): Record<string, SourceSize> {
  return Object.fromEntries(
    resolved.map((source, i) => [
      source.name,
      {
        role: source.role,
        template: source.template,
        templateEvidence: templateEvidenceOf(source),
        tokens: splits[i]!.trainTokens,
        documents: splits[i]!.train.length,
        from: 'counted' as const,
      },
    ]),
  );
}

/** A template that the recipe sets itself is the writer's own; else as the card says. */
function templateEvidenceOf(source: ResolvedSource): Evidence {
  return source.card !== undefined && source.card.project.template === source.template
    ? source.card.project.templateEvidence
    : 'own';
}

function sizeOfCard(source: ResolvedSource): SourceSize {
  const size = source.card?.project.size ?? {};
  return {
    role: source.role,
    template: source.template,
    templateEvidence: templateEvidenceOf(source),
    tokens: size.tokens?.value,
    documents: size.documents?.value,
    from: 'card',
  };
}
