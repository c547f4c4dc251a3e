/**
 * What zod says about a wrong config, in words that name the key, what was written there, and the cure.
 *
 * A union (`dedup: exact`, `dedup: [{ step: minhash }]`) fails once per form it allows; of these only the form that comes nearest to what
 * was written is told: forms of another kind (a word where keys are written) go first, then those with more problems; what ties is merged.
 * Messages that a schema brings itself are left as they are.
 */
import type { z } from 'zod';
import { nearest } from './nearest.ts';

/** One line per problem of `issues`, in their order; `root` is what was parsed with `schema`. */
export function describeProblems(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  root: unknown,
): string[] {
  const flat = issues.flatMap((issue) => flatten(issue, []));
  return [...new Set(flat.flatMap((problem) => describe(problem, schema, root)))];
}

/** An issue outside of unions, its path from the root. */
interface Problem {
  issue: z.core.$ZodIssue;
  path: PropertyKey[];
  /** What a word may be, where several forms of a union allow words. */
  choices?: unknown[];
  /** Kinds of value that were expected, where several would do. */
  kinds?: string[];
}

function flatten(issue: z.core.$ZodIssue, before: readonly PropertyKey[]): Problem[] {
  const path = [...before, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ issue, path }];
  const forms = issue.errors.flatMap((form) => spread(form, path));
  const here = (problem: Problem): boolean =>
    problem.path.length === path.length && /^invalid_(type|value)$/.test(problem.issue.code);
  const near = forms.filter((form) => !form.some(here));
  if (near.length === 0) {
    const wrong = forms.flat().filter(here);
    const merged: Problem = { issue, path, choices: [], kinds: [] };
    for (const problem of wrong) {
      merged.choices!.push(...choicesOf(problem));
      if (problem.issue.code === 'invalid_type') merged.kinds!.push(problem.issue.expected);
    }
    return [merged];
  }
  const weight = (form: readonly Problem[]): number =>
    form.reduce((sum, { issue: one }) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 1), 0);
  const least = Math.min(...near.map(weight));
  return merge(near.filter((form) => weight(form) === least).flat());
}

/** A form of a union whose first problem is another union in the same place is that union's forms. */
function spread(form: readonly z.core.$ZodIssue[], path: readonly PropertyKey[]): Problem[][] {
  const [only] = form;
  if (form.length === 1 && only?.code === 'invalid_union' && only.path.length === 0)
    return only.errors.flatMap((inner) => spread(inner, path));
  return [form.flatMap((issue) => flatten(issue, path))];
}

/** Problems of several forms as one list: choices in one place are joined. */
function merge(problems: readonly Problem[]): Problem[] {
  const merged = new Map<string, Problem>();
  for (const problem of problems) {
    const key = `${problem.issue.code} ${problem.path.map(String).join('.')}`;
    const earlier = merged.get(key);
    if (earlier === undefined) merged.set(key, { ...problem });
    else if (problem.issue.code === 'invalid_value')
      earlier.choices = [...choicesOf(earlier), ...choicesOf(problem)];
  }
  return [...merged.values()];
}

function choicesOf({ issue, choices }: Problem): unknown[] {
  return choices ?? (issue.code === 'invalid_value' ? [...issue.values] : []);
}

function describe(problem: Problem, schema: z.ZodType, root: unknown): string[] {
  const { issue, path } = problem;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path, root);
    const where = path.length === 0 ? '' : ` in ${placeOf(path)}`;
    return issue.keys.map((key) => `unknown key "${key}"${where}${suggestion(key, known)}`);
  }
  // A short form (`weight: 2` for `weight: { value: 2 }`) has no node at the end of the path: name the part that was written.
  let got = root;
  const written: PropertyKey[] = [];
  for (const key of path) {
    if (typeof got !== 'object' || got === null) break;
    got = (got as Record<PropertyKey, unknown>)[key];
    written.push(key);
  }
  const place = written.length === 0 ? 'the file' : placeOf(written);
  const said = inWords(problem, got, keysAt(schema, path, root));
  if (got === undefined && ownWords(issue.message)) return [`${place} is missing; expected ${said.expected}`];
  if (said.whole !== undefined) return [`${place}: ${said.whole}`];
  return [`${place}: ${said.expected}${got === undefined ? '' : ` (found ${show(got)})`}`];
}

/** True for what zod says when a schema has no message of its own. */
function ownWords(message: string): boolean {
  return /^(Invalid (input|option)|Too (small|big))/.test(message);
}

