/**
 * Whether an evaluation's folder can be gone on with: it holds nothing yet, or parts of this very evaluation. What decides the samples is kept in
 * `evaluation.json`; any difference is named, setting by setting.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stableJson } from '../../src/core/config.ts';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';

export const decisiveFile = 'evaluation.json';

/** Settings that are known by a fingerprint only. */
const contents: Readonly<Record<string, string>> = {
  problems: 'other problems',
  examples: 'other examples',
  model_files: 'another model, or other weights',
};

/** Writes the settings into a fresh folder; throws a `UserError` when the folder was begun with others or is something else's. */
export async function decidedBefore(out: string, decisive: Readonly<Record<string, unknown>>): Promise<void> {
  const path = join(out, decisiveFile);
  if (!existsSync(path)) {
    if (existsSync(out) && readdirSync(out).length > 0) {
      throw new UserError(`${out} is not empty and was not written by midtrain eval`, {
        hint: 'give a new folder with --out',
      });
    }
    await writeFileAtomic(path, `${JSON.stringify(decisive, null, 2)}\n`);
    return;
  }
  const differences = differencesOf(readDecisive(path), decisive);
  if (differences.length === 0) return;
  const shown = differences.slice(0, 8).map(({ key, from, to }) => {
    const what = contents[key.slice(key.lastIndexOf('.') + 1)];
    return what === undefined ? `  - ${key}: ${from} -> ${to}` : `  - ${key}: ${what}`;
  });
  throw new UserError(`${out} was begun with other settings:\n${shown.join('\n')}`, {
    hint: 'give another --out, or the settings it was begun with',
  });
}

/** What two folders were made with that differs, beside the model; for those who compare them. At most 8 are told. */
export function differentSettings(first: string, second: string): string[] {
  const [a, b] = [first, second].map((folder) => readDecisive(join(folder, decisiveFile)));
  const told = differencesOf(a, b).filter(({ key }) => key !== 'model_files');
  return told.slice(0, 8).map(({ key, from, to }) => {
    const what = contents[key.slice(key.lastIndexOf('.') + 1)];
    return `${key}: ${what ?? `${from} and ${to}`}`;
  });
}

function readDecisive(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(path, `not JSON: ${messageOf(error)}`, { cause: error, hint: 'give another --out' });
  }
}

/** Settings whose values are not the same; a benchmark that is new or gone is no difference, since its parts stand by themselves. */
function differencesOf(before: unknown, now: unknown): { key: string; from: string; to: string }[] {
  const [a, b] = [flat(before), flat(now)];
  const benchmarks = (of: ReadonlyMap<string, string>): Set<string> =>
    new Set(
      [...of.keys()].flatMap((key) => /^benchmarks\.([^.]+(?:\.[^.]+)*?)\.problems$/.exec(key)?.[1] ?? []),
    );
  const [had, has] = [benchmarks(a), benchmarks(b)];
  const onlyOne = [...had, ...has].filter((name) => !(had.has(name) && has.has(name)));
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => !onlyOne.some((name) => key.startsWith(`benchmarks.${name}.`)))
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => ({ key, from: a.get(key) ?? 'not set', to: b.get(key) ?? 'not set' }));
}

function flat(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (prefix: string, inner: unknown, depth: number): void => {
    if (inner !== null && typeof inner === 'object' && !Array.isArray(inner) && depth < 8)
      for (const [key, v] of Object.entries(inner))
        visit(prefix === '' ? key : `${prefix}.${key}`, v, depth + 1);
    else found.set(prefix, stableJson(inner ?? null));
  };
  visit('', value, 0);
  return found;
}
