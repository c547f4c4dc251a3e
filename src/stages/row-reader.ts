/**
 * Single rows of Parquet files, by row number, for somebody who pages through them: the next row is at hand, an earlier one of the same
 * batch too; any other costs its row group up to the row. Memory: one batch of about 4 MB (or one row, if that is larger).
 */
import type { RecordBatch } from 'apache-arrow';
import { InputError } from '../core/errors.ts';
import { openParquet, type ParquetFile, rowsOf } from '../io/parquet-footer.ts';
import { type ParquetItem, readRowGroups } from '../io/parquet-read.ts';

const batchBytes = 4 * 1024 * 1024;

export class RowReader {
  /** Rows of all files together. */
  readonly rows: number;
  private readonly files: readonly { file: ParquetFile; first: number; rows: number }[];
  private readonly only: readonly string[] | undefined;
  private open: { items: AsyncGenerator<ParquetItem>; end: number } | undefined;
  private batch: { records: RecordBatch; first: number } | undefined;

  private constructor(files: readonly ParquetFile[], only: readonly string[] | undefined) {
    let first = 0;
    this.files = files.map((file) => {
      const rows = file.metadata.row_groups.reduce((sum, group) => sum + rowsOf(group), 0);
      const placed = { file, first, rows };
      first += rows;
      return placed;
    });
    this.rows = first;
    this.only = only;
  }

  /** `only`: columns to read, all by default; those that a file does not have are left out. */
  static async of(paths: readonly string[], only?: readonly string[]): Promise<RowReader> {
    const files: ParquetFile[] = [];
    for (const path of paths) files.push(await openParquet(path));
    return new RowReader(files, only);
  }

  /** The batch that holds the row, and its place in it. */
  async at(row: number): Promise<{ records: RecordBatch; row: number }> {
    const before = this.batch === undefined || row < this.batch.first;
    if (this.open === undefined || before || row >= this.open.end) await this.seek(row);
    while (this.batch === undefined || row >= this.batch.first + this.batch.records.numRows)
      await this.next();
    return { records: this.batch.records, row: row - this.batch.first };
  }

  async close(): Promise<void> {
    await this.open?.items.return(undefined);
    for (const { file } of this.files) await file.handle.close();
  }

  /** Begins the row group that holds `row`. */
  private async seek(row: number): Promise<void> {
    await this.open?.items.return(undefined);
    this.open = undefined;
    this.batch = undefined;
    const placed = this.files.find(({ first, rows }) => row >= first && row < first + rows);
    if (placed === undefined) throw new RangeError(`row ${row} of ${this.rows}`);
    let first = placed.first;
    for (const [group, meta] of placed.file.metadata.row_groups.entries()) {
      const end = first + rowsOf(meta);
      if (row < end) {
        const items = readRowGroups(placed.file, [group, group + 1], {
          batchBytes,
          ...(this.only === undefined ? {} : { only: this.only }),
        });
        this.open = { items, end };
        this.batch = undefined;
        this.nextFirst = first;
        return;
      }
      first = end;
    }
  }

  /** Number of the first row that the generator has not handed out. */
  private nextFirst = 0;

  private async next(): Promise<void> {
    const item = await this.open?.items.next();
    if (item === undefined || item.done === true) throw new RangeError('a row group ended early');
    if (item.value.kind === 'failed') {
      const { problem, rowGroup } = item.value;
      this.open = undefined;
      throw new InputError(this.files[0]?.file.path ?? '', problem, { place: `row group ${rowGroup}` });
    }
    const { records } = item.value;
    this.batch = { records, first: this.nextFirst };
    this.nextFirst += records.numRows;
  }
}
