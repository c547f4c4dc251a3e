/**
 * Strict reading of configuration: a zod schema, one error per wrong key that names the key, the value and the nearest valid
 * name, and a fingerprint of the resolved result. `undefined` means unset; unknown keys are errors.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { UserError } from './errors.ts';

/** Parses `value` with `schema`; throws a `UserError` that lists every problem with its place in `file`. */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown, file: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => describe(issue, schema, value));
  throw new UserError(
    `${file}: ${lines.length === 1 ? lines[0] : `\n${lines.map((l) => `  - ${l}`).join('\n')}`}`,
    {
      hint: `mend ${lines.length === 1 ? 'this key' : 'these keys'} in ${file} and run again`,
    },
  );
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): string[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const where = path === '' ? '' : ` in ${path}`;
      return `unknown key "${key}"${where}${near === undefined ? '' : `; did you mean "${near}"?`}${
        near === undefined && known.length > 0 ? ` (known: ${known.join(', ')})` : ''
      }`;
    });
  }
  // A short form (`weight: 2` for `weight: { value: 2 }`) has no node at the end of the path: name the part that was written.
  let got = root;
  const written: PropertyKey[] = [];
  for (const key of issue.path) {
    if (typeof got !== 'object' || got === null) break;
    got = (got as Record<PropertyKey, unknown>)[key];
    written.push(key);
  }
  const place = written.map(String).join('.');
  return [
    `${place === '' ? 'the file' : place}: ${issue.message}${got === undefined ? '' : ` (found ${show(got)})`}`,
  ];
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The keys an object schema allows at a path, looking through optional, default and array wrappers. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  const unwrap = (s: unknown): unknown => {
    type Wrapper = { def?: { type?: string; innerType?: unknown; in?: unknown; out?: unknown } } | undefined;
    let inner = s as Wrapper;
    while (inner?.def?.innerType !== undefined || inner?.def?.in !== undefined) {
      // z.preprocess is a pipe that begins with a transform: its shape is what comes out.
      const preprocess = (inner.def.in as Wrapper)?.def?.type === 'transform';
      inner = (inner.def.innerType ?? (preprocess ? inner.def.out : inner.def.in)) as Wrapper;
    }
    return inner;
  };
  for (const key of path) {
    const s = unwrap(at) as
      | { def?: { shape?: Record<string, unknown>; element?: unknown; valueType?: unknown } }
      | undefined;
    at = s?.def?.shape?.[String(key)] ?? s?.def?.element ?? s?.def?.valueType;
  }
  const s = unwrap(at) as { def?: { shape?: Record<string, unknown> } } | undefined;
  return Object.keys(s?.def?.shape ?? {});
}

/** The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the hand. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
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
