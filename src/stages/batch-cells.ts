/** Cells of an Arrow batch as JavaScript values, for what turns records into texts by a card's columns. */
import type { RecordBatch } from 'apache-arrow';
import { stringAt } from '../core/batch.ts';

/** Reads single cells of one batch by column name; text columns without going through Arrow's row objects. */
export class BatchCells {
  row = 0;
  private readonly readers = new Map<string, (row: number) => unknown>();
  private readonly batch: RecordBatch;

  constructor(batch: RecordBatch) {
    this.batch = batch;
  }

  readonly read = (column: string): unknown => {
    let reader = this.readers.get(column);
    if (reader === undefined) {
      reader = this.readerOf(column);
      this.readers.set(column, reader);
    }
    return reader(this.row);
  };

  private readerOf(column: string): (row: number) => unknown {
    const field = this.batch.schema.fields.find((f) => f.name === column);
    if (field === undefined) return () => undefined;
    const type = String(field.type);
    if (type === 'Utf8' || type === 'LargeUtf8') return (row) => stringAt(this.batch, column, row);
    const vector = this.batch.getChild(column)!;
    return (row) => vector.get(row) as unknown;
  }
}
