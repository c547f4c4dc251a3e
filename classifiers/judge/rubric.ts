/**
 * What a judge is asked: a prompt, how its score is written, and the range of scores. Two are built in; a user's own is a Markdown file.
 *
 * `usefulness` is the additive 0 to 5 scale of FineWeb-Edu and FineMath (also MegaMath-Web-Pro-Max's labels): a point for each criterion met.
 * `relevance` is MegaMath-Web's 0 to 5 scale: how much of the text is mathematics. The criteria are theirs, the words are ours.
 * Sources: FineMath and MegaMath papers, as in recipe.md sections 3 and 6.
 */
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';

export interface Rubric {
  name: string;
  /** `{text}` stands for the document; without it the document comes last. */
  prompt: string;
  /** The words before the score on the last line. */
  label: string;
  min: number;
  max: number;
  /** Whether scores are whole numbers. */
  whole: boolean;
  /** Instead of the label: an expression whose first group is the score. */
  pattern?: string;
}

const usefulness: Rubric = {
  name: 'usefulness',
  label: 'Final score',
  min: 0,
  max: 5,
  whole: true,
  prompt: `You grade an extract of a web page by how useful it is for learning mathematics. Points add up: begin at 0 and give one point for each statement that holds.

- One point: there is some mathematical content in it, even if it is of little use for learning, or is mixed with advertisements, navigation, or the output of a unit converter or calculator.
- One point: it takes up mathematical topics, even if it is written badly, is incomplete, or is too advanced for learners.
- One point: it shows problem solving or logical reasoning of a mathematical kind, or explains a concept rather than only naming it.
- One point: it suits learners up to high school or the first years of a degree, with clear deductions and solutions worked out step by step, as in a chapter of a textbook or a tutorial.
- One point: it is outstanding for teaching and learning: very detailed, in good order, easy to follow, with little that does not belong to it.

Questions with answers, as in forums and exercises, count like any other form.

The extract:

{text}

Now grade the extract. First justify your points in at most 100 words. Then end with one last line of exactly this form:
Final score: <total points, 0 to 5>`,
};

const relevance: Rubric = {
  name: 'relevance',
  label: 'Score',
  min: 0,
  max: 5,
  whole: true,
  prompt: `You say how much of an extract of a web page is mathematics. Mathematics is: concepts, definitions, theorems and proofs, problems and their solutions, computation and derivations, statistics and quantitative reasoning with formulas. Numbers alone (prices, dates, scores of games, product codes) are not.

0: nothing in it is mathematics.
1: mathematics is mentioned in passing, or a word or formula occurs without being used.
2: a small part deals with mathematics; the rest is about something else.
3: about half deals with mathematics, or mathematics serves another subject throughout, such as physics or economics.
4: most of it is mathematics; some parts are not.
5: it is entirely about mathematics.

The extract:

{text}

Now judge the extract. First say why in at most 100 words. Then end with one last line of exactly this form:
Score: <0 to 5>`,
};

const builtIn: readonly Rubric[] = [usefulness, relevance];

export const rubricNames: readonly string[] = builtIn.map(({ name }) => name);

/** A built-in rubric; undefined for another name. */
export function builtInRubric(name: string): Rubric | undefined {
  return builtIn.find((rubric) => rubric.name === name);
}

const frontMatterSchema = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name has letters, digits, ".", "_" and "-"'),
    /** The words before the score on the last line. */
    label: z.string().min(1).default('Final score'),
    /** Instead of the label: a regular expression whose first group is the score. */
    pattern: z.string().optional(),
    /** Least and greatest score. */
    range: z.tuple([z.number(), z.number()]).default([0, 5]),
    /** Whether scores are whole numbers. */
    whole: z.boolean().default(true),
  })
  .refine(({ range }) => range[0] < range[1], { message: 'the range needs its least score first' });

/**
 * A rubric from a file: YAML between two lines `---`, then the prompt, in which `{text}` stands for the document.
 * `readYaml` is handed in because this folder reads no YAML itself. Throws a `UserError` for what is wrong in `file`.
 */
export function parseRubric(source: string, file: string, readYaml: (text: string) => unknown): Rubric {
  const parts = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)([\s\S]*)$/.exec(source);
  if (parts === null)
    throw new UserError(`${file}: a rubric begins with front matter between two lines ---`, {
      hint: 'write ---, then name: <name> and range: [0, 5], then --- and the prompt',
    });
  const { name, label, pattern, range, whole } = parseConfig(
    frontMatterSchema,
    readYaml(parts[1]!) ?? {},
    file,
  );
  const prompt = parts[2]!.trim();
  if (prompt === '') throw new UserError(`${file}: the rubric has no prompt behind its front matter`);
  if (pattern !== undefined) assertPattern(pattern, file);
  return {
    name,
    prompt,
    label,
    min: range[0],
    max: range[1],
    whole,
    ...(pattern === undefined ? {} : { pattern }),
  };
}

function assertPattern(pattern: string, file: string): void {
  let groups: number;
  try {
    groups = new RegExp(`${pattern}|`).exec('')!.length - 1;
  } catch (error) {
    throw new UserError(`${file}: pattern is no regular expression: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (groups !== 1)
    throw new UserError(`${file}: pattern has ${groups} groups; its one group is the score`, {
      hint: 'for example pattern: "Grade: (\\\\d)"',
    });
}
