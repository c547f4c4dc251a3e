/**
 * The schema of a mixture recipe (`mixtures/*.yaml`, `mixture.yaml`): sources with their shares, how long the training text is, and
 * the training settings that belong to it. Every figure may carry its evidence tag (src/core/evidenced.ts); a bare number is the
 * writer's own choice. Unknown keys are errors with the nearest known one.
 */
import { z } from 'zod';
import {
  columnsSchema,
  formats,
  generatorSchema,
  roles,
  templateNames,
  whereSchema,
} from '../src/core/card.ts';
import { nearest } from '../src/core/config.ts';
import { InputError } from '../src/core/errors.ts';
import { amountSchema, evidenced } from '../src/core/evidenced.ts';
import { hubLicences, uses } from '../src/core/licences.ts';
import { parseYaml } from '../src/core/parse-yaml.ts';

export const packings = ['concatenate', 'best-fit'] as const;
export type Packing = (typeof packings)[number];

const share = z.number().min(0, 'must be between 0 and 1').max(1, 'must be between 0 and 1');

const sourceSchema = z.strictObject({
  /** A card of data-cards/ by name, or a path to a card relative to the recipe. */
  card: z.string().optional(),
  /** Where the data is on this machine, relative to the recipe; or a generator. Goes before what the card says. */
  data: z.union([z.string(), z.array(z.string()).min(1), generatorSchema]).optional(),
  /** The licence of data without a card, by the Hub's identifier; goes before the card's. */
  license: z
    .string()
    .refine((id) => hubLicences.includes(id), {
      error: (issue) => {
        const near = nearest(String(issue.input), hubLicences);
        return `is not a licence of the Hub's list${near === undefined ? ' (such as odc-by, cc-by-4.0, apache-2.0, other)' : `; did you mean "${near}"?`}`;
      },
    })
    .optional(),
  /** Share of all tokens. The fill source may leave it out and takes what the others leave. */
  weight: evidenced(share).optional(),
  /** These go before the card's. Without a card, `role` is needed. */
  role: z.enum(roles).optional(),
  format: z.enum(formats).optional(),
  columns: columnsSchema.optional(),
  /** Which records are taken: `{ language: en, score: { min: 4 } }`. Goes before the card's; {} takes all. */
  where: whereSchema.optional(),
  template: z.enum(templateNames).optional(),
  /** How often this source may be read in all; goes before the recipe's. */
  repeatLimit: z.number().positive().optional(),
});

const trainTokenizerSchema = z.strictObject({
  /** Left out: one token per byte. */
  vocabSize: z.int().positive().optional(),
  minFrequency: z.int().positive().optional(),
  specialTokens: z.array(z.string()).optional(),
  preTokenizer: z.enum(['gpt2', 'llama3', 'qwen2', 'digits']).optional(),
  alphabet: z.enum(['bytes', 'seen']).optional(),
});

/** The training settings a recipe suggests; the train command reads them as defaults. */
const trainingSchema = z.strictObject({
  /** `ablation`: a run of its own, one cosine from first to last step (the paper's section 3). */
  phase: z.enum(['stable', 'decay', 'ablation']),
  baseModel: evidenced(z.string()).optional(),
  /** Peak learning rate; by model size where they differ. */
  learningRate: z.union([
    evidenced(z.number().positive()),
    z.record(z.string(), evidenced(z.number().positive())),
  ]),
  schedule: evidenced(z.enum(['constant', 'cosine', 'linear'])),
  /** Last learning rate as a share of the peak. */
  minLearningRateRatio: evidenced(z.number().min(0).max(1)),
  warmupSteps: evidenced(z.int().min(0)),
  batchTokens: evidenced(amountSchema),
  weightDecay: evidenced(z.number().min(0)),
  adamBetas: evidenced(z.tuple([z.number(), z.number()])),
  adamEpsilon: evidenced(z.number().positive()),
  clipNorm: evidenced(z.number().positive()),
});

export const recipeSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, 'letters, digits, dots and dashes only'),
  description: z.string().optional(),
  /** A folder with tokenizer.json, relative to the recipe; a Hub name (told to people, never fetched); or one to train on the sources. */
  tokenizer: z.union([z.string(), z.strictObject({ train: trainTokenizerSchema })]).optional(),
  /** Tokens in the output. Left out: as many as the sources give without a repeat. */
  budget: evidenced(amountSchema).optional(),
  /** What the model sees at once. A stored sequence is one token longer, so that inputs and targets both have this length. */
  sequenceLength: evidenced(z.int().positive()),
  /** What the result is for: decides what the licences of the sources are warned about. */
  use: z.enum(uses).optional(),
  seed: z.int().min(0).default(0),
  /** Share of each source's documents kept out of training for evaluation. */
  heldout: share.max(0.5, 'must be at most 0.5').default(0),
  /** Decides which documents are held out. Apart from `seed`, so that arms and phases with other seeds hold out the same ones. */
  heldoutSeed: z.int().min(0).default(0),
  /** A source may be read this many times. Up to about four passes cost little against fresh text (Muennighoff et al. 2023). */
  repeatLimit: z.number().positive().default(4),
  /**
   * How documents fill sequences: `concatenate` joins and cuts them (the paper's way; no token is padding), `best-fit` puts whole
   * documents together and pads what stays free (Ding et al. 2024).
   */
  packing: z.enum(packings).default('concatenate'),
  fill: z.string().optional(),
  sources: z.record(z.string().regex(/^[\w.-]+$/, 'letters, digits, dots and dashes only'), sourceSchema),
  training: trainingSchema.optional(),
  notes: z.array(z.string()).optional(),
});

export type Recipe = z.output<typeof recipeSchema>;
export type RecipeSource = Recipe['sources'][string];
export type TokenizerTraining = z.output<typeof trainTokenizerSchema>;

/** Reads a recipe's YAML text. `file` is for messages. */
export function parseRecipe(text: string, file: string): Recipe {
  const recipe = parseYaml(recipeSchema, text, file);
  checkSources(recipe, file);
  return recipe;
}

function checkSources(recipe: Recipe, file: string): void {
  const names = Object.keys(recipe.sources);
  if (names.length === 0)
    throw new InputError(file, 'names no sources', { hint: 'add at least one under sources:' });
  if (recipe.fill !== undefined && !names.includes(recipe.fill)) {
    throw new InputError(file, `fill: "${recipe.fill}" is not one of its sources`, {
      hint: `name one of: ${names.join(', ')}`,
    });
  }
  for (const [name, source] of Object.entries(recipe.sources)) {
    if (source.card === undefined && (source.role === undefined || source.data === undefined)) {
      throw new InputError(file, 'has no card, so it must say role and data itself', {
        place: `sources.${name}`,
        hint: 'name a card of data-cards/, or write role: and data:',
      });
    }
    if (source.weight === undefined && name !== recipe.fill) {
      throw new InputError(file, 'has no weight', {
        place: `sources.${name}`,
        hint: 'only the fill source may leave its weight out',
      });
    }
  }
}
