/**
 * Flat float64 columns of a Parquet file straight into `Float64Array`s, page by page: for decisions over millions of rows of signals.
 *
 * `readRowGroups` (parquet-read.ts) cuts batches by bytes and makes Arrow columns with bitmaps; numbers need neither, which makes this twice
 * as fast. The pages and their checks are the same (parquet-chunk.ts). Gives up: any other type, and nested columns.
 */
import { InputError, messageOf } from '../core/errors.ts';
import { readPages } from './parquet-chunk.ts';
import { openParquet, type ParquetFile, rowsOf } from './parquet-footer.ts';
import type { Page } from './parquet-page.ts';
import { leavesOf } from './parquet-schema.ts';

export interface DoubleColumns {
  rows: number;
  /** In the order of the names asked for; NaN where the value is not a number or null. */
  values: Float64Array[];
  /** 1 where the value is null; undefined for a column without nulls. */
  missing: (Uint8Array | undefined)[];
}

/** Columns `names` of row groups `[first, end)`. Throws an `InputError` for a column that is not there or no flat float64, and on damage. */
export async function readDoubles(
  path: string,
  [first, end]: readonly [number, number],
  names: readonly string[],
): Promise<DoubleColumns> {
  const file = await openParquet(path);
  try {
    const groups = file.metadata.row_groups.slice(first, end);
    const rows = groups.reduce((sum, group) => sum + rowsOf(group), 0);
    const columns: DoubleColumns = {
      rows,
      values: names.map(() => new Float64Array(rows)),
      missing: names.map(() => undefined),
    };
    for (const [i, name] of names.entries()) {
      const leaf = leafOf(file, name);
      let at = 0;
      for (const [g, group] of groups.entries()) {
        try {
          at = await readChunk(file, leaf, group, columns, i, at);
        } catch (error) {
          throw new InputError(path, messageOf(error), {
            place: `column "${name}" of row group ${first + g}`,
            cause: error,
          });
        }
      }
    }
    return columns;
  } finally {
    await file.handle.close();
  }
}

interface DoubleLeaf {
  /** Place among the leaf columns of the file. */
  at: number;
  /** 1 for a column that may hold nulls. */
  definition: number;
}

function leafOf(file: ParquetFile, name: string): DoubleLeaf {
  const leaves = file.columns.flatMap(leavesOf);
  const at = leaves.findIndex((leaf) => leaf.path.length === 1 && leaf.path[0] === name);
  const leaf = leaves[at];
  if (leaf === undefined) throw new InputError(file.path, `there is no column "${name}"`);
  if (leaf.element.type !== 'DOUBLE' || leaf.repetition > 0 || leaf.definition > 1) {
    throw new InputError(file.path, `the column "${name}" holds ${leaf.field.type}, not numbers`);
  }
  return { at, definition: leaf.definition };
}

type RowGroup = ParquetFile['metadata']['row_groups'][number];

/** Reads one column chunk into rows from `at` on; returns the row behind its last. */
async function readChunk(
  file: ParquetFile,
  leaf: DoubleLeaf,
  group: RowGroup,
  { values, missing, rows }: DoubleColumns,
  column: number,
  at: number,
): Promise<number> {
  const meta = group.columns[leaf.at]!.meta_data!;
  const end = at + rowsOf(group);
  const context = {
    type: meta.type,
    typeLength: undefined,
    codec: meta.codec,
    maxDefinition: leaf.definition,
    maxRepetition: 0,
  };
  for await (const page of readPages({ handle: file.handle, fileBytes: file.fileBytes }, meta, context)) {
    if (at + page.levels > end) throw new Error('the column has more rows than the row group declares');
    if (copyPage(page, values[column]!, at) > 0)
      markNulls(page, values[column]!, (missing[column] ??= new Uint8Array(rows)), at);
    at += page.levels;
  }
  if (at !== end) throw new Error(`the column ends ${end - at} rows early`);
  return at;
}

/** Copies the values of a page; answers how many of its rows are null, which `markNulls` then spreads out. */
function copyPage({ levels, values }: Page, target: Float64Array, at: number): number {
  if (values.kind !== 'fixed' || !(values.array instanceof Float64Array))
    throw new Error('a page does not hold float64');
  target.set(values.array.subarray(0, levels), at);
  return levels - values.array.length;
}

/** Moves the values of a page with nulls to their rows, from the last to the first. */
function markNulls(
  { levels, definition, values }: Page,
  target: Float64Array,
  missing: Uint8Array,
  at: number,
): void {
  const array = (values as { array: Float64Array }).array;
  let next = array.length;
  for (let row = levels - 1; row >= 0; row--) {
    if (definition === undefined || definition[row] === 1) target[at + row] = array[--next]!;
    else {
      target[at + row] = Number.NaN;
      missing[at + row] = 1;
    }
  }
}
