/**
 * Second pass over a unit: the documents that no rule dropped, less the copies that the dedup steps drop, become the unit's kept output.
 *
 * Without dedup steps the work file becomes the output as it is (a hard link, else a copy). With them the rows are written anew with two
 * more columns per step, `dedup.<step>.cluster` (number of the cluster's first document in the whole job; its own for a document that is
 * alone) and `dedup.<step>.size`; the copies join `dropped/` on request, with reason `duplicate_<step>`.
 */
import { createReadStream } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { columnData, gatherRows, stringAt } from '../core/batch.ts';
import { InterruptedError, invariant, UserError } from '../core/errors.ts';
import { count } from '../core/ledger.ts';
import { AtomicFile, syncFolder } from '../io/atomic.ts';
import { readBitFile } from './bit-list.ts';
import { ClusterColumns } from './cluster-columns.ts';
import { readDropList } from './drop-list.ts';
import { duplicateReason } from './duplicate-reason.ts';
import { excerptOf } from './excerpt.ts';
import type { MeasuredUnit } from './measure-unit.ts';
import { readBack } from './read-back.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { survivorsPath } from './run-layout.ts';
import { withVerdict } from './scored-rows.ts';
import { SignalTable } from './signal-table.ts';
import { UnitOutput } from './unit-output.ts';
import type { UnitProgress } from './unit-progress.ts';
import { addExample, type OutputFile, type UnitReport } from './unit-report.ts';

export interface FinishTask {
  name: string;
  folder: string;
  filter: ResolvedFilter;
  measured: MeasuredUnit;
  /** Documents in the units before this one: the number of the unit's first document. */
  firstDocument: number;
}

export interface FinishedUnit {
  report: UnitReport;
  outputs: OutputFile[];
}

export async function finishUnit(task: FinishTask, progress: UnitProgress): Promise<FinishedUnit> {
  const { folder, measured, filter } = task;
  await mkdir(join(folder, 'kept'), { recursive: true });
  if (filter.dedup.length > 0) return writeSurvivors(task, progress);
  const kept: OutputFile[] = [];
  for (const candidate of measured.candidates) {
    const path = join('kept', basename(candidate.path));
    const source = join(folder, candidate.path);
    const target = join(folder, path);
    await rm(target, { force: true });
    try {
      await link(source, target);
    } catch {
      await copyWhole(source, target); // a file system without hard links
    }
    kept.push({ ...candidate, path });
  }
  syncFolder(join(folder, 'kept'));
  return { report: measured.report, outputs: [...kept, ...measured.outputs] };
}

async function copyWhole(source: string, target: string): Promise<void> {
  const file = await AtomicFile.create(target);
  try {
    for await (const piece of createReadStream(source, { highWaterMark: 1 << 20 }))
      await file.write(piece as Buffer);
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

async function writeSurvivors(task: FinishTask, progress: UnitProgress): Promise<FinishedUnit> {
  const { name, folder, filter, measured } = task;
  const report = structuredClone(measured.report);
  const table = new SignalTable(filter);
  const options = { rowGroupBytes: filter.rowGroupBytes };
  const kept = new UnitOutput(folder, join('kept', name), options);
  const dropped = new UnitOutput(folder, join('dropped', `${name}.duplicates`), options);
  const drops = readDropList(folder, name);
  const clusters = await ClusterColumns.open(task);
  const survivors = readBitFile(join(folder, survivorsPath(name)), measured.documents);
  let index = -1; // of the row in hand, in `signals/`
  let matched = 0;
  try {
    for (const candidate of measured.candidates) {
      for await (const { records } of readBack(join(folder, candidate.path), unreadable)) {
        if (progress.stopRequested) throw new InterruptedError();
        const indices: number[] = [];
        for (let row = 0; row < records.numRows; row++) {
          do index++;
          while (index < survivors.length && !survivors.get(index));
          indices.push(index);
        }
        const steps = indices.map((at) => drops.get(at));
        const keptRows = rowsWhere(steps, (step) => step === undefined);
        const droppedRows = rowsWhere(steps, (step) => step !== undefined);
        matched += droppedRows.length;
        takeOut(report, table, records, droppedRows, (row) => reasonOf(filter, steps[row]!));
        const rows = clusters.add(records, indices);
        if (keptRows.length > 0) await kept.write(gatherRows(rows, keptRows));
        if (filter.dropped && droppedRows.length > 0) {
          const verdicts = droppedRows.map((row) => ({
            reason: reasonOf(filter, steps[row]!),
            signal: null,
            value: Number.NaN,
            bound: Number.NaN,
          }));
          await dropped.write(withVerdict(gatherRows(rows, droppedRows), verdicts));
        }
        progress.beat();
      }
    }
    invariant(
      matched === drops.size,
      `unit ${name}: ${drops.size - matched} rows of its drop list do not exist`,
    );
    return { report, outputs: [...(await kept.finish()), ...measured.outputs, ...(await dropped.finish())] };
  } catch (error) {
    await kept.abort();
    await dropped.abort();
    throw error;
  }
}

function rowsWhere<T>(values: readonly T[], wanted: (value: T) => boolean): number[] {
  const rows: number[] = [];
  values.forEach((value, row) => {
    if (wanted(value)) rows.push(row);
  });
  return rows;
}

function reasonOf(filter: ResolvedFilter, step: number): string {
  return duplicateReason(filter.dedup[step]!.name);
}

function unreadable(path: string, rowGroup: number, problem: string): UserError {
  return new UserError(`${path}: row group ${rowGroup} cannot be read back: ${problem}`, {
    hint: 'run again: what is damaged is made again; should it be damaged once more, the disk may be failing',
  });
}

/** Moves rows from kept to dropped in the report. */
function takeOut(
  report: UnitReport,
  table: SignalTable,
  records: RecordBatch,
  rows: readonly number[],
  reasonFor: (row: number) => string,
): void {
  if (rows.length === 0) return;
  const columns = table.signals.map((signal) => columnData(records, signal));
  const bytes = columnData(records, 'text.bytes').values as Float64Array;
  const tokens = columnData(records, 'text.tokens').values as Float64Array;
  const valueAt = (at: number, row: number): number =>
    columns[at]!.getValid(row) ? (columns[at]!.values as Float64Array)[row]! : Number.NaN;
  for (const row of rows) {
    const reason = reasonFor(row);
    report.ledger.kept--;
    report.keptTextBytes -= bytes[row]!;
    report.keptTokens -= tokens[row]!;
    count(report.ledger.dropped, reason);
    table.untallyKept(
      report,
      table.signals.map((_, at) => valueAt(at, row)),
    );
    addExample(report, reason, {
      id: stringAt(records, 'id', row) ?? '',
      url: stringAt(records, 'url', row),
      excerpt: excerptOf(stringAt(records, 'text', row) ?? ''),
    });
  }
}
