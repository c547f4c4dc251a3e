/**
 * A mixture source ready to be read: its units, a fingerprint of what they hold and of how texts are made from it, and its texts one
 * after another. (unit-texts.ts makes the texts of one unit, source-units.ts the units.)
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { fingerprint } from '../core/config.ts';
import { invariant, UserError } from '../core/errors.ts';
import { type Ledger, sumCounts } from '../core/ledger.ts';
import { planRead } from '../io/read-plan.ts';
import { columnsNeeded } from '../tokens/document-fields.ts';
import {
  generatedParcel,
  holdsPages,
  hubInputsOf,
  hubParcels,
  listHubSource,
  type Parcel,
  parcelOf,
  readOptions,
  type SourceInput,
  type UnitOptions,
} from './source-units.ts';
import { type Failure, type ReadTextsOptions, type SourceText, textsOfUnit } from './unit-texts.ts';

export type { SourceInput } from './source-units.ts';
export type { Failure, SourceText } from './unit-texts.ts';

export interface PreparedSource {
  source: ResolvedSource;
  /** Files that are here, files on the Hub, or records that are made. */
  kind: 'files' | 'hub' | 'generated';
  /** Files that are here; those of the Hub come with their parcels. */
  inputs: SourceInput[];
  /** Changes when the files, columns or template change. */
  fingerprint: string;
  /** Bytes to read in all, for progress; 0 where nothing is read. */
  bytes: number;
  /** The units from the first on; of a source on the Hub a file is fetched when its parcel is asked for. */
  parcels(): AsyncGenerator<Parcel>;
}

/**
 * Plans the reading of a source whose data is here, is generated, or lies on the Hub (then its files are listed). Throws a `UserError`
 * when there is nothing to read.
 */
export async function prepareSource(
  source: ResolvedSource,
  options: UnitOptions = {},
): Promise<PreparedSource> {
  const seed = options.seed ?? 0;
  const how = {
    template: source.template,
    columns: source.columns,
    format: source.format,
    // A source without a selection keeps the fingerprint it had.
    ...(source.where === undefined ? {} : { where: source.where }),
  };
  if (source.data.kind === 'generated') {
    const { spec } = source.data;
    return {
      source,
      kind: 'generated',
      inputs: [],
      bytes: 0,
      fingerprint: fingerprint({ ...how, generated: spec }),
      async *parcels() {
        yield generatedParcel(spec);
      },
    };
  }
  const remote = hubInputsOf(source);
  if (remote !== undefined) {
    const listed = await listHubSource(remote, options);
    return {
      source,
      kind: 'hub',
      inputs: [],
      bytes: listed.bytes,
      fingerprint: fingerprint({ ...how, hub: listed.files.map(({ file }) => [file.path, file.oid]) }),
      parcels: () => hubParcels(source.name, listed, options),
    };
  }
  invariant(source.data.kind === 'files', `data of ${source.name} is present`);
  const { id, url } = source.columns;
  const plan = await planRead(
    source.data.paths.map((path) => ({
      path: keptPages(path),
      format: source.format,
      source: source.name,
      columns: { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) },
    })),
    readOptions(options),
  );
  const pages = plan.units.find((unit) => unit.format === 'html');
  if (pages !== undefined) throw holdsPages(source.name, pages.file);
  if (plan.units.length === 0) {
    const why = plan.failures[0];
    throw new UserError(
      `source ${source.name}: nothing can be read${why === undefined ? '' : `: ${why.file}: ${why.problem}`}`,
      {
        hint: 'check the path and format of this source',
      },
    );
  }
  const parcel = parcelOf(plan, seed);
  return {
    source,
    kind: 'files',
    inputs: plan.inputs,
    bytes: plan.units.reduce((n, unit) => n + unit.bytes, 0),
    fingerprint: fingerprint({ ...how, units: parcel.units.map((unit) => unit.key) }),
    async *parcels() {
      yield parcel;
    },
  };
}

/** The folder of a `filter` run stands for the documents it kept. */
export function keptPages(path: string): string {
  const kept = join(path, 'kept');
  return existsSync(join(path, 'run.json')) && existsSync(kept) ? kept : path;
}

export interface ReadSourceOptions extends Pick<ReadTextsOptions, 'chat'> {
  /** Told how many bytes have been read so far. */
  progress?: (bytes: number) => void;
}

/**
 * All texts, unit by unit. `ledger` counts what came (`in`), what was not selected and what failed; the caller counts what it kept.
 * `failures` gets files that could not be read to their end. Throws when not one record has the fields that the template needs.
 */
export async function* readSourceTexts(
  prepared: PreparedSource,
  ledger: Ledger,
  failures: Failure[],
  options: ReadSourceOptions = {},
): AsyncGenerator<SourceText> {
  const tally = { ledger, failures, columns: [] as string[] };
  let delivered = 0;
  let before = 0;
  for await (const parcel of prepared.parcels()) {
    failures.push(...parcel.failures);
    for (const unit of parcel.units) {
      // Failures are bounded a unit, so each has a list of its own.
      const own = { ...tally, failures: [] as Failure[] };
      const batches = textsOfUnit(prepared.source, unit, own, {
        chat: options.chat,
        progress: (share) => options.progress?.(before + Math.floor(unit.bytes * share)),
      });
      for await (const batch of batches) {
        for (const text of batch) {
          delivered++;
          yield text;
        }
      }
      tally.columns = own.columns;
      if (delivered === 0) assertEarlyText(prepared.source, ledger, own.columns);
      failures.push(...own.failures);
      before += unit.bytes;
      options.progress?.(before);
    }
  }
  if (delivered === 0) assertSomeText(prepared.source, ledger, tally.columns);
}

/** Records that all fail before a source is given up. */
const recordsToJudge = 1000;

/**
 * Throws a `UserError` when the first records, all of them, lack what the template needs: a wrong column name would else be found
 * after the last unit, when a whole corpus was read (and fetched). `ledger` counts the records so far; true once some gave a text, or
 * were left out for a reason that says nothing of columns (not selected, not readable).
 */
export function assertEarlyText(
  source: Parameters<typeof assertSomeText>[0],
  ledger: Ledger,
  columns: readonly string[],
): boolean {
  const failed = ledger.in - ledger.kept - sumCounts(ledger.dropped) - (ledger.failed.unreadable ?? 0);
  if (failed < ledger.in) return true;
  if (failed >= recordsToJudge) assertSomeText(source, ledger, columns);
  return false;
}

/** Throws a `UserError` when records came and not one gave a text. Call it when none was kept. */
export function assertSomeText(
  { name, template, columns: slots, where }: Pick<ResolvedSource, 'name' | 'template' | 'columns' | 'where'>,
  ledger: Ledger,
  columns: readonly string[],
): void {
  if (ledger.in === 0) return;
  const reasons = Object.entries({ ...ledger.dropped, ...ledger.failed }).map(
    ([reason, n]) => `${n} ${reason}`,
  );
  const absent = columnsNeeded(slots, where).filter((column) => !columns.includes(column));
  throw new UserError(
    `source ${name}: none of its ${ledger.in} records gives a text for template ${template} (${reasons.join(', ')})${absent.length === 0 || columns.length === 0 ? '' : `; there is no column ${absent.join(', ')}`}; its columns are ${columns.join(', ')}`,
    { hint: `say which columns to take: sources: { ${name}: { columns: { ... } } }` },
  );
}
