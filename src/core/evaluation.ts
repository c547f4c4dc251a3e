/**
 * What a benchmark's data card says for `midtrain eval`, beyond the columns that decontamination compares: the question without the solution,
 * where the reference answer is and in which form, the choices, level and subject, how answers are found in a model's text, and the worked
 * examples that are usual. Only the schema is here; trainer/problem-sets carries it out.
 *
 *   evaluation:
 *     answer: final_answer          # default: columns.answer
 *     reference: boxed              # the answer is in the last \boxed{} of that text
 *     choices: options              # multiple choice: the question is written with them
 *     level: level
 *     fewShot: { exemplars: math, n: 4 }
 */
import { z } from 'zod';
import { evidenceTags } from './evidence.ts';
import { listSchema, slotSchema } from './slots.ts';

/** Where the reference answer stands in its column: the whole text, after `####`, in the last box, the right choice, or the first of these that is there. */
export const references = ['auto', 'text', 'hash', 'boxed', 'choice'] as const;
export type Reference = (typeof references)[number];

/** Where the final answer stands in what a model writes (src/grader). `auto`: wherever it is found. */
export const extractions = ['auto', 'boxed', 'hash', 'final-line', 'choice'] as const;
export type Extraction = (typeof extractions)[number];

/** The sets of worked examples of trainer/prompts. */
export const exemplarSets = ['gsm', 'math', 'choice-4', 'choice-5'] as const;
export type ExemplarSet = (typeof exemplarSets)[number];

export const evaluationSchema = z.strictObject({
  question: slotSchema.optional(),
  answer: slotSchema.optional(),
  reference: z.enum(references).default('auto'),
  /** A column with a list of choices, or one text of the form `a ) 38 , b ) 27`. The answer is an index from 0, a letter, a label or the text of a choice. */
  choices: listSchema.optional(),
  labels: listSchema.optional(),
  /** Columns by which accuracy is also given. */
  level: z.string().min(1).optional(),
  subject: z.string().min(1).optional(),
  extract: z.enum(extractions).default('auto'),
  /** What base models are usually given. */
  fewShot: z.strictObject({ exemplars: z.enum(exemplarSets), n: z.int().min(0) }).optional(),
  /** Of the number of examples in fewShot; their words are this project's own. */
  evidence: z.enum(evidenceTags).default('own'),
});
export type Evaluation = z.output<typeof evaluationSchema>;
