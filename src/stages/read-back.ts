/** Reads back a Parquet file that a run wrote: anything unreadable in it is an error, not a failed document. */
import type { RecordBatch } from 'apache-arrow';
import { openParquet } from '../io/parquet-footer.ts';
import { readRowGroups } from '../io/parquet-read.ts';

export interface StoredBatch {
  records: RecordBatch;
  /** Number of row 0 in the file. */
  first: number;
}

/** All batches in order. `broken`: the error for a damaged row group. `only`: the columns to read. */
export async function* readBack(
  path: string,
  broken: (path: string, rowGroup: number, problem: string) => Error,
  only?: readonly string[],
): AsyncGenerator<StoredBatch> {
  const file = await openParquet(path);
  try {
    const options = only === undefined ? {} : { only };
    for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length], options)) {
      if (item.kind === 'failed') throw broken(path, item.rowGroup, item.problem);
      yield { records: item.records, first: item.firstRow };
    }
  } finally {
    await file.handle.close();
  }
}
