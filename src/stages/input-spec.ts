/** How an input is written in a pipeline file: a path or a data card, and what the columns are called there. */
import { z } from 'zod';
import { loadCard } from '../../mixtures/load.ts';
import { inputsOfCard } from '../io/card-input.ts';
import type { InputSpec } from '../io/read-plan.ts';

export const inputSpecSchema = z
  .strictObject({
    /** A file, a folder, a glob (`data/*.parquet`) or `hf://datasets/<owner>/<name>/<path or glob>`. */
    path: z.string().min(1).optional(),
    /** A data card: its columns hold for `path`; without a path its data is read from where the card says. */
    card: z.string().min(1).optional(),
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
  })
  .refine(({ path, card }) => path !== undefined || card !== undefined, {
    message: 'an input needs a path or a card',
  });

/** The inputs as the reader takes them: keys that are not set are absent. `folder`: where a card's path starts. */
export function readerInputs(spec: z.output<typeof inputSpecSchema>, folder: string): InputSpec[] {
  const { path, card, format, source, columns } = spec;
  const mapped = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const own: Partial<InputSpec> = {
    ...(path === undefined ? {} : { path }),
    ...(source === undefined ? {} : { source }),
    columns: Object.fromEntries(mapped),
  };
  if (card === undefined) return [{ ...own, path: path!, format }];
  return inputsOfCard(loadCard(card, folder), { ...own, ...(format === 'auto' ? {} : { format }) });
}

/** An input in words, for messages. */
export function describeInput({ path, card }: z.output<typeof inputSpecSchema>): string {
  return path ?? `the data card ${card}`;
}
