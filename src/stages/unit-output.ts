/**
 * The output of one unit: a Parquet file that is opened when the first row comes and appears under its name only when whole.
 *
 * A unit without rows writes no file. Should the columns change in the middle of a unit, the file is closed and a next part is
 * begun, so no column is lost or bent to another type.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { ParquetOutput, type ParquetOutputOptions } from '../io/parquet-write.ts';
import type { OutputFile } from './unit-report.ts';

export class UnitOutput {
  private readonly folder: string;
  private readonly stem: string;
  private readonly options: ParquetOutputOptions;
  private readonly done: OutputFile[] = [];
  private open: { output: ParquetOutput; path: string; schema: string } | undefined;
  /** Rows written so far, over all parts. */
  rows = 0;

  /** `stem` is the path of the file in `folder` without `.parquet`. */
  constructor(folder: string, stem: string, options: ParquetOutputOptions) {
    this.folder = folder;
    this.stem = stem;
    this.options = options;
  }

  async write(records: RecordBatch): Promise<void> {
    if (records.numRows === 0) return;
    const schema = describe(records.schema);
    if (this.open !== undefined && this.open.schema !== schema) await this.closePart();
    if (this.open === undefined) {
      const part = this.done.length === 0 ? '' : `.part${this.done.length + 1}`;
      const path = `${this.stem}${part}.parquet`;
      const output = new ParquetOutput(join(this.folder, path), records.schema, this.options);
      this.open = { output, path, schema };
    }
    await this.open.output.write(records);
    this.rows += records.numRows;
  }

  async finish(): Promise<OutputFile[]> {
    await this.closePart();
    return this.done;
  }

  /** Leaves nothing behind, finished parts included. */
  async abort(): Promise<void> {
    await this.open?.output.abort();
    this.open = undefined;
    for (const { path } of this.done) await rm(join(this.folder, path), { force: true });
  }

  private async closePart(): Promise<void> {
    if (this.open === undefined) return;
    const { output, path } = this.open;
    const { rows, bytes, sha256 } = await output.finish();
    this.open = undefined;
    this.done.push({ path, rows, bytes, sha256 });
  }
}

function describe(schema: Schema): string {
  return schema.fields.map((field) => `${field.name}:${field.type}:${field.nullable}`).join('\n');
}
