/** Which problems of a set are taken: by level, subject, columns, and the first so many. */
import { z } from 'zod';
import { UserError } from '../../src/core/errors.ts';
import { whereSchema } from '../../src/core/slots.ts';

const levels = /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/;

/** `problems:` of a config, where a name or a path alone is not enough. */
export const problemSpecSchema = z.strictObject({
  /** A benchmark or data card by its name, a path, a pattern, `hf://datasets/...`, or `card=path` for a card's columns with another file. */
  set: z.string().min(1),
  /** `3-5` or `1,3-4`: problems of these levels. */
  levels: z
    .union([z.string(), z.int().min(0).transform(String)])
    .refine((text) => levels.test(text), 'must be levels such as 3-5 or 1,3')
    .optional(),
  /** Problems of these subjects (the column `subject` or `type`), case aside. */
  subjects: z.array(z.string().min(1)).min(1).optional(),
  where: whereSchema.optional(),
  /** The first so many of those. */
  count: z.int().positive().optional(),
});
export type ProblemSpec = z.output<typeof problemSpecSchema>;

export const problemsSchema = z.union([z.string().min(1), problemSpecSchema]);
export type Problems = z.output<typeof problemsSchema>;

/** True for each level that `3-5` or `1,3-4` names. Throws a `UserError` for anything else. */
export function levelTest(text: string): (level: string | undefined) => boolean {
  if (!levels.test(text))
    throw new UserError(`levels ${JSON.stringify(text)}: expected levels such as 3-5 or 1,3`, {
      hint: 'for example 3-5',
    });
  const ranges = text.split(',').map((part) => {
    const [low, high = low] = part.split('-').map(Number);
    return [low!, high!] as const;
  });
  return (level) => {
    const value = level === undefined || level.trim() === '' ? Number.NaN : Number(level);
    return ranges.some(([low, high]) => value >= low && value <= high);
  };
}
