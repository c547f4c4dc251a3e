/** What tokenising a source came to: the units used, their counts and where their tokens lie. */
import { fingerprint } from '../core/config.ts';
import { emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { assertSomeText } from './source-texts.ts';
import type { SourceInput } from './source-units.ts';
import type { UnitQueue } from './unit-queue.ts';
import type { UnitSummary, UnitTotals } from './unit-summary.ts';
import type { Failure, SourceUnit } from './unit-texts.ts';

export interface CountedSource {
  name: string;
  /** Changes with all that decides the tokens and their order: how they are made, and which units were used. */
  key: string;
  /** Units used, in their order, with the files that hold their tokens (after a dry run: the index alone). */
  units: { path: string; summary: UnitSummary }[];
  totals: UnitTotals;
  /** Every record of the units used; held-out documents are counted as dropped, by that name. */
  ledger: Ledger;
  failures: Failure[];
  /** Files of which something was used. */
  inputs: SourceInput[];
  /** Share of the source's bytes that was used. */
  readShare: number;
}

/** Throws a `UserError` when records came and none gave a text. */
export function countedSource(
  queue: UnitQueue,
  pathOf: (unit: SourceUnit) => string,
  cacheKey: string,
): CountedSource {
  const { source } = queue.prepared;
  const { units, parcels, totals, readShare } = queue.result();
  const ledger =
    units.length === 0 ? emptyLedger() : mergeLedgers(units.map(({ summary }) => summary.ledger));
  if (ledger.kept === 0)
    assertSomeText(
      source,
      ledger,
      units.find(({ summary }) => summary.columns.length > 0)?.summary.columns ?? [],
    );
  const read = new Set(units.flatMap(({ unit }) => ('read' in unit ? [inputOf(unit.read)] : [])));
  const inputs = parcels.flatMap((parcel) => parcel.inputs);
  // Pages of a folder are one input, which no unit is named for.
  const known = new Set(inputs.map(({ path }) => path));
  return {
    name: source.name,
    key: countedKey(
      cacheKey,
      units.map(({ unit }) => unit),
    ),
    units: units.map(({ unit, summary }) => ({ path: pathOf(unit), summary })),
    totals,
    ledger: ledgerWithHeldout(ledger, totals.heldout.documents),
    failures: [
      ...parcels.flatMap((parcel) => parcel.failures),
      ...units.flatMap(({ summary }) => summary.failures),
    ],
    inputs: [...read].every((path) => known.has(path)) ? inputs.filter(({ path }) => read.has(path)) : inputs,
    readShare,
  };
}

/** Of the tokens of a source. `units`: those used, in their order. */
export function countedKey(cacheKey: string, units: readonly SourceUnit[]): string {
  return fingerprint([cacheKey, units.map(({ key }) => key)]);
}

/** With the held-out documents, which units count as kept, as dropped. */
export function ledgerWithHeldout(ledger: Ledger, documents: number): Ledger {
  return {
    ...ledger,
    kept: ledger.kept - documents,
    dropped: documents === 0 ? ledger.dropped : { ...ledger.dropped, heldout: documents },
  };
}

/** The path of an input as the plan lists it. */
function inputOf({
  file,
  remote,
}: {
  file: string;
  remote?: { dataset: string; commit: string; path: string };
}): string {
  return remote === undefined ? file : `hf://datasets/${remote.dataset}@${remote.commit}/${remote.path}`;
}
