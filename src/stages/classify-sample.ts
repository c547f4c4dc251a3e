/**
 * `classify sample`: documents to label, uniform within strata, in one pass.
 *
 * Each stratum holds the documents with the lowest hashes of seed and id (bottom-sample.ts); a text that enters is appended to a spool
 * beside the output, so memory is one batch and some 150 bytes a document held. What a stratum must hold falls as others are seen
 * (`equalBounds`), so the spool takes about count x (1 + ln(documents / count)) texts. The output is sorted by stratum and hash: the same
 * bytes whatever the order of files or rows. Documents that lie twice in the inputs count twice; drop duplicates with `filter` before.
 */
import { dirname } from 'node:path';
import { batchFromVectors, utf8Vector } from '../core/batch.ts';
import { InputError, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { hash64, initHash64 } from '../core/hash64.ts';
import { assertBalanced, count, emptyLedger, type Ledger } from '../core/ledger.ts';
import { makeFolder } from '../io/atomic.ts';
import { ParquetOutput } from '../io/parquet-write.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { BottomSample, type SampleEntry } from './bottom-sample.ts';
import { allocateEqually, allocateProportionally, equalBounds } from './classify-allocation.ts';
import {
  type ClassifyInput,
  columnsOfUnits,
  type DocumentTally,
  planDocuments,
  readDocuments,
} from './classify-documents.ts';
import { stratumBy, stratumColumns, unknownStratum } from './classify-stratum.ts';
import { TextSpool } from './text-spool.ts';
import type { Failure } from './unit-texts.ts';

export interface SampleDocumentsRequest {
  inputs: readonly ClassifyInput[];
  /** Documents in all. */
  count: number;
  /** year, dump, source, site, none, or a column. */
  stratifyBy: string;
  allocation: 'equal' | 'proportional';
  /** Texts with fewer UTF-16 units are left out. */
  minCharacters: number;
  /** Documents of which none has a stratum are one stratum, with a warning, instead of an error. */
  allowUnknown?: boolean;
  seed: number;
  /** A Parquet file with id, text, url, source, group. */
  out: string;
  emit: Emit;
  signal?: AbortSignal | undefined;
}

export interface DrawnSample {
  /** Documents written. */
  documents: number;
  strata: { stratum: string; size: number; drawn: number }[];
  /** Strata with fewer documents than an equal share. */
  tooSmall: string[];
  ledger: Ledger;
  failures: Failure[];
  warnings: string[];
  sha256: string;
}

/** More strata than this are no strata (a column of ids). */
const mostStrata = 10_000;

interface SpooledRecord {
  id: string;
  text: string;
  url: string | null;
  source: string;
}

export async function sampleDocuments(request: SampleDocumentsRequest): Promise<DrawnSample> {
  const { out, seed, minCharacters, emit, signal } = request;
  await initHash64();
  const plan = await planDocuments(request.inputs, { emit, ...(signal === undefined ? {} : { signal }) });
  const tally: DocumentTally = { ledger: emptyLedger(), failures: [...plan.failures], columns: [] };
  const { ledger } = tally;
  ledger.in += plan.failures.length;
  if (plan.failures.length > 0) count(ledger.failed, 'unreadable', plan.failures.length);
  const bytes = plan.units.reduce((sum, unit) => sum + unit.bytes, 0);
  const strata = new Map<string, BottomSample>();
  const stratumOf = stratumBy(request.stratifyBy);
  const columns = stratumColumns(request.stratifyBy);
  const key = new HashKey(seed);
  makeFolder(dirname(out));
  const spool = await TextSpool.create<SpooledRecord>(`${out}.spool-${process.pid}`);
  const started = performance.now();
  emit({ kind: 'start', task: 'sample', total: bytes, unit: 'bytes' });
  try {
    const progress = (done: number): void => {
      emit({ kind: 'progress', task: 'sample', done, total: bytes, unit: 'bytes' });
    };
    for await (const document of readDocuments(plan.units, tally, { signal, progress, columns })) {
      if (document.bytes === 0 || document.bytes < minCharacters) {
        count(ledger.dropped, 'too_short');
        continue;
      }
      const stratum = stratumOf(document);
      const sample = strata.get(stratum) ?? addStratum(strata, stratum, request);
      const hash = key.of(document.id);
      const tie = `${document.id}\0${document.file}\0${document.row}`;
      if (!sample.admits(hash, tie)) {
        sample.size++;
        count(ledger.dropped, 'not_drawn');
        continue;
      }
      let text: string;
      try {
        text = document.text();
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        count(ledger.failed, 'extraction_failed');
        continue;
      }
      if (text.length < minCharacters || text.trim() === '') {
        count(ledger.dropped, 'too_short');
        continue;
      }
      sample.size++;
      // Counted as drawn at the end, when it is known what stays.
      count(ledger.dropped, 'not_drawn');
      const { id, url, source } = document;
      const { at, length } = await spool.append({ id, text, url, source });
      sample.add({ hash, tie, at, length });
      if (spool.records % 4096 === 0) lowerBounds(strata, request);
    }
    const drawn = allocate(strata, request);
    await assertStrata(drawn, request, tally, plan.units);
    const documents = drawn.reduce((sum, { entries }) => sum + entries.length, 0);
    ledger.kept = documents;
    ledger.dropped.not_drawn = (ledger.dropped.not_drawn ?? 0) - documents;
    if (ledger.dropped.not_drawn === 0) delete ledger.dropped.not_drawn;
    assertBalanced(ledger, 'the sample');
    const { sha256 } = await writeSample(out, drawn, spool, request);
    const seconds = (performance.now() - started) / 1000;
    emit({ kind: 'end', task: 'sample', done: bytes, unit: 'bytes', seconds, numbers: { documents } });
    return describe(drawn, request, { documents, sha256, ledger, failures: tally.failures });
  } finally {
    await spool.remove();
  }
}

interface DrawnStratum {
  stratum: string;
  size: number;
  entries: SampleEntry[];
}

function addStratum(
  strata: Map<string, BottomSample>,
  stratum: string,
  request: SampleDocumentsRequest,
): BottomSample {
  if (strata.size === mostStrata) {
    throw new UserError(`--stratify-by ${request.stratifyBy}: more than ${mostStrata} strata`, {
      hint: 'stratify by something that many documents have in common: year, dump, source or site',
    });
  }
  const sample = new BottomSample(request.count);
  strata.set(stratum, sample);
  return sample;
}

function lowerBounds(strata: Map<string, BottomSample>, request: SampleDocumentsRequest): void {
  if (request.allocation !== 'equal') return;
  const samples = [...strata.values()];
  const bounds = equalBounds(
    request.count,
    samples.map(({ size }) => size),
  );
  // One more than the share: what does not divide is given to the first strata by name.
  for (const [i, sample] of samples.entries()) sample.shrink(Math.min(request.count, bounds[i]! + 1));
}

function allocate(strata: Map<string, BottomSample>, request: SampleDocumentsRequest): DrawnStratum[] {
  const sorted = [...strata].sort(([a], [b]) => (a < b ? -1 : 1));
  const allocation = request.allocation === 'equal' ? allocateEqually : allocateProportionally;
  const counts = allocation(
    request.count,
    sorted.map(([, { size }]) => size),
  );
  return sorted.map(([stratum, sample], i) => ({
    stratum,
    size: sample.size,
    entries: sample.lowest(counts[i]!),
  }));
}

async function assertStrata(
  drawn: readonly DrawnStratum[],
  request: SampleDocumentsRequest,
  tally: DocumentTally,
  units: readonly ReadUnit[],
): Promise<void> {
  if (drawn.length === 0) {
    throw new UserError(`none of the ${tally.ledger.in} documents has a text to draw`, {
      hint: `the columns are ${columnList(await columnsOfUnits(units))}; say which holds the text: --column text=content`,
    });
  }
  if (request.allowUnknown === true || drawn.length > 1 || drawn[0]!.stratum !== unknownStratum) return;
  throw new UserError(`no document has a ${request.stratifyBy}`, {
    hint: `name a column with --stratify-by, or take --stratify-by none; the columns are ${columnList(await columnsOfUnits(units))}`,
  });
}

async function writeSample(
  out: string,
  drawn: readonly DrawnStratum[],
  spool: TextSpool<SpooledRecord>,
  request: SampleDocumentsRequest,
): Promise<{ sha256: string }> {
  let output: ParquetOutput | undefined;
  let held: (SpooledRecord & { group: string })[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    const column = (name: keyof SpooledRecord | 'group') => utf8Vector(held.map((record) => record[name]));
    const names = ['id', 'text', 'url', 'source', 'group'] as const;
    const records = batchFromVectors(Object.fromEntries(names.map((name) => [name, column(name)])));
    const { seed, stratifyBy, allocation } = request;
    output ??= new ParquetOutput(out, records.schema, {
      metadata: { 'midtrain.sample': JSON.stringify({ seed, stratifyBy, allocation, count: request.count }) },
    });
    await output.write(records);
    held = [];
    heldBytes = 0;
  };
  try {
    for (const { stratum, entries } of drawn) {
      for (const entry of entries) {
        held.push({ ...(await spool.read(entry)), group: stratum });
        heldBytes += entry.length;
        if (heldBytes > 4 * 1024 * 1024) await flush();
      }
    }
    if (held.length > 0 || output === undefined) await flush();
    return await output!.finish();
  } catch (error) {
    await output?.abort();
    throw error;
  }
}

function describe(
  drawn: readonly DrawnStratum[],
  request: SampleDocumentsRequest,
  rest: Pick<DrawnSample, 'documents' | 'sha256' | 'ledger' | 'failures'>,
): DrawnSample {
  const strata = drawn.map(({ stratum, size, entries }) => ({ stratum, size, drawn: entries.length }));
  const share = Math.floor(request.count / drawn.length);
  const tooSmall =
    request.allocation === 'equal'
      ? strata.filter(({ size }) => size < share).map(({ stratum }) => stratum)
      : [];
  const warnings: string[] = [];
  if (rest.documents < request.count) {
    warnings.push(
      `${request.count} documents were asked for and there ${rest.documents === 1 ? 'is' : 'are'} ${rest.documents}`,
    );
  } else if (tooSmall.length > 0) {
    const some = tooSmall.slice(0, 5).join(', ');
    warnings.push(
      `${tooSmall.length} of ${strata.length} strata ${tooSmall.length === 1 ? 'has' : 'have'} fewer than ${share} documents (${some}${tooSmall.length > 5 ? ', ...' : ''}); the others were given their part`,
    );
  }
  const unknown = strata.find(({ stratum }) => stratum === unknownStratum);
  if (unknown !== undefined) {
    warnings.push(
      `${unknown.size} ${unknown.size === 1 ? 'document has' : 'documents have'} no ${request.stratifyBy}: the stratum ${unknownStratum}`,
    );
  }
  return { ...rest, strata, tooSmall, warnings };
}

const mostColumns = 12;

/** Names for a message; a filter run has some fifty columns of signals and margins, of which the first say enough. */
function columnList(columns: readonly string[]): string {
  const rest = columns.length - mostColumns;
  return `${columns.slice(0, mostColumns).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** hash(seed, id) as a number of 53 bits. */
class HashKey {
  private readonly seed: bigint;
  constructor(seed: number) {
    this.seed = BigInt(seed);
  }
  of(id: string): number {
    return Number(hash64(Buffer.from(id), this.seed) >> 11n);
  }
}
