/**
 * What a mixture source is read from: its files planned into units of reading, its files on the Hub one after the other as they are
 * needed, or the chunks of a generator.
 *
 * Units come in parcels. A source whose files are here, or that is generated, is one parcel; a source on the Hub is one parcel a file,
 * files by hash, and a file is fetched when its parcel is asked for. Units of a parcel are in the order of order-units.ts.
 */
import { readFile } from 'node:fs/promises';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import type { GeneratedData } from '../core/card.ts';
import { fingerprint } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { inputsOfCard } from '../io/card-input.ts';
import { FetchError } from '../io/fetch-error.ts';
import type { HubFile, HubOptions } from '../io/hub.ts';
import { hubInputFiles, planHubFile } from '../io/hub-input.ts';
import { sizeText } from '../io/plan-unit.ts';
import type { InputSpec, ReadPlan, ReadUnit } from '../io/read-plan.ts';
import { inHashOrder } from './order-units.ts';
import type { Failure, SourceUnit } from './unit-texts.ts';

/** Bytes of a unit as stored (Parquet: uncompressed). Small, so that a mixture that needs little reads little. */
export const sourceUnitBytes = 16 * 1024 * 1024;
/** Records of a chunk of a generator. */
const chunkRecords = 50_000;

export interface SourceInput {
  path: string;
  bytes: number;
  fingerprint: string;
}

export interface Parcel {
  units: SourceUnit[];
  inputs: SourceInput[];
  /** Files that could not be planned. */
  failures: Failure[];
}

export interface UnitOptions {
  /** Orders the units. Default 0. */
  seed?: number;
  unitBytes?: number;
  hub?: HubOptions;
  /** A file that keeps the list of a source's files on the Hub, so that a run that goes on reads the commit it began with. */
  list?: { path: string; write: boolean };
  emit?: Emit | undefined;
  signal?: AbortSignal | undefined;
}

/** The units of a plan as a parcel. */
export function parcelOf(plan: ReadPlan, seed: number): Parcel {
  const contents = new Map(plan.inputs.map((input) => [input.path, input.fingerprint]));
  // Pages of a folder have one fingerprint for all.
  const all = fingerprint(plan.inputs.map((input) => input.fingerprint));
  const units = plan.units.map(
    (unit): SourceUnit => ({
      id: unit.id,
      key: unitKey(unit, unit.remote?.oid ?? contents.get(unit.file) ?? all),
      bytes: unit.bytes,
      read: unit,
    }),
  );
  return {
    units: inHashOrder(units, seed, (unit) => unit.id),
    inputs: plan.inputs,
    failures: plan.failures.map(({ file, place, problem }) => ({
      file,
      problem,
      ...(place === undefined ? {} : { place }),
    })),
  };
}

/** Where a file lies decides nothing. */
function unitKey({ file: _, remote: __, bytes: ___, ...unit }: ReadUnit, content: string): string {
  return fingerprint({ ...unit, content });
}

/** Chunks of a generator, in order: it cannot start in the middle. */
export function generatedParcel(spec: GeneratedData): Parcel {
  const units: SourceUnit[] = [];
  for (let first = 0; first < spec.count; first += chunkRecords) {
    const count = Math.min(chunkRecords, spec.count - first);
    units.push({
      id: `generated#${first}`,
      key: fingerprint({ spec: { ...spec, count: 0 }, first, count }),
      bytes: 0,
      generate: spec,
      first,
      count,
    });
  }
  return { units, inputs: [], failures: [] };
}

/** The addresses on the Hub that a source without data here is read from; undefined where there is none. */
export function hubInputsOf({ name, data, card, columns, format }: ResolvedSource): InputSpec[] | undefined {
  if (data.kind !== 'missing') return undefined;
  const addresses =
    data.addresses ?? (data.hub === undefined || card === undefined ? undefined : pathsOnHub(card));
  const { id, url } = columns;
  return addresses?.map((path) => ({
    path,
    format,
    source: name,
    columns: { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) },
  }));
}

/** The card's files are wanted here, not its one column of text. */
function pathsOnHub(card: NonNullable<ResolvedSource['card']>): string[] {
  return inputsOfCard(card, { columns: { text: 'text' } }).map((input) => input.path);
}

export interface HubSource {
  files: { input: InputSpec; file: HubFile }[];
  /** Bytes of all files. */
  bytes: number;
}

/** The files of a source on the Hub, at one commit each address; nothing is fetched. Taken from the kept list where there is one. */
export async function listHubSource(inputs: readonly InputSpec[], options: UnitOptions): Promise<HubSource> {
  const addresses = inputs.map(({ path }) => path);
  const { list } = options;
  const kept = list === undefined ? undefined : await keptList(list.path);
  const found: HubFile[][] =
    kept !== undefined && fingerprint(kept.addresses) === fingerprint(addresses) ? kept.files : [];
  if (found.length === 0) {
    for (const input of inputs) found.push((await hubInputFiles(input, readOptions(options))).files);
    if (list?.write === true)
      await writeFileAtomic(
        list.path,
        `${JSON.stringify({ addresses, files: found, check: fingerprint(found) })}\n`,
      );
  }
  const files = found.flatMap((own, i) => own.map((file) => ({ input: inputs[i]!, file })));
  return {
    files: inHashOrder(files, options.seed ?? 0, ({ file }) => `${file.dataset}/${file.path}`),
    bytes: files.reduce((sum, { file }) => sum + file.bytes, 0),
  };
}

/** Undefined when it is absent or damaged. */
async function keptList(path: string): Promise<{ addresses: string[]; files: HubFile[][] } | undefined> {
  try {
    const list = JSON.parse(await readFile(path, 'utf8')) as {
      addresses: string[];
      files: HubFile[][];
      check: string;
    };
    return list.check === fingerprint(list.files) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** One parcel a file; each is fetched when it is asked for. */
export async function* hubParcels(
  name: string,
  { files }: HubSource,
  options: UnitOptions,
): AsyncGenerator<Parcel> {
  for (const [i, { input, file }] of files.entries()) {
    options.emit?.({
      kind: 'message',
      level: 'info',
      text: `${name}: ${file.path} of ${file.dataset} (${sizeText(file.bytes)}, file ${i + 1} of ${files.length})`,
    });
    const plan = await planHubFile(input, file, readOptions(options));
    const lost = plan.failures.find(({ notFetched }) => notFetched === true);
    // Without it the mixture would be another one, for as long as the network is as it is.
    if (lost !== undefined)
      throw new FetchError(lost.file, lost.problem, {
        hint: lost.hint ?? 'run again: what is done is kept',
      });
    const pages = plan.units.find((unit) => unit.format === 'html');
    if (pages !== undefined) throw holdsPages(name, pages.label);
    yield parcelOf(plan, options.seed ?? 0);
  }
}

export function readOptions({ unitBytes, hub, signal }: UnitOptions) {
  return {
    unitBytes: unitBytes ?? sourceUnitBytes,
    ...(hub === undefined ? {} : { hub }),
    ...(signal === undefined ? {} : { signal }),
  };
}

export function holdsPages(name: string, file: string): UserError {
  return new UserError(`source ${name}: ${file} holds HTML pages, not texts`, {
    hint: 'extract and filter them first (midtrain filter), and name the folder that writes',
  });
}
