/**
 * A problem set of an experiment: drawn by one of the seeded worlds, or a file of the user's own. Written as JSONL with id, question, answer (the reference)
 * and whatever else the world knows of a problem (its level, a worked solution for prompts with examples).
 */
import { z } from 'zod';
import { arithmeticProblems } from '../../mixtures/arithmetic.ts';
import { miniMathProblems } from '../../mixtures/mini-math.ts';

/** `run`: the seed of the run, so that every seed has a set of its own. */
const seed = z.union([z.int().min(0), z.literal('run')]).default(0);
const drawn = { count: z.int().positive(), split: z.enum(['train', 'heldout']), seed };

export const problemSpecSchema = z.union([
  z.strictObject({
    generator: z.literal('mini-math'),
    ...drawn,
    /** Numbers in a problem; each as likely. */
    levels: z.array(z.int()).min(1).optional(),
    /** How worked solutions are written. */
    solutions: z.enum(['page', 'lines']).optional(),
  }),
  z.strictObject({
    generator: z.literal('arithmetic'),
    ...drawn,
    terms: z.int().min(2).optional(),
    largest: z.int().positive().optional(),
  }),
  /** A file with questions and answers, relative to the experiment. */
  z.strictObject({ file: z.string().min(1) }),
]);
type ProblemSpec = z.output<typeof problemSpecSchema>;

/** A drawn set, its seed a number. */
export type DrawnProblems = Exclude<ProblemSpec, { file: string }> & { seed: number };

/** The lines of a drawn set. Throws a `UserError` where its world has not so many problems. */
export function problemLines({ generator, ...options }: DrawnProblems): string {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const drawnProblems =
    generator === 'arithmetic'
      ? arithmeticProblems(given as unknown as Parameters<typeof arithmeticProblems>[0])
      : miniMathProblems(given as unknown as Parameters<typeof miniMathProblems>[0]);
  return drawnProblems
    .map(({ expected, ...problem }) => `${JSON.stringify({ ...problem, answer: expected })}\n`)
    .join('');
}
