/**
 * The training texts of one unit of a mixture source: records read through src/io (or made by a generator), those that are selected,
 * their fields taken out by the card's columns and put into its template. Every record is counted: a text, or why there is none. What the
 * network does not give ends the work; what cannot be read is counted and left out.
 */

import { type GeneratedRecord, generateRecords } from '../../mixtures/generated.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import type { GeneratedData } from '../core/card.ts';
import { fingerprint } from '../core/config.ts';
import { InputError } from '../core/errors.ts';
import { count, type Ledger } from '../core/ledger.ts';
import { FetchError } from '../io/fetch-error.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { type ChatPart, type ChatTemplate, textOfParts } from '../tokens/chat-template.ts';
import { columnsNeeded, fieldsOf, type ReadCell } from '../tokens/document-fields.ts';
import { isSelected, notSelected } from '../tokens/row-selection.ts';
import { formatDocument } from '../tokens/templates.ts';
import { BatchCells } from './batch-cells.ts';

export interface SourceText {
  id: string;
  url: string;
  /** What a tokenizer is trained on; of a chat: all that its template writes. */
  text: string;
  /** Of a chat: the text cut where special tokens may stand; encode it with `encodeChat`. */
  parts?: ChatPart[];
}

export interface Failure {
  file: string;
  place?: string;
  problem: string;
}

/** What texts are made by; plain data, so that it can be handed to a worker. */
export type TextSource = Pick<ResolvedSource, 'name' | 'template' | 'columns' | 'where'>;

/** A part of a source that is read by itself. Plain data. */
export type SourceUnit = {
  /** Unique in the source. */
  id: string;
  /** Changes with what is read: content of the file, part of it, column types. */
  key: string;
  /** Bytes to read, for progress; 0 where records are generated. */
  bytes: number;
} & ({ read: ReadUnit } | { generate: GeneratedData; first: number; count: number });

/** What a reader counts; the caller brings it. The caller counts what it kept. */
export interface UnitTally {
  ledger: Ledger;
  failures: Failure[];
  /** Columns of the records seen last. */
  columns: string[];
}

export interface ReadTextsOptions {
  /** Needed for the template `chat`. */
  chat?: ChatTemplate | undefined;
  /** Told the share of the unit that has been read. */
  progress?: (share: number) => void;
}

/** Small: what is read is made into strings of twice the size, and more threads do it side by side. */
const batchBytes = 4 * 1024 * 1024;
/** Failures listed of one unit; the ledger counts all. */
const mostFailures = 100;

/**
 * The texts of a unit in reading order, batch by batch; a batch is to be used up before the next is asked for. A damaged file is a
 * failure of the tally, not an error.
 */
export async function* textsOfUnit(
  source: TextSource,
  unit: SourceUnit,
  tally: UnitTally,
  options: ReadTextsOptions = {},
): AsyncGenerator<Iterable<SourceText>> {
  if ('generate' in unit) {
    yield generatedTexts(source, unit, tally, options);
    return;
  }
  const only = [
    ...new Set([
      source.columns.id ?? 'id',
      source.columns.url ?? 'url',
      ...columnsNeeded(source.columns, source.where),
    ]),
  ];
  const left = { failures: 0 };
  const fail = (failure: Failure): void => {
    if (tally.failures.length < mostFailures) tally.failures.push(failure);
    else left.failures++;
  };
  let rows = 0;
  try {
    for await (const item of readUnit(unit.read, { only, batchBytes })) {
      if (item.kind === 'failed') {
        tally.ledger.in += item.count;
        count(tally.ledger.failed, item.reason, item.count);
        fail({ file: item.file, place: item.place, problem: item.problem });
        continue;
      }
      const { records } = item.batch;
      const cells = new BatchCells(records);
      tally.columns = records.schema.fields.map((field) => field.name);
      const before = rows;
      yield batchTexts(source, cells, records.numRows, tally, options, (row) => {
        if (unit.read.rows) options.progress?.(Math.min(1, (before + row) / unit.read.rows));
      });
      rows += records.numRows;
    }
  } catch (error) {
    // A mixture that depends on how the network was is no mixture anybody can make again.
    if (!(error instanceof InputError) || error instanceof FetchError) throw error;
    const { file, problem, place } = error;
    fail({ file, problem, ...(place === undefined ? {} : { place }) });
  }
  if (left.failures > 0)
    tally.failures.push({
      file: unit.read.file,
      problem: `${left.failures} more places could not be read`,
    });
}

function* batchTexts(
  source: TextSource,
  cells: BatchCells,
  rows: number,
  tally: UnitTally,
  options: ReadTextsOptions,
  progress: (row: number) => void,
): Generator<SourceText> {
  for (let row = 0; row < rows; row++) {
    if ((row & 1023) === 1023) progress(row);
    cells.row = row;
    const made = textOf(source, cells.read, tally, options.chat);
    if (made !== undefined)
      yield { id: String(cells.read('id')), url: String(cells.read('url') ?? ''), ...made };
  }
}

/** The text of a record, or undefined after its fate was counted. */
function textOf(
  source: TextSource,
  read: ReadCell,
  { ledger }: UnitTally,
  chat: ChatTemplate | undefined,
): Pick<SourceText, 'text' | 'parts'> | undefined {
  ledger.in++;
  if (source.where !== undefined && !isSelected(read, source.where)) {
    count(ledger.dropped, notSelected);
    return undefined;
  }
  const formatted = formatDocument(source.template, fieldsOf(read, source.columns), chat);
  if ('problem' in formatted) {
    count(ledger.failed, formatted.problem);
    return undefined;
  }
  return 'text' in formatted
    ? { text: formatted.text }
    : { text: textOfParts(formatted.parts), parts: formatted.parts };
}

function* generatedTexts(
  source: TextSource,
  unit: Extract<SourceUnit, { generate: unknown }>,
  tally: UnitTally,
  options: ReadTextsOptions,
): Generator<SourceText> {
  const records = generatorAt(unit.generate, unit.first);
  for (let i = 0; i < unit.count; i++) {
    const next = records.next();
    if (next.done === true) return;
    const record = next.value;
    if ((i & 1023) === 1023) options.progress?.(i / unit.count);
    if (i === 0) tally.columns = Object.keys(record);
    const made = textOf(source, (column) => record[column as keyof GeneratedRecord], tally, options.chat);
    if (made !== undefined) yield { id: record.id, url: '', ...made };
  }
  open = { key: fingerprint(unit.generate), at: unit.first + unit.count, records };
}

/** A generator cannot start in the middle, so the one that stands at the end of the last unit is kept for the next. */
let open: { key: string; at: number; records: Generator<GeneratedRecord> } | undefined;

function generatorAt(spec: GeneratedData, first: number): Generator<GeneratedRecord> {
  const goesOn = open !== undefined && open.at <= first && open.key === fingerprint(spec);
  const { at, records } = goesOn ? open! : { at: 0, records: generateRecords(spec) };
  open = undefined;
  for (let i = at; i < first; i++) records.next();
  return records;
}
