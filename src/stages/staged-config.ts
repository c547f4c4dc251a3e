/**
 * A pipeline file with `steps:`: what `midtrain filter` runs one after another when one pass over the documents is not enough, because a
 * classifier has to be trained first, or a language model labels or rewrites documents.
 *
 * Each step has a `name`, what it works on (`from`: `input`, or a step before it) and its own keys. Steps that hand on documents (filter,
 * score, refine) make the way from the pages to the result; sample, label and train stand beside it and end in a model, which later
 * steps name as `model: step:<name>`. What depends on the user (inputs, endpoint, models, benchmarks) comes by flags (stage-parameters.ts).
 */
import { z } from 'zod';
import { filterConfigSchema } from './filter-config.ts';
import { inputSpecSchema } from './input-spec.ts';

const stepName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'a step name is snake_case: it names a folder and, of a model, a signal')
  .refine((name) => name !== 'input' && name !== 'kept', { message: 'this name is taken' });
const base = {
  name: stepName,
  /** `input`, or the step whose documents, sample or labels this one takes. */
  from: z.string().default('input'),
  /** One line for people: what the step is for. */
  description: z.string().optional(),
};
const reason = z.string().regex(/^[a-z][a-z0-9_]*$/, 'a reason is snake_case, for example low_math');

/** A whole one-pass pipeline (filter-config.ts): extract, measure, drop, deduplicate, decontaminate. */
const filterStep = filterConfigSchema
  .omit({ name: true, description: true, inputs: true, decontaminate: true })
  .extend({
    step: z.literal('filter'),
    ...base,
    /** Written at all: --benchmark adds benchmarks to this step. */
    decontaminate: filterConfigSchema.shape.decontaminate.unwrap().optional(),
  });

/** Documents to label. */
const sampleStep = z.strictObject({
  step: z.literal('sample'),
  ...base,
  /** Documents in all; `--set <step>.count=1000` changes it. */
  count: z.int().min(1),
  /** `year`, `dump`, `source`, `site`, `none` or a column. */
  stratifyBy: z.string().default('year'),
  /** As many of each stratum, or each by its size. */
  allocation: z.enum(['equal', 'proportional']).default('equal'),
  minCharacters: z.int().min(0).default(1),
  seed: z.int().min(0).default(0),
});

/** A language model grades each document of the sample. */
const labelStep = z.strictObject({
  step: z.literal('label'),
  ...base,
  /** `usefulness`: FineMath's additive 5 points; `relevance`: how much of it is mathematics, 0 to 5; or a file. */
  rubric: z.string().default('usefulness'),
  /** Characters of a document that are sent. */
  maxCharacters: z.int().min(1).optional(),
  /** Tokens of an answer. */
  maxTokens: z.int().min(1).optional(),
});

const fastTextKeys = {
  dim: z.int().min(1).max(4096).optional(),
  lr: z.number().positive().optional(),
  wordNgrams: z.int().min(1).max(16).optional(),
  minCount: z.int().min(1).optional(),
  minn: z.int().min(0).optional(),
  maxn: z.int().min(0).optional(),
  epoch: z.int().min(1).optional(),
  bucket: z.int().min(0).optional(),
  loss: z.enum(['softmax', 'hs', 'ns', 'ova']).optional(),
};

/** A classifier from labels. Its name is also the name under which --model gives one instead. */
const trainStep = z.strictObject({
  step: z.literal('train'),
  ...base,
  /** Undefined where only given examples are used. */
  from: z.string().optional(),
  kind: z.enum(['fasttext', 'regressor']).default('fasttext'),
  /** Labels of this score and more are positive. */
  positiveMin: z.number().default(3),
  /** Examples beside the labels: files, folders or data cards' files; --positive and --negative add to them. */
  positive: z.array(z.string()).default([]),
  negative: z.array(z.string()).default([]),
  /** Where there are neither labels nor examples: a model to use in its place, such as `bundled:math-text`. */
  otherwise: z.string().optional(),
  /** fastText: what is done to the text before; megamath if not said. */
  prepare: z.enum(['none', 'megamath']).optional(),
  seed: z.int().min(0).default(0),
  ...fastTextKeys,
  /** Regressor: the sentence-embedding model, a folder in the Hugging Face layout, or hf://owner/name. */
  encoder: z.string().optional(),
  /** Regressor: how the head is fitted: in closed form, or step by step as FineWeb-Edu did. */
  method: z.enum(['ridge', 'adamw']).optional(),
  /** Regressor: tokens of a text that are read. */
  maxLength: z.int().min(8).max(8192).optional(),
});

/** Scores every document and keeps those that reach the bound. */
const scoreStep = z.strictObject({
  step: z.literal('score'),
  ...base,
  /** `step:<train step>`, a model folder, a .bin or .ftz file, `bundled:<name>`, `column:<column>`. */
  model: z.string(),
  /** Least score; by year of the document where newer pages have a lower bar: { default: 4, 2023: 3, 2024: 3 }. */
  min: z.union([z.number(), z.record(z.string(), z.number())]),
  /** The bound is one on the score rounded half to even, as NumPy rounds and FineMath's int_score is made. */
  rounded: z.boolean().default(false),
  reason: reason.default('low_score'),
  /** The label whose probability is the score, of a fastText file that does not say it itself. */
  label: z.string().min(1).optional(),
});

/** A language model rewrites each document. */
const refineStep = z.strictObject({
  step: z.literal('refine'),
  ...base,
  /** `megamath-web-pro`, `megamath-web-pro-max`, or a file. */
  prompt: z.string().default('megamath-web-pro-max'),
  maxCharacters: z.int().min(1).optional(),
  maxTokens: z.int().min(1).optional(),
});

const stepSchema = z.discriminatedUnion('step', [
  filterStep,
  sampleStep,
  labelStep,
  trainStep,
  scoreStep,
  refineStep,
]);

export const stagedConfigSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name has letters, digits, ".", "_" and "-"'),
  description: z.string().optional(),
  inputs: z.array(inputSpecSchema).default([]),
  steps: z.array(stepSchema).min(1, 'name at least one step'),
});

export type StagedConfig = z.output<typeof stagedConfigSchema>;
export type StepConfig = StagedConfig['steps'][number];
export type StepOf<K extends StepConfig['step']> = Extract<StepConfig, { step: K }>;
