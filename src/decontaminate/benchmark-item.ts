/**
 * One problem of a benchmark, as decontamination sees it, and how a benchmark's record becomes one.
 *
 * MegaMath and FineMath compare documents with problem and solution together; the two are kept apart here as well, so that a report can
 * say which of them a document holds. Source: MegaMath (arXiv 2504.02807, 2.1) and recipe.md 6.1 step 9.
 */
import { type DataCard, isBenchmark } from '../core/card.ts';
import { UserError } from '../core/errors.ts';

export interface BenchmarkItem {
  /** Name of the benchmark: its card's name, or what the user called the file. */
  benchmark: string;
  /** Which problem: the record's id, or its row number from 0. */
  item: string;
  problem: string;
  /** '' when the benchmark has none. */
  solution: string;
}

/** The fields that a card's `columns` take out of a record (`fieldsOf` in src/tokens/document-fields.ts gives them). */
export interface BenchmarkFields {
  text?: string;
  question?: string;
  reasoning?: string;
  answer?: string;
}

const longestId = 200;

/**
 * The item of one record: problem from `question` (or `text`), solution from `reasoning` and `answer`. Undefined when the record has no
 * problem: the caller counts those. `id` is the record's own id where it has one, else its row.
 */
export function benchmarkItem(
  benchmark: string,
  fields: BenchmarkFields,
  id: string | number,
): BenchmarkItem | undefined {
  const problem = fields.question ?? fields.text ?? '';
  if (problem.trim() === '') return undefined;
  const solution = [fields.reasoning, fields.answer].filter((part) => part !== undefined).join('\n');
  return { benchmark, item: String(id).slice(0, longestId), problem, solution };
}

/** Refuses a card that describes training data; a pipeline's `benchmarks:` names benchmarks only. */
export function assertBenchmark(card: DataCard): void {
  if (isBenchmark(card)) return;
  throw new UserError(
    `the data card ${card.name} (${card.file}) is not a benchmark: its role is ${card.project.role}`,
    {
      hint: 'name a card with role: benchmark (such as gsm8k-test), or give the file under a name of your own: --benchmark name=path',
    },
  );
}
