/**
 * Reads a whole Parquet file through our reader, for comparisons.
 */
import type { RecordBatch } from 'apache-arrow';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { columnValues } from '../core/arrow-values.ts';

export interface WholeFile {
  batches: RecordBatch[];
  problems: string[];
  failedRows: number;
  schema: string;
}

export async function readWhole(path: string, batchBytes?: number): Promise<WholeFile> {
  const file = await openParquet(path);
  const whole: WholeFile = { batches: [], problems: [], failedRows: 0, schema: String(file.schema) };
  try {
    const options = batchBytes === undefined ? {} : { batchBytes };
    for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length], options)) {
      if (item.kind === 'batch') whole.batches.push(item.records);
      else {
        whole.problems.push(item.problem);
        whole.failedRows += item.rows;
      }
    }
  } finally {
    await file.handle.close();
  }
  return whole;
}

/** All values of all columns, by name. */
export function tableValues(batches: readonly RecordBatch[]): Record<string, unknown[]> {
  const table: Record<string, unknown[]> = {};
  for (const records of batches) {
    for (const [i, field] of records.schema.fields.entries()) {
      table[field.name] = (table[field.name] ?? []).concat(columnValues(records.data.children[i]!));
    }
  }
  return table;
}
