/**
 * One unit of `recut --write`: its kept documents under the new rules, in document order, and the dropped ones on request.
 *
 * 1. Each wanted document gets its source: kept/ if the run kept it, else dropped/ if the run wrote that, else the input read again.
 * 2. The sources are walked side by side, some thousand documents at a time, and their rows put in order.
 * 3. The rows go to kept/<unit>, dropped/<unit> and dropped/<unit>.duplicates, as a filter job under these rules would write them; only
 *    the text of a document that the run kept and transformed stays transformed in dropped/.
 * Memory: one batch per source.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { columnData, sliceRows } from '../core/batch.ts';
import { InterruptedError } from '../core/errors.ts';
import { count } from '../core/ledger.ts';
import type { ReadUnit } from '../io/read-unit-types.ts';
import { ClusterColumns } from './cluster-columns.ts';
import { readBack } from './read-back.ts';
import { kindOf } from './recut-decide.ts';
import { reasonOf } from './recut-examples.ts';
import {
  damagedRun,
  type IndexedRows,
  noTexts,
  sourceRows,
  storedRows,
  type UnitRows,
} from './recut-rows.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { type VerdictColumns, withVerdict } from './scored-rows.ts';
import { SignalTable } from './signal-table.ts';
import { UnitOutput } from './unit-output.ts';
import { emptyReport, type OutputFile, type UnitReport } from './unit-report.ts';

export interface RecutUnitTask {
  /** The run. */
  folder: string;
  /** The folder to write to. */
  out: string;
  name: string;
  read: ReadUnit;
  /** With the new rules; `dropped` says whether dropped documents are written. */
  filter: ResolvedFilter;
  /** Path of the unit's signals. */
  signals: string;
  firstDocument: number;
  /** Outcomes of the unit's documents, before and after. */
  before: Int16Array;
  after: Int16Array;
}

export interface RecutUnit {
  report: UnitReport;
  outputs: OutputFile[];
  /** Documents whose text was read again from the input. */
  readAgain: number;
}

/** Documents merged at a time. */
const windowDocuments = 4096;

export async function recutUnit(task: RecutUnitTask, signal?: AbortSignal): Promise<RecutUnit> {
  const { out, name, filter, after } = task;
  const table = new SignalTable(filter);
  const unit: UnitRows = { ...task, table };
  const options = { rowGroupBytes: filter.rowGroupBytes };
  const outputs = {
    kept: new UnitOutput(out, join('kept', name), options),
    rule: new UnitOutput(out, join('dropped', name), options),
    duplicate: new UnitOutput(out, join('dropped', `${name}.duplicates`), options),
  };
  const report = await reportOf(task, table);
  const { streams, readAgain } = openSources(task, unit);
  try {
    const clusters = { kept: await ClusterColumns.open(unit), duplicate: await ClusterColumns.open(unit) };
    for (let end = windowDocuments; end - windowDocuments < after.length; end += windowDocuments) {
      if (signal?.aborted === true) throw new InterruptedError();
      const rows: IndexedRows[] = [];
      for (const stream of streams) rows.push(...(await stream.below(end)));
      for (const run of inOrder(rows, (index) => classOf(after[index]!))) {
        const kind = classOf(after[run.indices[0]!]!);
        if (kind === 'kept') await outputs.kept.write(clusters.kept.add(run.records, run.indices));
        else {
          const records =
            kind === 'duplicate' ? clusters.duplicate.add(run.records, run.indices) : run.records;
          await outputs[kind].write(withVerdict(records, verdictsOf(task, table, run)));
        }
      }
    }
    const files = await Promise.all(Object.values(outputs).map((output) => output.finish()));
    return { report, outputs: files.flat(), readAgain };
  } catch (error) {
    for (const output of Object.values(outputs)) await output.abort();
    throw error;
  } finally {
    for (const stream of streams) await stream.close();
  }
}

function classOf(outcome: number): 'kept' | 'rule' | 'duplicate' {
  const kind = kindOf(outcome);
  return kind === 'kept' || kind === 'duplicate' ? kind : 'rule';
}

/** The streams that together have every wanted document once. */
function openSources(task: RecutUnitTask, unit: UnitRows): { streams: RowStream[]; readAgain: number } {
  const { folder, name, before, after, filter, read } = task;
  const wanted = (index: number): boolean => filter.dropped || after[index]! < 0;
  const keeps = (index: number): boolean => after[index]! < 0;
  const orders = { kept: [] as number[], rule: [] as number[], duplicate: [] as number[] };
  for (let index = 0; index < before.length; index++) orders[classOf(before[index]!)].push(index);
  const again: number[] = [];
  const streams: RowStream[] = [];
  for (const [kind, sub, stem] of [
    ['kept', 'kept', name],
    ['rule', 'dropped', name],
    ['duplicate', 'dropped', `${name}.duplicates`],
  ] as const) {
    const needed = orders[kind].filter(wanted);
    if (needed.length === 0) continue;
    const files = partsOf(join(folder, sub), stem);
    if (files.length === 0) again.push(...needed);
    // What the rules dropped was stored as it was measured; the others were transformed before they were written.
    else if (kind !== 'rule')
      streams.push(new RowStream(storedRows(unit, files, orders[kind], wanted, { transform: false })));
    else {
      const kept = storedRows(unit, files, orders.rule, keeps, { transform: true });
      streams.push(new RowStream(kept));
      if (!filter.dropped) continue;
      const rest = storedRows(unit, files, orders.rule, (index) => !keeps(index), { transform: false });
      streams.push(new RowStream(rest));
    }
  }
  if (again.length > 0) {
    if (read.files === undefined && !existsSync(read.file) && !/^hf:/.test(read.file)) {
      throw noTexts(folder, name, `its input ${read.file} is not there`);
    }
    streams.push(
      new RowStream(
        sourceRows(
          unit,
          read,
          again.sort((a, b) => a - b),
          keeps,
        ),
      ),
    );
  }
  return { streams, readAgain: again.length };
}

