/** One share of a wave: units of a mixture's sources tokenised into the cache, beside other processes that do other units. */
import { UserError } from '../core/errors.ts';
import { assertUnchanged, type MixPlan, tokenizerOfPlan } from '../stages/mix-plan.ts';
import { standOf } from '../stages/source-stand.ts';
import { tokeniseUnits } from '../stages/tokenise-sources.ts';
import { cacheOfKey, sourceCache } from '../stages/unit-cache.ts';
import type { QueuedSource } from '../stages/unit-queue.ts';
import type { SourceUnit } from '../stages/unit-texts.ts';
import { readUnitSummary } from '../stages/unit-tokens-file.ts';
import type { BatchShare } from './batch-job.ts';
import { itemsOf, type MixItem } from './mix-survey.ts';
import { underShareLock } from './under-share-lock.ts';

/**
 * Does what is left of the items. Removes nothing: what lies in the cache may be another share's. Throws a `UserError` when an input or the tokenizer is
 * not as it was planned, or a unit cannot be tokenised; finished units stay.
 */
export async function tokeniseShare(
  plan: MixPlan,
  folder: string,
  { stage, items, workers, drain, emit }: BatchShare,
): Promise<{ done: number; left: number }> {
  const known = itemsOf(plan);
  const asked = items.map((id) => {
    const item = known.get(id);
    if (item !== undefined) return item;
    throw new UserError(`${folder}: ${id} is no unit of this mixture`, {
      hint: 'the mixture was planned anew since this share was handed out; let the job be handed out again',
    });
  });
  const leftOf = (): MixItem[] => asked.filter((item) => !isDone(plan, folder, item));
  const before = leftOf();
  if (before.length === 0 || drain.aborted) return { done: 0, left: before.length };
  await underShareLock(folder, { stage, items, drain }, () =>
    tokenise(plan, folder, before, { workers, drain, emit }),
  );
  const left = leftOf().length;
  return { done: before.length - left, left };
}

async function tokenise(
  plan: MixPlan,
  folder: string,
  items: readonly MixItem[],
  how: Pick<BatchShare, 'workers' | 'drain' | 'emit'>,
): Promise<void> {
  const queued = queuedSources(plan, items);
  for (const { units, inputs } of queued) await assertUnchanged(units, inputs);
  const { recipe } = plan.asked.loaded;
  const heldout = { share: recipe.heldout, seed: recipe.heldoutSeed };
  const tokenizer = await tokenizerOfPlan(plan);
  for (const { source, cache } of queued) {
    if (sourceCache(folder, source.source, tokenizer, heldout).key === cache) continue;
    throw new UserError(`${folder}: this mixture was planned by another version of midtrain`, {
      hint: 'take the version that planned it, or plan it anew: the same midtrain mix command with --overwrite',
    });
  }
  await tokeniseUnits({
    sources: queued.map(({ source }) => source),
    needs: queued.map(({ need }) => need),
    tokenizer,
    heldout,
    output: folder,
    part: true,
    ...how,
  });
}

/** By source, in the order of units. */
function queuedSources(plan: MixPlan, items: readonly MixItem[]) {
  const wanted = new Map<number, Set<number>>();
  for (const { source, unit } of items) {
    const units = wanted.get(source) ?? new Set();
    if (unit !== undefined) units.add(unit);
    wanted.set(source, units);
  }
  return [...wanted].map(([i, places]) => {
    const { source, kind, parcel, need, cache } = plan.sources[i]!;
    const own = kind === 'generated' ? parcel.units : parcel.units.filter((_, at) => places.has(at));
    return {
      source: queuedSource(source, kind, own),
      units: own,
      inputs: parcel.inputs,
      cache,
      // Its units are chosen; only a generator is to end by itself.
      need: kind === 'generated' ? (need ?? undefined) : undefined,
    };
  });
}

function queuedSource(
  source: QueuedSource['source'],
  kind: QueuedSource['kind'],
  units: SourceUnit[],
): QueuedSource {
  return {
    source,
    kind,
    bytes: 0,
    async *parcels() {
      yield { units, inputs: [], failures: [] };
    },
  };
}

function isDone(plan: MixPlan, folder: string, { source: i, unit }: MixItem): boolean {
  const { source, cache, parcel, need } = plan.sources[i]!;
  const { pathOf } = cacheOfKey(folder, source.name, cache);
  const summaryOf = (one: SourceUnit) => readUnitSummary(pathOf(one));
  if (unit !== undefined) return summaryOf(parcel.units[unit]!) !== undefined;
  const { heldout } = plan.asked.loaded.recipe;
  return standOf(source, parcel.units, need ?? undefined, heldout, summaryOf).ended;
}
