/**
 * The pipeline file of `midtrain filter`: its schema. What a checked file means for the stages is in resolve-filter.ts, where it is
 * found in load-pipeline.ts.
 *
 * The order of the steps is fixed, and a step that the file does not name is left out: read, extract HTML, measure signals (cheap ones of
 * every document, those behind a gate of documents that pass the rules so far), decide by thresholds, drop duplicates (a barrier over all
 * documents), transform the text that is kept, write.
 */
import { z } from 'zod';
import { preparations } from '../../classifiers/prepare-text.ts';
import { devices, dtypes } from '../../classifiers/regressor/encoder-settings.ts';
import { units } from '../../classifiers/scored-unit.ts';
import { thresholdsSchema } from '../filters/thresholds.ts';
import { inputSpecSchema } from './input-spec.ts';
import { transformNames } from './transform-text.ts';

const mebibyte = 1024 * 1024;
const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name has letters, digits, ".", "_" and "-"');

/** Which copy of a cluster stays: the first read, the longest text, or the one with the highest (lowest) value of a signal. */
export const prioritySchema = z.union([
  z.enum(['first', 'longest']),
  z.strictObject({ signal: z.string(), prefer: z.enum(['high', 'low']).default('high') }),
]);
export type Priority = z.output<typeof prioritySchema>;

const copies = { keep: prioritySchema.default('first') };
const minhashSchema = z.strictObject({
  step: z.literal('minhash'),
  /** Bands, rows and n-grams of a published pipeline; the keys below change them one by one. */
  preset: z.enum(['datatrove', 'fineweb', 'megamath', 'finemath']).default('datatrove'),
  /** Buckets: two documents are duplicates when all hashes of one band agree. */
  bands: z.int().min(1).max(1024).optional(),
  /** Hashes in a band. */
  rows: z.int().min(1).max(1024).optional(),
  /** Words in a shingle. */
  ngram: z.int().min(1).max(64).optional(),
  seed: z.int().min(0).max(0xffffffff).optional(),
  bits: z.union([z.literal(32), z.literal(64)]).optional(),
  hash: z.enum(['xxhash', 'sha1']).optional(),
  ...copies,
});
const dedupStepSchema = z.union([
  z.literal('minhash').transform(() => minhashSchema.parse({ step: 'minhash' })),
  z.enum(['exact', 'url']).transform((step) => ({ step, keep: 'first' as const })),
  z.strictObject({ step: z.enum(['exact', 'url']), ...copies }),
  minhashSchema,
]);

const classifierSchema = z.strictObject({
  /** The signal is `classifier.<name>`; a regressor also has `classifier.<name>.int_score`. */
  name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'a classifier name is snake_case'),
  /** Default: what the model is. Needed for `column:` only, where it is `fasttext` (one signal) if not said. */
  kind: z.enum(['fasttext', 'regressor']).optional(),
  /**
   * A model folder of `classify train`; a fastText .bin or .ftz file; a sequence classification checkpoint with one output, exported to
   * ONNX; `hf://owner/name[@revision]` of one of these; `column:<name>`: the score is in this numeric column of the input; null: no
   * model, the step is left out and the plan says so.
   */
  model: z.string().nullable().default(null),
  /** fastText files: the label whose probability is the score, without `__label__`. A model folder says its own, here and below. */
  label: z.string().min(1).optional(),
  /** fastText files: what is done to the text before (classifiers/prepare-text.ts). Default none. */
  prepare: z.enum(preparations).optional(),
  /** fastText files: what a line end becomes before scoring: a space (MegaMath; the default), or nothing (datatrove's fastText filter). */
  newline: z.enum(['space', 'remove']).optional(),
  /** fastText files: what is scored; of paragraphs or sentences the best counts. Default document. */
  unit: z.enum(units).optional(),
  /** Regressors: where the model runs. `auto`: cuda, dml or webgpu where the machine has it, else cpu. */
  device: z.enum(devices).default('auto'),
  /** Regressors: which ONNX file, in the names of transformers.js. Default fp32. */
  dtype: z.enum(dtypes).optional(),
  /** Checkpoints: tokens that are read at most. Default 512. */
  maxLength: z.int().min(8).max(8192).optional(),
  /** Checkpoints: `centre` scores the middle 20,000 characters of a longer text, as NeMo Curator does. Default head. */
  crop: z.enum(['head', 'centre']).optional(),
  /** `rules`: only documents that pass every rule so far are scored; the others have null. */
  gate: z.enum(['rules', 'none']).default('rules'),
});

const benchmarkSchema = z.strictObject({
  /** Name of a benchmark's data card. */
  card: z.string(),
  /** Its file here. */
  path: z.string(),
});

