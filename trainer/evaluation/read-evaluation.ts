/** An evaluation's folder, for comparing: its benchmarks with all their graded problems. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { type GradedProblem, readParts } from './graded-problem.ts';
import { decisiveFile } from './resume.ts';

/** Benchmarks by name, sorted. Throws a `UserError` for a folder that `midtrain eval --out` did not write. */
export async function readEvaluation(folder: string): Promise<Map<string, GradedProblem[]>> {
  if (!existsSync(join(folder, decisiveFile))) {
    throw new UserError(
      `${folder} ${existsSync(folder) ? 'is not a folder that midtrain eval --out wrote' : 'does not exist'}`,
      { hint: 'evaluate both models first: midtrain eval <model> --problems <set> --out <folder>' },
    );
  }
  const benchmarks = new Map<string, GradedProblem[]>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const graded = await readParts(join(folder, entry.name));
    if (graded.length > 0) benchmarks.set(entry.name, graded);
  }
  if (benchmarks.size === 0)
    throw new UserError(`${folder} holds no finished part yet`, {
      hint: 'let the evaluation finish a part first',
    });
  return new Map([...benchmarks].sort(([a], [b]) => (a < b ? -1 : 1)));
}
