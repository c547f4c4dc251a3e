/**
 * The schema of a data card: a Markdown file whose YAML front matter has the keys of a Hugging Face data set card, and under
 * `midtrain` what a mixture needs to know: where the data is, its columns, role and template, how much there is, what is known of
 * contamination. A card describes data; it never fetches any.
 */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { parseConfig } from './config.ts';
import { InputError, messageOf } from './errors.ts';
import { evidenceTags } from './evidence.ts';
import { amountSchema, evidenced } from './evidenced.ts';

/** What a source is for in a mixture. The paper's QA share counts `qa` and `long-cot` together. */
export const roles = ['web', 'qa', 'long-cot', 'instruction', 'code', 'general'] as const;
export type Role = (typeof roles)[number];

/** What a card may describe: a source of a mixture, or a benchmark, which is compared with and evaluated on, never trained on. */
export const cardRoles = [...roles, 'benchmark'] as const;

/** Published sets of benchmarks: who checked or evaluated on a benchmark. (recipe.md 4.6, 6.1 step 9, 6.2 step 6) */
export const benchmarkSuites = ['megamath', 'finemath', 'octothinker'] as const;

/** How the fields of a record become one text; see src/tokens/templates.ts. */
export const templateNames = ['text', 'question-answer', 'question-think', 'user-assistant'] as const;
export type TemplateName = (typeof templateNames)[number];

function isRegex(pattern: string): boolean {
  try {
    new RegExp(pattern, 'gu');
    return true;
  } catch {
    return false;
  }
}

/** The slots a template needs; `user-assistant` takes messages or else question and answer. */
export const templateSlots: Record<TemplateName, readonly ('text' | 'question' | 'reasoning' | 'answer')[]> =
  {
    text: ['text'],
    'question-answer': ['question', 'answer'],
    'question-think': ['question', 'reasoning'],
    'user-assistant': ['question', 'answer'],
  };

/** A column; several columns joined by a line break; or a part of a column. */
const slotSchema = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1),
  z.strictObject({
    column: z.string().min(1),
    /** Which element, of a column that holds lists (0 is the first). */
    item: z.int().min(0).optional(),
    /** Only what stands between these two marks: the content of `<think>` ... `</think>`. */
    between: z.tuple([z.string().min(1), z.string().min(1)]).optional(),
    /** Only what stands after this mark. */
    after: z.string().min(1).optional(),
    /** A regular expression whose matches are taken out. */
    remove: z.string().min(1).refine(isRegex, 'is not a regular expression').optional(),
  }),
]);
export type Slot = z.output<typeof slotSchema>;

/** Which columns fill the template; `id` and `url` go into the provenance. */
export const columnsSchema = z.strictObject({
  id: z.string().optional(),
  url: z.string().optional(),
  text: slotSchema.optional(),
  question: slotSchema.optional(),
  reasoning: slotSchema.optional(),
  answer: slotSchema.optional(),
  /** A list of { role, content }. */
  messages: z.string().optional(),
});
export type Columns = z.output<typeof columnsSchema>;

export const formats = ['auto', 'parquet', 'jsonl', 'json'] as const;

/** Records made by this project's own seeded generator instead of read from files. */
export const generatorSchema = z.strictObject({
  generator: z.literal('arithmetic'),
  kind: z.enum(['qa', 'long-cot', 'instruction']),
  count: amountSchema,
  seed: z.int().default(0),
  /** Settings of mixtures/arithmetic.ts; its own defaults where left out. */
  terms: z.int().optional(),
  largest: z.int().optional(),
  corpus: z.enum(['reasoned', 'answer-first']).optional(),
  workedShare: z.number().min(0).max(1).optional(),
});
export type GeneratedData = z.output<typeof generatorSchema>;

const sizeSchema = z.strictObject({
  documents: evidenced(amountSchema).optional(),
  tokens: evidenced(amountSchema).optional(),
  /** The tokenizer that `tokens` was counted with; the same text has other counts under others. */
  tokenizer: z.string().optional(),
});

const projectSchema = z.strictObject({
  role: z.enum(cardRoles),
  /** Where the data is: a Hub repository (told to people, never fetched), files beside the card, or a generator. */
  data: z.union([
    z.strictObject({
      hub: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be owner/name'),
      config: z.string().optional(),
      revision: z.string().optional(),
      folder: z.string().optional(),
      split: z.string().optional(),
    }),
    z.strictObject({ path: z.union([z.string(), z.array(z.string()).min(1)]) }),
    generatorSchema,
  ]),
  format: z.enum(formats).default('auto'),
  columns: columnsSchema.default({}),
  template: z.enum(templateNames),
  templateEvidence: z.enum(evidenceTags).default('own'),
  size: sizeSchema.default({}),
  /** Benchmarks checked against and how; known overlaps. */
  contamination: z.string(),
  licenseEvidence: z.enum(evidenceTags).default('own'),
  /** Of a benchmark: which published sets it belongs to. */
  suites: z.array(z.enum(benchmarkSuites)).optional(),
  /** What could not be found out. */
  unconfirmed: z.array(z.string()).default([]),
});

/** Hugging Face's keys are open-ended; ours are not. */
export const cardSchema = z.looseObject({
  license: z.string(),
  pretty_name: z.string(),
  language: z.array(z.string()).optional(),
  size_categories: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  midtrain: projectSchema,
});

export interface DataCard {
  /** The file's name without `.md`. */
  name: string;
  file: string;
  license: string;
  prettyName: string;
  project: z.output<typeof projectSchema>;
  /** The Markdown below the front matter. */
  body: string;
}

/** Reads a card's text. `file` is for messages and for paths relative to the card. */
export function parseCard(text: string, file: string, name: string): DataCard {
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?([\s\S]*)$/.exec(text);
  if (match === null) {
    throw new InputError(file, 'has no YAML front matter', {
      hint: 'a data card begins with a block between two lines of ---',
    });
  }
  let value: unknown;
  try {
    value = parseYaml(match[1]!);
  } catch (error) {
    throw new InputError(file, `front matter is not YAML: ${messageOf(error)}`, { cause: error });
  }
  const front = parseConfig(cardSchema, value, file);
  if (front.midtrain.suites !== undefined && front.midtrain.role !== 'benchmark') {
    throw new InputError(file, 'suites is a key of benchmarks', {
      place: 'midtrain.suites',
      hint: 'take it out, or write role: benchmark',
    });
  }
  return {
    name,
    file,
    license: front.license,
    prettyName: front.pretty_name,
    project: front.midtrain,
    body: match[2]!,
  };
}

/** True for a card that describes a benchmark. */
export function isBenchmark(card: DataCard): boolean {
  return card.project.role === 'benchmark';
}