export const filterConfigSchema = z.strictObject({
  /** Names the run in reports and, by default, its folder. */
  name: nameSchema,
  /** One line for people. */
  description: z.string().optional(),
  inputs: z.array(inputSpecSchema).default([]),
  extract: z
    .strictObject({
      /** Keep the page beside the text. Unset: pages of an HTML folder go, a column of a Parquet or JSONL file stays. */
      keepHtml: z.boolean().optional(),
    })
    .prefault({}),
  /** Signal families to measure: gopher-quality, fineweb-quality, math, ... */
  signals: z.array(z.string()).min(1, 'name at least one signal family'),
  /** Whether rules about prose see formulas replaced by single words. */
  math: z.enum(['masked', 'plain']).default('plain'),
  /** With `math: masked`: also measure documents with formulas unmasked, and report what each rule would have dropped. */
  maskReport: z.boolean().default(true),
  language: z
    .strictObject({
      /** `lid.176.ftz` (fastText, comparable with FineWeb's and MegaMath's score), a path to a fastText model, or `eld`. */
      model: z.string().default('lid.176.ftz'),
      /** Languages with a signal of their own, `language.<code>`. */
      languages: z
        .array(
          z.string().regex(/^[a-z]{2,3}(_[A-Z][a-z]{3})?$/, 'a language is a code such as en or eng_Latn'),
        )
        .min(1)
        .default(['en']),
    })
    .prefault({}),
  url: z
    .strictObject({
      /**
       * A folder with lists, one entry a line: domains, urls, banned_words.txt, soft_banned_words.txt, banned_subwords.txt, in it or in one
       * folder a category below it.
       */
      lists: z.string().optional(),
    })
    .prefault({}),
  /** What the families of these names need. */
  badWords: z
    .strictObject({
      /** A file with an entry a line. */
      list: z.string(),
      /** Also inside longer words, as languages without spaces need. */
      anywhere: z.boolean().default(false),
    })
    .optional(),
  unigram: z
    .strictObject({
      /** A file of `word,count` lines. */
      counts: z.string(),
    })
    .optional(),
  regex: z.strictObject({ patterns: z.array(z.string()).min(1) }).optional(),
  classifiers: z.array(classifierSchema).default([]),
  thresholds: thresholdsSchema.prefault({}),
  /** Steps in order, or one of the words. */
  dedup: z
    .union([
      z.literal('none').transform(() => []),
      z.enum(['exact', 'url', 'minhash']).transform((step) => [dedupStepSchema.parse(step)]),
      z.array(dedupStepSchema),
    ])
    .default([]),
  decontaminate: z
    .strictObject({
      benchmarks: z.array(benchmarkSchema).default([]),
      /** Words in an n-gram. */
      ngram: z.int().min(4).max(64).default(13),
      /** `same`: every number counts as one word, as in datatrove; finds problems whose numbers were replaced, and more look-alikes. */
      numbers: z.enum(['exact', 'same']).default('exact'),
      /** `drop`: documents that share an n-gram with an item are dropped; `mark`: they are only reported. */
      action: z.enum(['drop', 'mark']).default('drop'),
    })
    .prefault({}),
  /** Changes to the text that is written, in this order. Signals are measured before them. */
  transform: z.array(z.enum(transformNames)).default([]),
  tokens: z
    .strictObject({
      /** A folder with tokenizer.json: `text.tokens` is then exact; else it is estimated as bytes / 4. */
      tokenizer: z.string().optional(),
    })
    .prefault({}),
  output: z
    .strictObject({
      /** Row groups of the output are closed at about this many bytes. */
      rowGroupBytes: z
        .int()
        .min(64 * 1024)
        .max(1024 * mebibyte)
        .default(32 * mebibyte),
      /** Write dropped documents, with reason, to `dropped/`. */
      dropped: z.boolean().default(false),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Units of work aim at this many bytes of input. */
      unitBytes: z
        .int()
        .min(1024)
        .default(64 * mebibyte),
      /** Units of HTML pages aim at this many bytes. */
      pageUnitBytes: z
        .int()
        .min(1024)
        .default(2 * mebibyte),
      /** A worker without progress for this long is ended and its unit tried again. */
      stallSeconds: z.number().min(0.5).default(60),
      /** JavaScript heap of one worker. */
      workerMegabytes: z.int().min(64).default(2048),
    })
    .prefault({}),
});

export type FilterConfig = z.output<typeof filterConfigSchema>;
export type ClassifierConfig = FilterConfig['classifiers'][number];
export type DedupConfig = FilterConfig['dedup'][number];
