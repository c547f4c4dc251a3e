/**
 * The part of a data card that says where a record's text comes from: which columns fill a template, and which records are taken at
 * all. Only the schema is here; src/tokens/document-fields.ts and src/tokens/row-selection.ts carry it out.
 *
 * A slot is a column, several of them joined by line breaks, a part of a column, or the chosen one of a list of choices:
 *
 *   question: problem
 *   question: [problem, { column: choices, field: text }]
 *   reasoning: { column: generations, item: { firstTrue: correctness_math_verify }, between: ["<think>", "</think>"] }
 *   answer: { choices: { column: choices, field: text }, answer: answerKey, labels: { column: choices, field: label } }
 */
import { z } from 'zod';

function isRegex(pattern: string): boolean {
  try {
    new RegExp(pattern, 'gu');
    return true;
  } catch {
    return false;
  }
}

const column = z.string().min(1);

/** A part of one column, taken in this order: field, item, between, after, remove. */
const partSchema = z.strictObject({
  column,
  /** Which field, of a column that holds records, or of every record of a list of them (ARC's `choices` holds `text` and `label`). */
  field: z.string().min(1).optional(),
  /** Which element of a list (0 is the first), or the first one at whose place another column's list holds true. */
  item: z.union([z.int().min(0), z.strictObject({ firstTrue: column })]).optional(),
  /** Only what stands between these two marks: the content of `<think>` ... `</think>`. */
  between: z.tuple([z.string().min(1), z.string().min(1)]).optional(),
  /** Only what stands after this mark. */
  after: z.string().min(1).optional(),
  /** A regular expression whose matches are taken out. */
  remove: z.string().min(1).refine(isRegex, 'is not a regular expression').optional(),
});

export const listSchema = z.union([column, z.strictObject({ column, field: z.string().min(1).optional() })]);

/**
 * One of a list of choices. `answer` names a column with the answer: an index from 0 (MMLU's 2), a letter (`C`), or one of the `labels`,
 * which go first where they are given (ARC's answer key is a letter in most records and a digit in some).
 */
const choiceSchema = z.strictObject({
  choices: listSchema,
  answer: column,
  labels: listSchema.optional(),
});

export const slotSchema = z.union([
  column,
  partSchema,
  choiceSchema,
  z.array(z.union([column, partSchema, choiceSchema])).min(1),
]);
export type Slot = z.output<typeof slotSchema>;
export type SlotPart = z.output<typeof partSchema>;
export type SlotChoice = z.output<typeof choiceSchema>;
export type SlotList = z.output<typeof listSchema>;

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

const plain = z.union([z.string(), z.number(), z.boolean()]);

/** What a column must hold: a value, or one of these tests (several must all hold). */
const testSchema = z.union([
  plain,
  z
    .strictObject({
      /** One of these values. */
      in: z.array(plain).min(1).optional(),
      /** None of these values. */
      notIn: z.array(plain).min(1).optional(),
      /** Text that begins so: `gpt-4` takes every release of it. */
      prefix: z.string().min(1).optional(),
      /** A number, at least and at most this. */
      min: z.number().optional(),
      max: z.number().optional(),
      /** A list that holds this value. */
      has: plain.optional(),
    })
    .refine((test) => Object.keys(test).length > 0, 'must say in, notIn, prefix, min, max or has'),
]);

/** Which records are taken: those in which every column named here passes. The others are counted as `not_selected`. */
export const whereSchema = z.record(z.string().min(1), testSchema);
export type Where = z.output<typeof whereSchema>;
export type WhereTest = z.output<typeof testSchema>;
