/** One numeric column of a unit's `signals/` files, in document order; NaN for null. */
import { columnData } from '../core/batch.ts';
import { UserError } from '../core/errors.ts';
import { openParquet } from '../io/parquet-footer.ts';
import { readRowGroups } from '../io/parquet-read.ts';

export async function readSignalValues(paths: readonly string[], signal: string): Promise<Float64Array> {
  const parts: Float64Array[] = [];
  for (const path of paths) {
    const file = await openParquet(path);
    try {
      for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length], {
        only: [signal],
      })) {
        if (item.kind === 'failed') {
          throw new UserError(`${path}: row group ${item.rowGroup} cannot be read back: ${item.problem}`, {
            hint: 'the disk may be failing; run again with --fresh or another --out',
          });
        }
        const data = columnData(item.records, signal);
        const values = Float64Array.from(data.values as Float64Array);
        if (data.nullCount > 0) {
          for (let row = 0; row < values.length; row++) if (!data.getValid(row)) values[row] = Number.NaN;
        }
        parts.push(values);
      }
    } finally {
      await file.handle.close();
    }
  }
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
