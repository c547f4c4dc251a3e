/** How an input is written in a pipeline file: a path or glob, and what the columns are called there. */
import { z } from 'zod';

export const inputSpecSchema = z.strictObject({
  /** A file, a folder, or a glob. */
  path: z.string().min(1),
  format: z.enum(['auto', 'parquet', 'jsonl', 'html', 'text']).optional(),
  /** Column names of the input for what midtrain calls text, html, id, url, date. */
  columns: z
    .strictObject({
      text: z.string().optional(),
      html: z.string().optional(),
      id: z.string().optional(),
      url: z.string().optional(),
    })
    .optional(),
  /** Value of the `source` column; by default the file or folder name. */
  source: z.string().optional(),
});
