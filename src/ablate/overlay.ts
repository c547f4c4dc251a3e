/**
 * Changes laid over a config, and the list of what they change. Keys of objects are merged at every depth; a list replaces a list; null takes a key away.
 * Pure, on plain values as YAML gives them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Difference } from './grid.ts';

export type Plain = Record<string, unknown>;

export function isPlain(value: unknown): value is Plain {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** `base` with `changes` laid over it; neither is altered. */
export function overlay(base: Plain, changes: Plain): Plain {
  const result: Plain = { ...base };
  for (const [key, change] of Object.entries(changes)) {
    const before = result[key];
    if (change === null || change === undefined) delete result[key];
    else if (isPlain(change)) result[key] = overlay(isPlain(before) ? before : {}, change);
    else result[key] = change;
  }
  return result;
}

/** Where `arm` differs from `base`, by path, in the order of the paths. What only one has stands there whole. */
export function differencesOf(base: Plain, arm: Plain): Difference[] {
  const found: Difference[] = [];
  const visit = (path: string, a: unknown, b: unknown): void => {
    if (isDeepStrictEqual(a, b)) return;
    if (isPlain(a) && isPlain(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        visit(path === '' ? key : `${path}.${key}`, a[key], b[key]);
      return;
    }
    found.push({
      path,
      ...(a === undefined ? {} : { base: a }),
      ...(b === undefined ? {} : { value: b }),
    });
  };
  visit('', base, arm);
  return found.sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
}

/**
 * `mix.decay.sources.qa.weight` and a value as a change to lay over `base`. A name may hold dots itself: the longest that is there is taken, and what
 * is not there is cut at every dot.
 */
export function changeAt(base: unknown, path: string, value: unknown): Plain {
  const parts = path.split('.');
  if (isPlain(base)) {
    for (let n = parts.length; n > 1; n--) {
      const key = parts.slice(0, n).join('.');
      if (Object.hasOwn(base, key))
        return { [key]: n === parts.length ? value : changeAt(base[key], parts.slice(n).join('.'), value) };
    }
  }
  const [first, ...rest] = parts;
  if (rest.length === 0) return { [first!]: value };
  return { [first!]: changeAt(isPlain(base) ? base[first!] : undefined, rest.join('.'), value) };
}
