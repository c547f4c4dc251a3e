/**
 * Keeps documents whose score reaches the bound of their year, as MegaMath-Web-Pro did: pages of recent crawls with 3 of 5, older ones
 * with 4. The year is found as in sampling (classify-stratum.ts); a document without one takes the default.
 */
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { columnData, type DocumentBatch, gatherRows } from '../core/batch.ts';
import { InterruptedError } from '../core/errors.ts';
import { count, emptyLedger, type Ledger } from '../core/ledger.ts';
import { ParquetOutput } from '../io/parquet-write.ts';
import { planRead } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { BatchCells } from './batch-cells.ts';
import { stratumBy } from './classify-stratum.ts';
import type { OutputFile } from './unit-report.ts';

/** `default`, and years with a bound of their own. */
export type BoundsByYear = Readonly<Record<string, number>>;

export interface KeepByYear {
  /** Parquet files with the column `signal`. */
  files: readonly string[];
  signal: string;
  bounds: BoundsByYear;
  reason: string;
  /** The folder to write to, one file for each that keeps a document, with the same name. What lies there is removed first. */
  out: string;
  stop?: AbortSignal | undefined;
}

/** Answers the ledger and the files written; their paths are names in `out`. */
export async function keepByYear(task: KeepByYear): Promise<{ ledger: Ledger; outputs: OutputFile[] }> {
  const ledger = emptyLedger();
  const outputs: OutputFile[] = [];
  await rm(task.out, { recursive: true, force: true });
  await mkdir(task.out, { recursive: true });
  for (const file of task.files) {
    const { units } = await planRead([{ path: file, format: 'parquet' }], { requireText: true });
    const path = join(task.out, basename(file));
    let output: ParquetOutput | undefined;
    try {
      for (const unit of units) {
        for await (const item of readUnit(unit)) {
          if (task.stop?.aborted === true) throw new InterruptedError();
          if (item.kind === 'failed') {
            ledger.in += item.count;
            count(ledger.failed, item.reason, item.count);
            continue;
          }
          const rows = rowsToKeep(item.batch, task, ledger);
          if (rows.length === 0) continue;
          const kept = gatherRows(item.batch.records, rows);
          output ??= new ParquetOutput(path, kept.schema);
          await output.write(kept);
        }
      }
      if (output !== undefined) outputs.push({ path: basename(file), ...(await output.finish()) });
    } catch (error) {
      await output?.abort();
      throw error;
    }
  }
  return { ledger, outputs };
}

function rowsToKeep({ records, origin }: DocumentBatch, task: KeepByYear, ledger: Ledger): number[] {
  const scores = columnData(records, task.signal);
  const cells = new BatchCells(records);
  const yearOf = stratumBy('year');
  const rows: number[] = [];
  for (let row = 0; row < records.numRows; row++) {
    cells.row = row;
    const year = yearOf({ read: cells.read, url: null, source: '', file: origin.file });
    const bound = task.bounds[year] ?? task.bounds.default!;
    ledger.in++;
    if (scores.getValid(row) && (scores.values as Float64Array)[row]! >= bound) {
      ledger.kept++;
      rows.push(row);
    } else count(ledger.dropped, task.reason);
  }
  return rows;
}