/** `<stem>.parquet`, `<stem>.part2.parquet` and so on. */
export function partsOf(folder: string, stem: string): string[] {
  if (!existsSync(folder)) return [];
  const names = new Set(readdirSync(folder));
  const parts: string[] = [];
  for (let part = 1; ; part++) {
    const name = `${stem}${part === 1 ? '' : `.part${part}`}.parquet`;
    if (!names.has(name)) return parts;
    parts.push(join(folder, name));
  }
}

/** A source of rows, cut at document indices. */
class RowStream {
  private readonly rows: AsyncGenerator<IndexedRows>;
  private held: IndexedRows | undefined;
  private ended = false;

  constructor(rows: AsyncGenerator<IndexedRows>) {
    this.rows = rows;
  }

  /** The next rows of documents below `end`. */
  async below(end: number): Promise<IndexedRows[]> {
    const taken: IndexedRows[] = [];
    for (;;) {
      if (this.held === undefined) {
        if (this.ended) return taken;
        const next = await this.rows.next();
        if (next.done === true) {
          this.ended = true;
          return taken;
        }
        this.held = next.value;
      }
      const { records, indices } = this.held;
      const cut = indices.findIndex((index) => index >= end);
      if (cut < 0) {
        taken.push(this.held);
        this.held = undefined;
        continue;
      }
      if (cut > 0) taken.push({ records: sliceRows(records, 0, cut), indices: indices.slice(0, cut) });
      this.held = { records: sliceRows(records, cut, records.numRows), indices: indices.slice(cut) };
      return taken;
    }
  }

  async close(): Promise<void> {
    await this.rows.return(undefined);
  }
}

/** The rows of several pieces by ascending index, in runs from one piece and of one class. */
function* inOrder(
  pieces: readonly IndexedRows[],
  classOf: (index: number) => string,
): Generator<IndexedRows> {
  const heads = pieces.map((piece) => ({ piece, at: 0 }));
  for (;;) {
    const open = heads.filter(({ piece, at }) => at < piece.indices.length);
    if (open.length === 0) return;
    const first = open.reduce((a, b) => (b.piece.indices[b.at]! < a.piece.indices[a.at]! ? b : a));
    const limit = open.reduce(
      (least, head) => (head === first ? least : Math.min(least, head.piece.indices[head.at]!)),
      Number.POSITIVE_INFINITY,
    );
    const { indices, records } = first.piece;
    const kind = classOf(indices[first.at]!);
    let end = first.at + 1;
    while (end < indices.length && indices[end]! < limit && classOf(indices[end]!) === kind) end++;
    yield { records: sliceRows(records, first.at, end), indices: indices.slice(first.at, end) };
    first.at = end;
  }
}

function verdictsOf(
  { filter, after }: RecutUnitTask,
  table: SignalTable,
  { records, indices }: IndexedRows,
): VerdictColumns[] {
  const steps = filter.dedup.map(({ name }) => name);
  return indices.map((index, row) => {
    const outcome = after[index]!;
    const rule = kindOf(outcome) === 'rule' ? table.rules[outcome] : undefined;
    const reason = reasonOf(table.rules, steps, outcome);
    if (rule === undefined) return { reason, signal: null, value: Number.NaN, bound: Number.NaN };
    const value = Number((columnData(records, rule.signal).values as ArrayLike<number>)[row]);
    return { reason, signal: rule.signal, value, bound: rule.bound };
  });
}

/** Ledger, histograms and rule counts of the unit, from its signals. */
async function reportOf(task: RecutUnitTask, table: SignalTable): Promise<UnitReport> {
  const { after, filter } = task;
  const steps = filter.dedup.map(({ name }) => name);
  const report = emptyReport(table.signals, table.rules.length);
  for await (const { records, first } of readBack(task.signals, damagedRun)) {
    const columns = table.signals.map((signal) => columnData(records, signal));
    const bytes = columnData(records, 'text.bytes').values as Float64Array;
    const tokens = columnData(records, 'text.tokens').values as Float64Array;
    const values = new Float64Array(columns.length);
    for (let row = 0; row < records.numRows; row++) {
      const outcome = after[first + row]!;
      const kept = outcome < 0;
      for (const [i, column] of columns.entries()) {
        values[i] = column.getValid(row) ? Number((column.values as ArrayLike<number>)[row]) : Number.NaN;
      }
      table.tally(report, values, kept);
      report.ledger.in++;
      report.textBytes += bytes[row]!;
      report.tokens += tokens[row]!;
      if (kept) {
        report.ledger.kept++;
        report.keptTextBytes += bytes[row]!;
        report.keptTokens += tokens[row]!;
      } else count(report.ledger.dropped, reasonOf(table.rules, steps, outcome));
    }
  }
  return report;
}
