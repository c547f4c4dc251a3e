/**
 * Where a shared mixture stands, read from its cache: how far each source is, which units are left, which come next. Reads file names and summaries, not
 * tokens.
 */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { assertBalanced, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { countedKey } from '../stages/counted-source.ts';
import type { MixPlan } from '../stages/mix-plan.ts';
import { refusal } from '../stages/mix-sizes.ts';
import { nextWave, type SourceStand, standOf } from '../stages/source-stand.ts';
import { assertSomeText } from '../stages/source-texts.ts';
import { cacheOfKey, type SourceCache, unitName } from '../stages/unit-cache.ts';
import { weightOf } from '../stages/unit-queue.ts';
import type { CountedTokens } from '../stages/unit-source-tokens.ts';
import type { SourceUnit } from '../stages/unit-texts.ts';
import { readUnitSummary } from '../stages/unit-tokens-file.ts';
import type { BatchItem, BatchSurvey } from './batch-job.ts';

/** What an item of a wave stands for: one unit of a source, or all that is needed of a generated one. */
export interface MixItem {
  /** Place of the source in the plan. */
  source: number;
  /** Place of the unit in the source; undefined: all generated records, chunk after chunk. */
  unit: number | undefined;
}

export class MixSurvey {
  private readonly plan: MixPlan;
  private readonly caches: SourceCache[];
  private readonly stands: SourceStand[];
  /** Names of the files in each source's cache. */
  private readonly present: ReadonlySet<string>[];

  /** Throws a `UserError` when the first records of a source, all of them, lack what its template needs, or a ledger does not balance. */
  constructor(plan: MixPlan, folder: string) {
    this.plan = plan;
    this.caches = plan.sources.map(({ source, cache }) => cacheOfKey(folder, source.name, cache));
    this.present = this.caches.map((cache) => namesIn(cache.folder));
    const { heldout } = plan.asked.loaded.recipe;
    this.stands = plan.sources.map(({ source, parcel, need }, i) => {
      const stand = standOf(source, parcel.units, need ?? undefined, heldout, (unit) =>
        this.isThere(i, unit) ? readUnitSummary(this.caches[i]!.pathOf(unit)) : undefined,
      );
      assertBalanced(stand.ledger, `source ${source.name}`);
      return stand;
    });
  }

  /** Whether every source has what it needs, or all it can give. */
  get complete(): boolean {
    return this.stands.every(({ ended }) => ended);
  }

  /** Training tokens counted so far, of the units that are used. */
  get tokens(): number {
    return this.stands.reduce((sum, { totals }) => sum + totals.tokens, 0);
  }

  /** Documents of the units that are used, or may be. */
  get ledger(): Ledger {
    return mergeLedgers(this.stands.map(({ ledger }) => ledger));
  }

  get losses(): BatchSurvey['losses'] {
    return this.plan.sources.flatMap(({ source, parcel, need }, i) => {
      const { ended, used, done } = this.stands[i]!;
      const units = [...done].filter(([at]) => !ended || at < used);
      return [
        ...(need === 0 ? [] : parcel.failures).map((failure) => ({ item: source.name, ...failure })),
        ...units.flatMap(([at, { failures }]) =>
          failures.map((failure) => ({ item: itemId(source.name, parcel.units[at]!), ...failure })),
        ),
      ].map(({ item, file, place, problem }) => ({
        item,
        file,
        problem: place === undefined ? problem : `${place}: ${problem}`,
      }));
    });
  }

  /** What the sources come to, where `complete`: in the plan's order. */
  counted(): CountedTokens[] {
    return this.plan.sources.map(({ source: { name }, cache, parcel }, i) => {
      const { used, totals, done } = this.stands[i]!;
      const units = parcel.units.slice(0, used);
      const { pathOf } = this.caches[i]!;
      return {
        name,
        key: countedKey(cache, units),
        totals,
        units: units.map((unit, at) => ({ path: pathOf(unit), summary: done.get(at)! })),
      };
    });
  }

  /** Refuses, as the local run does, a source of which all is counted and that gives no text at all, and sources that are clearly too small. */
  assertEnough(): void {
    const counted = new Map<string, number>();
    for (const [i, { source }] of this.plan.sources.entries()) {
      const { ended, used, totals, done, ledger } = this.stands[i]!;
      if (!ended) continue;
      counted.set(source.name, totals.tokens);
      if (used > 0 && totals.documents + totals.heldout.documents === 0)
        assertSomeText(
          source,
          ledger,
          [...done.values()].find(({ columns }) => columns.length > 0)?.columns ?? [],
        );
    }
    const { asked, sources } = this.plan;
    refusal(
      { ...asked, output: '' },
      sources.map(({ source }) => source),
    )?.(counted);
  }

  /** The items to hand out next: none when every source has what it needs. */
  nextItems(): BatchItem[] {
    return this.plan.sources.flatMap((planned, i): BatchItem[] => {
      const { source, parcel, need } = planned;
      const wave = nextWave(parcel.units, need ?? undefined, this.stands[i]!);
      if (wave.length === 0) return [];
      const weights = wave.map((at) => Math.max(1, weightOf(parcel.units[at]!)));
      if (planned.kind === 'generated')
        return [{ id: generatedId(source.name), weight: weights.reduce((sum, weight) => sum + weight, 0) }];
      return wave.map((at, n) => ({ id: itemId(source.name, parcel.units[at]!), weight: weights[n]! }));
    });
  }

  /** Those of the items that are not done and still wanted: a unit behind the end of its source is not. */
  left(ids: readonly string[]): string[] {
    const items = itemsOf(this.plan);
    return ids.filter((id) => {
      const item = items.get(id);
      if (item === undefined) return false; // of another plan
      const { ended, done } = this.stands[item.source]!;
      return !ended && (item.unit === undefined || !done.has(item.unit));
    });
  }

  private isThere(i: number, unit: SourceUnit): boolean {
    return this.present[i]!.has(basename(this.caches[i]!.pathOf(unit)));
  }
}

/** By id: all that any wave of the plan may hold. */
export function itemsOf(plan: MixPlan): Map<string, MixItem> {
  const items = new Map<string, MixItem>();
  for (const [i, { source, parcel, kind }] of plan.sources.entries()) {
    if (kind === 'generated') items.set(generatedId(source.name), { source: i, unit: undefined });
    else
      for (const [at, unit] of parcel.units.entries())
        items.set(itemId(source.name, unit), { source: i, unit: at });
  }
  return items;
}

function itemId(source: string, unit: SourceUnit): string {
  return `${source}/${unitName(unit)}`;
}

function generatedId(source: string): string {
  return `${source}/generated`;
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
}