/** What was expected; `whole` when that is a sentence that already says what was found. */
function inWords(
  problem: Problem,
  got: unknown,
  keys: readonly string[],
): { expected: string; whole?: string } {
  const { issue } = problem;
  if (!ownWords(issue.message)) return { expected: issue.message };
  const choices = [...new Set(choicesOf(problem))];
  const kinds = [...new Set(problem.kinds ?? (issue.code === 'invalid_type' ? [issue.expected] : []))].map(
    (kind) => kindName(kind, keys),
  );
  const list = choices.map(String).join(', ');
  if (choices.length > 0) {
    const one = choices.length === 1 ? list : `one of ${list}`;
    if (typeof got === 'string' || typeof got === 'number') {
      const near = typeof got === 'string' ? nearest(got, choices.map(String)) : undefined;
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      return {
        expected: one,
        whole: `${show(got)} is not ${choices.length === 1 ? list : `one of ${list}`}${meant}`,
      };
    }
    return { expected: got === undefined ? one : `expected ${[...kinds, one].join(', or ')}` };
  }
  if (kinds.length > 0) {
    const expected = kinds.join(', or ');
    const cure = expected === kindNames.array && typeof got === 'string' ? `, as in [${got}]` : '';
    return { expected: got === undefined ? expected : `expected ${expected}${cure}` };
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const small = issue.code === 'too_small';
    const bound = Number(small ? issue.minimum : issue.maximum);
    const at = `${small ? 'at least' : 'at most'} ${bound}`;
    if (issue.origin === 'string')
      return { expected: small && bound === 1 ? 'must not be empty' : `must have ${at} characters` };
    if (issue.origin === 'array') return { expected: `must have ${at} ${bound === 1 ? 'entry' : 'entries'}` };
    return {
      expected: `must be ${issue.inclusive === false ? (small ? `more than ${bound}` : `less than ${bound}`) : at}`,
    };
  }
  return { expected: issue.message };
}

const kindNames: Record<string, string> = {
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function kindName(kind: string, keys: readonly string[]): string {
  if (kind === 'object' || kind === 'record')
    return keys.length === 0 ? 'keys with values' : `keys with values { ${keys.join(', ')} }`;
  return kindNames[kind] ?? kind;
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function suggestion(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '' : ` (known: ${known.join(', ')})`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

interface SchemaNode {
  def?: {
    type?: string;
    innerType?: unknown;
    in?: unknown;
    out?: unknown;
    shape?: Record<string, unknown>;
    element?: unknown;
    valueType?: unknown;
    options?: readonly unknown[];
  };
}

/** The object schemas and other nodes that a schema stands for, looking through optional, default, array and union wrappers. */
function unwrap(schema: unknown): SchemaNode[] {
  let node = schema as SchemaNode | undefined;
  while (node?.def?.innerType !== undefined || node?.def?.in !== undefined) {
    // z.preprocess is a pipe that begins with a transform: its shape is what comes out.
    const preprocess = (node.def.in as SchemaNode | undefined)?.def?.type === 'transform';
    node = (node.def.innerType ?? (preprocess ? node.def.out : node.def.in)) as SchemaNode | undefined;
  }
  if (node?.def?.options !== undefined && node.def.type === 'union') return node.def.options.flatMap(unwrap);
  return node === undefined ? [] : [node];
}

/** The keys an object schema allows at a path; of a union those of the forms whose fixed words fit what was written. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): string[] {
  let nodes = unwrap(schema);
  let value = root;
  for (const key of path) {
    nodes = nodes.flatMap(({ def }) => unwrap(def?.shape?.[String(key)] ?? def?.element ?? def?.valueType));
    value =
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }
  const shapes = nodes.flatMap(({ def }) => (def?.shape === undefined ? [] : [def.shape]));
  const fitting = shapes.filter((shape) => fits(shape, value));
  return [...new Set((fitting.length > 0 ? fitting : shapes).flatMap((shape) => Object.keys(shape)))];
}

function fits(shape: Readonly<Record<string, unknown>>, value: unknown): boolean {
  return Object.entries(shape).every(([key, schema]) => {
    const type = (schema as SchemaNode).def?.type;
    const word = (value as Record<string, unknown> | null | undefined)?.[key];
    if ((type !== 'literal' && type !== 'enum') || word === undefined) return true;
    return (schema as z.ZodType).safeParse(word).success;
  });
}
