/**
 * Strict reading of configuration: a zod schema, one error per wrong key that names the key, the value and the nearest valid
 * name, and a fingerprint of the resolved result. `undefined` means unset; unknown keys are errors.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { describeProblems } from './config-problems.ts';
import { UserError } from './errors.ts';

export { nearest } from './nearest.ts';

/** Parses `value` with `schema`; throws a `UserError` that lists every problem with its place in `file`. */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown, file: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = describeProblems(result.error.issues, schema, value);
  throw new UserError(
    `${file}: ${lines.length === 1 ? lines[0] : `\n${lines.map((l) => `  - ${l}`).join('\n')}`}`,
    {
      hint: `mend ${lines.length === 1 ? 'this key' : 'these keys'} in ${file} and run again`,
    },
  );
}

/** sha256 (first 16 hex digits) of a value's JSON with sorted keys: equal configs have equal fingerprints. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(stableJson(value)).digest('hex').slice(0, 16);
}

/** JSON with object keys sorted at every level. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
