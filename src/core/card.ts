/**
 * The schema of a data card: a Markdown file whose YAML front matter has the keys of a Hugging Face data set card, and under
 * `midtrain` what a mixture needs to know: where the data is, its columns, role and template, how much there is, what is known of
 * contamination. A card describes data; it never fetches any.
 */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { parseConfig } from './config.ts';
import { InputError, messageOf } from './errors.ts';
import { evaluationSchema } from './evaluation.ts';
import { evidenceTags } from './evidence.ts';
import { amountSchema, evidenced } from './evidenced.ts';
import type { LicensedSource } from './licences.ts';
import { columnsSchema, whereSchema } from './slots.ts';

export { type Columns, columnsSchema, type Slot, type Where, whereSchema } from './slots.ts';

/** What a source is for in a mixture. The paper's QA share counts `qa` and `long-cot` together. */
export const roles = ['web', 'qa', 'long-cot', 'instruction', 'code', 'general'] as const;
export type Role = (typeof roles)[number];

/** What a card may describe: a source of a mixture, or a benchmark, which is compared with and evaluated on, never trained on. */
export const cardRoles = [...roles, 'benchmark'] as const;

/** Published sets of benchmarks: who checked or evaluated on a benchmark. (recipe.md 4.6, 6.1 step 9, 6.2 step 6) */
export const benchmarkSuites = ['megamath', 'finemath', 'octothinker'] as const;

/** How the fields of a record become one text; see src/tokens/templates.ts. */
export const templateNames = ['text', 'question-answer', 'question-think', 'user-assistant', 'chat'] as const;
export type TemplateName = (typeof templateNames)[number];

/** The slots a template needs; `user-assistant` and `chat` take messages or else question and answer. */
export const templateSlots: Record<TemplateName, readonly ('text' | 'question' | 'reasoning' | 'answer')[]> =
  {
    text: ['text'],
    'question-answer': ['question', 'answer'],
    'question-think': ['question', 'reasoning'],
    'user-assistant': ['question', 'answer'],
    chat: ['question', 'answer'],
  };

export const formats = ['auto', 'parquet', 'jsonl', 'json'] as const;

const generatedShare = z.number().min(0).max(1).optional();

/** Records made by this project's own seeded generators instead of read from files; defaults of settings that are left out are the generators' own. */
export const generatorSchema = z.discriminatedUnion('generator', [
  /** mixtures/arithmetic.ts, the world of the demo. */
  z.strictObject({
    generator: z.literal('arithmetic'),
    kind: z.enum(['qa', 'long-cot', 'instruction']),
    count: amountSchema,
    seed: z.int().default(0),
    terms: z.int().optional(),
    largest: z.int().optional(),
    corpus: z.enum(['reasoned', 'answer-first']).optional(),
    workedShare: generatedShare,
  }),
  /** mixtures/mini-math.ts, the world of the built-in experiments. */
  z.strictObject({
    generator: z.literal('mini-math'),
    kind: z.enum(['pages', 'qa', 'long-cot', 'instruction', 'general']),
    count: amountSchema,
    seed: z.int().default(0),
    levels: z.array(z.int()).optional(),
    style: z.enum(['reasoned', 'answer-first', 'mixed']).optional(),
    reasonedShare: generatedShare,
    forumShare: generatedShare,
    worked: generatedShare,
    chain: z.enum(['lines', 'run-on']).optional(),
    checks: generatedShare,
    mistakes: generatedShare,
  }),
]);
export type GeneratedData = z.output<typeof generatorSchema>;

const countSchema = z.strictObject({
  value: amountSchema,
  evidence: z.enum(evidenceTags),
  note: z.string().optional(),
  /** Who counted: a Hub name. Left out where nobody says. */
  tokenizer: z.string().optional(),
});
/** Tokens of the whole source, under the tokenizer that counted them. */
export type TokenCount = z.output<typeof countSchema>;

/**
 * How much there is. `tokens` is one count, or several under different tokenizers; the same text has other counts under others.
 * Read it through `tokenCountOf`, which knows which of them to prefer.
 */
