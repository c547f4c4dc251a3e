/**
 * What is settled before the first source of a mixture is tokenised: sources found and planned into units, tokenizer loaded or trained, tokens
 * needed of each source. (prepare-mix.ts goes on from here; a job that is shared keeps it in mix-plan.json.)
 */
import { join } from 'node:path';
import { type PlanOptions, sharesOf } from '../../mixtures/plan.ts';
import { assertPresent, type ResolvedSource, resolveSources } from '../../mixtures/sources.ts';
import type { Role } from '../core/card.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { silent } from '../core/events.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { MixRequest } from './mix-request.ts';
import { mixTokenizer } from './mix-tokenizer.ts';
import { type PreparedSource, prepareSource } from './source-texts.ts';
import { hubInputsOf } from './source-units.ts';

export interface SettledMix {
  /** In the recipe's order. */
  sources: PreparedSource[];
  tokenizer: Tokenizer;
}

/**
 * Throws a `UserError` for a source that is not on this machine: the machines that share a job read files that all of them see, and many have no
 * network.
 */
export function assertHere(request: MixRequest): void {
  const resolved = resolveSources(request.loaded, request.cwd);
  assertPresent(absent(request, resolved));
  const remote = resolved.filter((source) => source.data.kind === 'missing');
  if (remote.length === 0) return;
  const [first] = remote;
  const addresses = hubInputsOf(first!)!.map(({ path }) => path);
  throw new UserError(
    `${remote.map(({ name }) => name).join(', ')}: a mixture that many machines make together reads data that lies in a folder, and ${remote.length === 1 ? 'this source is' : 'these sources are'} on the Hugging Face Hub (${addresses.join(', ')})`,
    {
      hint: `fetch it first: midtrain pull ${addresses[0]} --out <folder>, then --data ${first!.name}=<folder>`,
    },
  );
}

/**
 * Reads and plans the sources. `write`: a tokenizer that is trained is kept in the cache of the output folder. Throws a `UserError` if data or
 * tokenizer are missing.
 */
export async function settleMix(request: MixRequest, write = true): Promise<SettledMix> {
  const resolved = resolveSources(request.loaded, request.cwd);
  // Ratios that contradict each other are said before anything is read.
  sharesOf(request.loaded.recipe, resolved, request.ratios);
  assertPresent(absent(request, resolved));
  const sources = await prepareAll(request, resolved, write);
  const tokenizer = await tokenizerFor(request, sources, write ? request.output : undefined);
  return { sources, tokenizer };
}

/** Sources whose data can neither be read here nor, with `download`, be fetched from the Hub. */
export function absent(request: MixRequest, resolved: readonly ResolvedSource[]): ResolvedSource[] {
  return resolved.filter(
    (source) =>
      source.data.kind === 'missing' && (request.download !== true || hubInputsOf(source) === undefined),
  );
}

/** `write`: keep what the Hub lists in the output folder. */
export async function prepareAll(
  request: MixRequest,
  resolved: readonly ResolvedSource[],
  write: boolean,
): Promise<PreparedSource[]> {
  const prepared: PreparedSource[] = [];
  // The order of units has the held-out documents' seed: with another seed of the mixture the same are held out.
  const options = {
    seed: request.loaded.recipe.heldoutSeed,
    signal: request.signal,
    emit: request.emit,
    ...(request.unitBytes === undefined ? {} : { unitBytes: request.unitBytes }),
  };
  for (const source of resolved) {
    const list = { path: join(request.output, 'cache', `hub-${source.name}.json`), write };
    const one = prepareSource(source, { ...options, list });
    prepared.push(
      await one.catch((error: unknown) => {
        throw request.signal?.aborted ? new InterruptedError() : error;
      }),
    );
  }
  return prepared;
}

export function planOptions({ options, packing }: MixRequest): PlanOptions {
  return { ...options, ...(packing === undefined ? {} : { packing }) };
}

/** `output`: the run folder that keeps a tokenizer that is trained; left out, nothing is written. */
export function tokenizerFor(
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

/** What each source must give, from the budget and the shares; undefined: all it has. */
export function needsOf(
  request: MixRequest,
  resolved: readonly { name: string; role: Role }[],
  prepared: readonly PreparedSource[],
): (number | undefined)[] {
  const { recipe } = request.loaded;
  const budget = request.options?.budget ?? recipe.budget?.value;
  const shares = sharesOf(recipe, resolved, request.ratios);
  const shareOf = new Map(shares.map(({ name, share }) => [name, share]));
  const window = (request.options?.sequenceLength ?? recipe.sequenceLength.value) + 1;
  const padded = (request.packing ?? recipe.packing) === 'best-fit';
  return prepared.map(({ source: { name } }) => {
    const share = shareOf.get(name)!;
    if (share === 0) return 0;
    if (budget === undefined) return undefined;
    // Best-fit leaves some documents to the end, which then are not read again before all others were.
    return padded ? share * budget * 1.02 + 16 * window : share * budget + window;
  });
}
