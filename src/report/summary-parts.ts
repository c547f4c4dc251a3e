/**
 * Reading `summary` of a run record piece by piece. A report must not fail because one piece of one run is missing or has another
 * shape (an older version wrote it, a run was killed), and must not hide it either: a missing piece is undefined, a malformed one
 * is undefined and noted.
 */
import type { z } from 'zod';

export function readPart<S extends z.ZodType>(
  schema: S,
  summary: Readonly<Record<string, unknown>>,
  name: string,
  notes: string[],
): z.output<S> | undefined {
  const value = summary[name];
  if (value === undefined || value === null) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const place = ['summary', name, ...issue.path.map(String)].join('.');
  notes.push(`${place} in run.json has another shape than expected (${issue.message}); it is left out`);
  return undefined;
}