const sizeSchema = z
  .strictObject({
    documents: evidenced(amountSchema).optional(),
    tokens: z.union([z.array(countSchema).min(1), evidenced(amountSchema)]).optional(),
    /** The tokenizer of a single count. */
    tokenizer: z.string().optional(),
  })
  .refine((size) => !(Array.isArray(size.tokens) && size.tokenizer !== undefined), {
    path: ['tokenizer'],
    error: 'belongs beside each count, since there are several',
  })
  .transform(({ documents, tokens, tokenizer }) => {
    const counts: TokenCount[] =
      tokens === undefined
        ? []
        : Array.isArray(tokens)
          ? tokens
          : [{ ...tokens, ...(tokenizer === undefined ? {} : { tokenizer }) }];
    return { documents, tokens: counts[0], counts };
  });
export type CardSize = z.output<typeof sizeSchema>;

/** The count under `tokenizer` where the card has one, else its first; undefined where nobody counted. */
export function tokenCountOf(size: CardSize, tokenizer?: string): TokenCount | undefined {
  return (
    size.counts.find((count) => count.tokenizer !== undefined && count.tokenizer === tokenizer) ??
    size.counts[0]
  );
}

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
      /** Which files, where folder and split do not tell: a pattern such as `data/train-*`. */
      files: z.string().optional(),
    }),
    z.strictObject({ path: z.union([z.string(), z.array(z.string()).min(1)]) }),
    generatorSchema,
  ]),
  format: z.enum(formats).default('auto'),
  columns: columnsSchema.default({}),
  /** Which records are taken; all of them where it is left out. */
  where: whereSchema.optional(),
  whereEvidence: z.enum(evidenceTags).default('own'),
  template: z.enum(templateNames),
  templateEvidence: z.enum(evidenceTags).default('own'),
  size: sizeSchema.prefault({}),
  /** Benchmarks checked against and how; known overlaps. */
  contamination: z.string(),
  licenseEvidence: z.enum(evidenceTags).default('own'),
  /** Models that wrote the text, or part of it: their licences may bind whoever trains on it. */
  generatedBy: z
    .array(
      z.strictObject({
        model: z.string(),
        license: z.string().default('unknown'),
        evidence: z.enum(evidenceTags).default('own'),
      }),
    )
    .default([]),
  /** The Hub gives the files only to those who accept conditions. */
  gated: z.boolean().default(false),
  /** Of a benchmark: which published sets it belongs to. */
  suites: z.array(z.enum(benchmarkSuites)).optional(),
  /** Of a benchmark: how `midtrain eval` asks and grades it. */
  evaluation: evaluationSchema.optional(),
  /** What could not be found out. */
  unconfirmed: z.array(z.string()).default([]),
});

/** Hugging Face's keys are open-ended; ours are not. */
export const cardSchema = z.looseObject({
  license: z.string(),
  /** Of `license: other`: what it is called. */
  license_name: z.string().optional(),
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
  licenseName: string | undefined;
  languages: string[] | undefined;
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
  if (front.midtrain.evaluation !== undefined && front.midtrain.role !== 'benchmark') {
    throw new InputError(file, 'evaluation is a key of benchmarks', {
      place: 'midtrain.evaluation',
      hint: 'take it out, or write role: benchmark',
    });
  }
  return {
    name,
    file,
    license: front.license,
    licenseName: front.license_name,
    languages: front.language,
    prettyName: front.pretty_name,
    project: front.midtrain,
    body: match[2]!,
  };
}

/** True for a card that describes a benchmark. */
export function isBenchmark(card: DataCard): boolean {
  return card.project.role === 'benchmark';
}

/** A card as `licenceWarnings` reads it; `name` is what to call it in a message. */
export function licensedSource(card: DataCard, name = card.name): LicensedSource {
  const { generatedBy, gated } = card.project;
  return { name, license: card.license, licenseName: card.licenseName, generatedBy, gated };
}
