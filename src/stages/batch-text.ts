/**
 * The text of each document in a batch, and the batch's columns as they are written. Text is extracted from the `html` column
 * where there is no `text` column; an input that has both is taken at its text.
 */
import { DataType, type RecordBatch } from 'apache-arrow';
import { columnData, type DocumentBatch, hasColumn, selectColumns, stringAt } from '../core/batch.ts';
import { UserError } from '../core/errors.ts';
import type { htmlToText } from '../extract/html-to-text.ts';

export class BatchText {
  readonly batch: DocumentBatch;
  /** Whether texts come out of pages, so that the text column is new. */
  readonly extracts: boolean;
  private readonly titles: (string | null)[] = [];
  private readonly keepHtml: boolean;
  private readonly extract: typeof htmlToText | undefined;

  private constructor(batch: DocumentBatch, keepHtml: boolean, extract: typeof htmlToText | undefined) {
    this.batch = batch;
    this.extract = extract;
    this.extracts = extract !== undefined;
    this.keepHtml = keepHtml;
  }

  /** `keepHtml` null: a page read from an HTML file goes, a column of a table stays. */
  static async of(batch: DocumentBatch, keepHtml: boolean | null, format: string): Promise<BatchText> {
    const extracts = hasColumn(batch.records, 'html') && !hasColumn(batch.records, 'text');
    // The extractor and its parser load only in jobs that have pages.
    const extract = extracts ? (await import('../extract/html-to-text.ts')).htmlToText : undefined;
    return new BatchText(batch, keepHtml ?? (format !== 'html' && format !== 'warc'), extract);
  }

  /** The text of a document; throws when its page cannot be extracted. Null text reads as empty. */
  textAt(row: number): string {
    if (this.extract === undefined) return stringAt(this.batch.records, 'text', row) ?? '';
    const html = stringAt(this.batch.records, 'html', row);
    if (html === null) return '';
    const url = this.urlAt(row);
    const { text, title } = this.extract(html, url === null ? {} : { url });
    this.titles[row] = title ?? null;
    return text;
  }

  /** The title of a page whose text was extracted. */
  titleAt(row: number): string | null {
    return this.titles[row] ?? null;
  }

  idAt(row: number): string {
    return (
      stringAt(this.batch.records, 'id', row) ??
      `${this.batch.origin.file}#${this.batch.origin.firstRow + row}`
    );
  }

  urlAt(row: number): string | null {
    return hasColumn(this.batch.records, 'url') ? stringAt(this.batch.records, 'url', row) : null;
  }

  /** A number of the input; NaN for null. Throws a `UserError` when there is no such column or it holds no numbers. */
  numberAt(column: string, row: number): number {
    const data = columnData(this.batch.records, column);
    if (!DataType.isInt(data.type) && !DataType.isFloat(data.type)) {
      throw new UserError(`column "${column}" holds ${data.type}, not numbers`, {
        hint: 'name a numeric column of the input as model: column:<name>',
      });
    }
    return data.getValid(row) ? Number((data.values as ArrayLike<number | bigint>)[row]) : Number.NaN;
  }

  /** The batch with the columns that are written: without the pages unless they are kept. */
  columns(): RecordBatch {
    const { records } = this.batch;
    if (!this.extracts || this.keepHtml) return records;
    return selectColumns(
      records,
      records.schema.fields.map((field) => field.name).filter((name) => name !== 'html'),
    );
  }
}
