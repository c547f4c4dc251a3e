/**
 * What an evaluation keeps of each problem, as Parquet: the texts, answers and verdicts of all its samples, so that two checkpoints can be
 * compared problem by problem and anybody can read what the model wrote. A folder holds parts of so many problems each, written whole
 * or not at all; equal evaluations give equal bytes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../src/core/errors.ts';
import { jsonBatch } from '../../src/io/json-columns.ts';
import { declaredColumns } from '../../src/io/json-schema.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { rowsOfBatch } from '../problem-sets/read-rows.ts';

/** One problem with its samples; the lists have one entry a sample. */
export interface GradedProblem {
  id: string;
  question: string;
  prompt: string;
  expected: string;
  level: string | null;
  subject: string | null;
  completions: string[];
  /** What was taken for the answer; null where none was found. */
  answers: (string | null)[];
  /** Null: could not be graded. */
  correct: (boolean | null)[];
  /** Tokens of each completion. */
  lengths: number[];
  truncated: boolean[];
  /** With these, prompt and model every sample can be drawn again. */
  seeds: number[];
  /** Choices scored by log-probability (multiple choice without generation): one for each choice; empty otherwise. */
  choice_logprobs: number[];
}

const columns = declaredColumns({
  id: 'text',
  question: 'text',
  prompt: 'text',
  expected: 'text',
  level: 'text',
  subject: 'text',
  completions: { list: 'text' },
  answers: { list: 'text' },
  correct: { list: 'bool' },
  lengths: { list: 'int' },
  truncated: { list: 'bool' },
  seeds: { list: 'int' },
  choice_logprobs: { list: 'float' },
});

export function partPath(folder: string, part: number): string {
  return join(folder, `part-${String(part).padStart(5, '0')}.parquet`);
}

export async function writePart(
  path: string,
  problems: readonly GradedProblem[],
  metadata: Record<string, string>,
): Promise<void> {
  const records = jsonBatch(columns, problems as unknown as Record<string, unknown>[]);
  const output = new ParquetOutput(path, records.schema, { metadata });
  try {
    await output.write(records);
    await output.finish();
  } catch (error) {
    await output.abort();
    throw error;
  }
}

const lists = ['completions', 'answers', 'correct', 'lengths', 'truncated', 'seeds', 'choice_logprobs'];

/** Throws an `InputError` when the file is damaged or is not of this kind. */
export async function readPart(path: string): Promise<GradedProblem[]> {
  const wrong = (problem: string): InputError =>
    new InputError(path, problem, { hint: 'give a folder that midtrain eval --out wrote' });
  const problems: GradedProblem[] = [];
  const file = await openParquet(path);
  try {
    const groups: [number, number] = [0, file.metadata.row_groups.length];
    for await (const item of readRowGroups(file, groups, { batchBytes: 1 << 24 })) {
      if (item.kind === 'failed') throw wrong(item.problem);
      for (const row of rowsOfBatch(item.records)) {
        if (
          typeof row.id !== 'string' ||
          typeof row.expected !== 'string' ||
          !lists.every((name) => Array.isArray(row[name]))
        )
          throw wrong('is not a part of an evaluation');
        problems.push(row as unknown as GradedProblem);
      }
    }
  } finally {
    await file.handle.close();
  }
  return problems;
}

/** All problems of a benchmark's folder, in order. */
export async function readParts(folder: string): Promise<GradedProblem[]> {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^part-\d{5}\.parquet$/.test(name))
        .sort()
    : [];
  const problems: GradedProblem[] = [];
  for (const name of names) for (const problem of await readPart(join(folder, name))) problems.push(problem);
  return problems;
}
