/**
 * The way of one arm, checked: from problems and pages to RL and evaluations. Sections are the configs of the commands (pipeline, recipe, training, GRPO)
 * without what the grid itself decides: names, seeds, folders, the vocabulary. They are kept as they were written; defaults stay with their owners, so that an
 * id of a step does not change when a command learns a new key.
 */
import { z } from 'zod';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { type GeneratedData, generatorSchema, templateNames } from '../core/card.ts';
import { parseConfig } from '../core/config.ts';
import { InputError } from '../core/errors.ts';
import { extractions } from '../core/evaluation.ts';
import { columnsSchema } from '../core/slots.ts';
import { meant } from './experiment.ts';
import { isPlain, overlay, type Plain } from './overlay.ts';
import { problemSpecSchema } from './problem-spec.ts';

const count = z.int().positive();
const setName = z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'letters, digits, "_", "." and "-" only');
const plain = z.record(z.string(), z.unknown());

/** Problems of a set of this way, by its name: all, or the first so many. */
const problemsOf = z.union([
  z.string().min(1),
  z.strictObject({ set: z.string().min(1), levels: z.string().optional(), count: count.optional() }),
]);
export type ProblemsOf = z.output<typeof problemsOf>;

/** Records of a seeded world; its keys are checked once the seed is a number (`seed: run` is the run's). */
const drawnSchema = z.looseObject({ generator: z.string() });

const source = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1),
  z.strictObject({ step: z.enum(['filter', 'chains']) }),
  z.strictObject({ corpus: z.string() }),
  drawnSchema,
]);
export type SourceData = z.output<typeof source>;

/** How text is drawn; the names of `midtrain eval`'s flags and of GRPO's config. */
const drawing = {
  template: z.string().default('simple'),
  num_fewshot: z.int().min(0).default(0),
  /** Where worked examples come from: a problem set of this way with solutions, or one of midtrain's own (gsm, math, choice-4, choice-5). */
  exemplars: z.string().optional(),
  /** Between a worked example's prompt and its solution. */
  target_delimiter: z.string().optional(),
  prompt_prefix: z.enum(['auto', 'bos', 'eos', 'none']).default('auto'),
  stop_strings: z.array(z.string().min(1)).optional(),
  extract: z.enum(extractions).optional(),
  temperature: z.number().min(0).default(0),
  top_k: z.int().min(0).default(0),
  top_p: z.number().positive().max(1).default(1),
  min_p: z.number().min(0).max(1).default(0),
  samples: count.default(1),
  max_tokens: count.default(256),
  problems: problemsOf,
  /** The first so many. */
  count: count.optional(),
};

/** Which checkpoint of an arm: of a phase, the one RL starts from, the one it ends with. */
const checkpointNames = ['stable', 'decay', 'base', 'rl'] as const;
export type CheckpointName = (typeof checkpointNames)[number];

const evaluateSchema = z.strictObject({
  of: z.array(z.enum(checkpointNames)).min(1).default(['base', 'rl']),
  ...drawing,
});

/** Chains that a model wrote itself: drawn on problems of the train split, kept where a checker finds them right. */
const chainsSchema = z.strictObject({
  from: z.enum(checkpointNames).default('stable'),
  /** Another arm's checkpoint, of the same seed; default: its own. */
  arm: z.string().optional(),
  ...drawing,
  temperature: drawing.temperature.default(1),
  samples: count.default(4),
  /** `verified`: right answers only. Truncated ones and copies of a response to the same problem go either way. */
  keep: z.enum(['verified', 'all']).default('verified'),
  /** Most chains kept of a problem. */
  per_problem: count.default(1),
  /** Shorter responses, in tokens, are left out: an answer without its work is no chain. */
  min_tokens: z.int().min(0).default(0),
});

const tokenizerSchema = z.union([
  z.strictObject({ folder: z.string().min(1) }),
  z.strictObject({
    vocabSize: count.optional(),
    minFrequency: count.optional(),
    preTokenizer: z.enum(['gpt2', 'llama3', 'qwen2', 'digits']).optional(),
    specialTokens: z.array(z.string()).optional(),
    alphabet: z.enum(['bytes', 'seen']).optional(),
    /** The texts it is trained on: the same for all arms and seeds. */
    sources: z
      .array(
        z.strictObject({
          data: source,
          template: z.enum(templateNames).optional(),
          columns: columnsSchema.optional(),
        }),
      )
      .min(1),
  }),
]);

