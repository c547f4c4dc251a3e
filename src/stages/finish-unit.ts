/**
 * Second pass over a unit: the documents that no rule dropped, less the duplicates, become the unit's kept output.
 *
 * A unit without duplicates keeps its file as it is (a hard link, else a copy); otherwise the rows are copied, and the
 * duplicates join `dropped/` on request, with reason `duplicate_exact`. Which copy stayed is found by equal `dedup.exact`.
 */

import { readFileSync } from 'node:fs';
import { copyFile, link, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { columnData, gatherRows, stringAt } from '../core/batch.ts';
import { InterruptedError, invariant, UserError } from '../core/errors.ts';
import { count } from '../core/ledger.ts';
import { syncFolder } from '../io/atomic.ts';
import { openParquet } from '../io/parquet-footer.ts';
import { readRowGroups } from '../io/parquet-read.ts';
import { excerptOf } from './excerpt.ts';
import type { ResolvedFilter } from './filter-config.ts';
import { decodeDropList, dropListPath } from './find-duplicates.ts';
import { DocumentMeasurer } from './measure-document.ts';
import type { MeasuredUnit } from './measure-unit.ts';
import { withVerdict } from './scored-rows.ts';
import { UnitOutput } from './unit-output.ts';
import type { UnitProgress } from './unit-progress.ts';
import { addExample, type OutputFile, type UnitReport } from './unit-report.ts';

export const duplicateReason = 'duplicate_exact';

export interface FinishTask {
  name: string;
  folder: string;
  filter: ResolvedFilter;
  measured: MeasuredUnit;
}

export interface FinishedUnit {
  report: UnitReport;
  outputs: OutputFile[];
}

export async function finishUnit(task: FinishTask, progress: UnitProgress): Promise<FinishedUnit> {
  const { name, folder, measured } = task;
  await mkdir(join(folder, 'kept'), { recursive: true });
  const drops = decodeDropList(readFileSync(join(folder, dropListPath(name))));
  if (drops.length > 0) return copyWithout(task, drops, progress);
  const kept: OutputFile[] = [];
  for (const candidate of measured.candidates) {
    const path = join('kept', basename(candidate.path));
    const target = join(folder, path);
    await rm(target, { force: true });
    await link(join(folder, candidate.path), target).catch(() =>
      copyFile(join(folder, candidate.path), target),
    );
    kept.push({ ...candidate, path });
  }
  syncFolder(join(folder, 'kept'));
  return { report: measured.report, outputs: [...kept, ...measured.dropped] };
}

async function copyWithout(
  task: FinishTask,
  drops: Uint32Array,
  progress: UnitProgress,
): Promise<FinishedUnit> {
  const { name, folder, filter, measured } = task;
  const report = structuredClone(measured.report);
  const measurer = new DocumentMeasurer(filter);
  const kept = new UnitOutput(folder, join('kept', name), filter.rowGroupBytes);
  const dropped = new UnitOutput(folder, join('dropped', `${name}.duplicates`), filter.rowGroupBytes);
  let first = 0; // row of the batch's row 0 in the unit
  let next = 0; // place in the drop list
  try {
    for (const candidate of measured.candidates) {
      for await (const records of readCandidates(join(folder, candidate.path))) {
        if (progress.stopRequested) throw new InterruptedError();
        const keptRows: number[] = [];
        const droppedRows: number[] = [];
        for (let row = 0; row < records.numRows; row++) {
          if (drops[next] === first + row) {
            droppedRows.push(row);
            next++;
          } else keptRows.push(row);
        }
        first += records.numRows;
        takeOut(report, measurer, records, droppedRows);
        if (keptRows.length > 0) await kept.write(gatherRows(records, keptRows));
        if (filter.dropped && droppedRows.length > 0) {
          const verdict = { reason: duplicateReason, signal: null, value: Number.NaN, bound: Number.NaN };
          await dropped.write(
            withVerdict(
              gatherRows(records, droppedRows),
              droppedRows.map(() => verdict),
            ),
          );
        }
        progress.beat();
      }
    }
    invariant(
      next === drops.length,
      `unit ${name}: ${drops.length - next} rows of its drop list do not exist`,
    );
    return { report, outputs: [...(await kept.finish()), ...measured.dropped, ...(await dropped.finish())] };
  } catch (error) {
    await kept.abort();
    await dropped.abort();
    throw error;
  }
}

/** All batches of a file that the first pass wrote; anything unreadable in it is an error, not a failed document. */
async function* readCandidates(path: string): AsyncGenerator<RecordBatch> {
  const file = await openParquet(path);
  try {
    for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length])) {
      if (item.kind === 'failed') {
        throw new UserError(`${path}: row group ${item.rowGroup} cannot be read back: ${item.problem}`, {
          hint: 'the disk may be failing; run again with --fresh or another --out',
        });
      }
      yield item.records;
    }
  } finally {
    await file.handle.close();
  }
}

/** Moves rows from kept to dropped in the report. */
function takeOut(
  report: UnitReport,
  measurer: DocumentMeasurer,
  records: RecordBatch,
  rows: readonly number[],
): void {
  const columns = measurer.signals.map((signal) => columnData(records, signal).values as Float64Array);
  for (const row of rows) {
    const text = stringAt(records, 'text', row) ?? '';
    report.ledger.kept--;
    report.keptTextBytes -= text.length;
    count(report.ledger.dropped, duplicateReason);
    measurer.untallyKept(
      report,
      columns.map((values) => values[row]!),
    );
    addExample(report, duplicateReason, {
      id: stringAt(records, 'id', row) ?? '',
      url: stringAt(records, 'url', row),
      excerpt: excerptOf(text),
    });
  }
}
