/** How an input is written in a pipeline file: a path, and what the columns are called there. */
import { z } from 'zod';
import type { InputSpec } from '../io/read-plan.ts';

export const inputSpecSchema = z.strictObject({
  /** A file, a folder, a glob (`data/*.parquet`) or `hf://datasets/<owner>/<name>/<path or glob>`. */
  path: z.string().min(1),
  format: z
    .enum(['auto', 'parquet', 'arrow', 'jsonl', 'json', 'html', 'text', 'warc', 'wet'])
    .default('auto'),
  /** Column names of the input for what midtrain calls text, html, id, url, date. */
  columns: z
    .strictObject({
      text: z.string().optional(),
      html: z.string().optional(),
      id: z.string().optional(),
      url: z.string().optional(),
      date: z.string().optional(),
    })
    .prefault({}),
  /** Value of the `source` column; by default the file or folder name, or the input's own column. */
  source: z.string().optional(),
});

/** The input as the reader takes it: keys that are not set are absent. */
export function readerInput(spec: z.output<typeof inputSpecSchema>): InputSpec {
  const { path, format, source, columns } = spec;
  const mapped = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { path, format, columns: Object.fromEntries(mapped), ...(source === undefined ? {} : { source }) };
}