const { stable, decay } = trainConfigSchema.shape;
const trainSchema = trainConfigSchema
  .omit({ name: true, out: true, data: true, seed: true, tokenizer: true, branches: true })
  .extend({
    stable: stable.unwrap().omit({ data: true }).nullish(),
    decay: decay
      .unwrap()
      .omit({ data: true })
      /** Start from the stable phase's checkpoint of this step, which `keep_every` must keep; default its last. */
      .extend({ from_step: count.optional() })
      .nullish(),
  });

const corpusReference = z.strictObject({ corpus: z.string() });
const filterSchema = z.strictObject({
  /** A pipeline's keys, its file, or the name of a built-in one. */
  pipeline: z.union([z.string().min(1), plain]),
  input: z.union([corpusReference, z.string(), z.array(z.union([corpusReference, z.string()])).min(1)]),
});

const waySchema = z.strictObject({
  problems: z.record(setName, problemSpecSchema).default({}),
  corpora: z.record(setName, drawnSchema).default({}),
  filter: filterSchema.nullish(),
  tokenizer: tokenizerSchema.nullish(),
  mix: z.strictObject({ stable: plain.nullish(), decay: plain.nullish() }).prefault({}),
  train: trainSchema.nullish(),
  /** A model folder that RL starts from, where nothing is trained. */
  model: z.string().optional(),
  chains: chainsSchema.nullish(),
  grpo: plain.nullish(),
  evaluate: z.record(setName, evaluateSchema).default({}),
});

type Parsed = z.output<typeof waySchema>;
export type TrainSection = z.output<typeof trainSchema>;
export type DrawingSection = z.output<typeof evaluateSchema> | z.output<typeof chainsSchema>;

export interface Way extends Omit<Parsed, 'grpo' | 'train'> {
  /** As written. */
  raw: Plain;
  /** Checked, with defaults: for counting. */
  train: TrainSection | null | undefined;
  grpo: z.output<typeof grpoConfigSchema> | undefined;
  /** Which arm of which file, for messages. */
  where: string;
  /** Names what is wrong where it is wrong. */
  wrong: (place: string, problem: string, hint: string) => InputError;
}

/** Checks the way of an arm. `where` says of which arm, for messages: `experiment.yaml, arm qa-30`. Throws a `UserError` that names place, value and cure. */
export function parseWay(raw: Plain, where: string): Way {
  const parsed = parseConfig(waySchema, raw, where);
  const wrong: Way['wrong'] = (place, problem, hint) => new InputError(where, problem, { place, hint });
  const { grpo: given } = parsed;
  return {
    ...parsed,
    raw,
    where,
    train: parsed.train,
    grpo: given ? parseGrpo(given, where, wrong) : undefined,
    wrong,
  };
}

/** Keys of a GRPO config that the grid decides. */
const decided = ['name', 'out', 'model', 'seed'];

function parseGrpo(given: Plain, where: string, wrong: Way['wrong']): z.output<typeof grpoConfigSchema> {
  const own = decided.find((key) => key in given);
  if (own !== undefined) throw wrong(`grpo.${own}`, 'is decided by the grid', `leave grpo.${own} out`);
  const filled = overlay({ name: 'x', out: 'x', model: 'x', eval_problems: given.problems }, given);
  return parseConfig(grpoConfigSchema, filled, `${where}, grpo`);
}

/** Throws for a name that is not among those of `of` (`problems`, `corpora`). */
export function assertNamed(way: Way, of: 'problems' | 'corpora', name: string, place: string): void {
  const names = Object.keys(way[of]);
  if (names.includes(name)) return;
  throw way.wrong(
    place,
    `there is no "${name}" under ${of}${meant(name, names)}`,
    names.length === 0
      ? `add it: ${of}: { ${name}: { generator: mini-math, ... } }`
      : `there are ${names.join(', ')}`,
  );
}

/** Records of a seeded world with `seed: run` resolved. Throws for keys that its schema does not know. */
export function drawnRecords(way: Way, value: Plain, seed: number, place: string): GeneratedData {
  const settled = value.seed === 'run' ? { ...value, seed } : value;
  return parseConfig(generatorSchema, settled, `${way.where}, ${place}`);
}

/** The raw section, or undefined where it is absent or null. */
export function section(way: Way, name: string): Plain | undefined {
  const value = way.raw[name];
  return isPlain(value) ? value : undefined;
}
