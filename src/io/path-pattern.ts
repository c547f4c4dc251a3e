/**
 * Patterns of file names: `*` and `?` within a name, `**` over folders, `[a-c]`, `[!x]`, `{a,b}`. Matching is linear in practice: a pattern becomes one
 * regular expression without nested repetition.
 */
import { UserError } from '../core/errors.ts';

/** Whether a path has characters of a pattern. */
export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The folders before the first part with a pattern, and the rest. */
export function splitPattern(path: string): { base: string; pattern: string } {
  const parts = path.split('/');
  const first = parts.findIndex(isPattern);
  const base = parts.slice(0, first).join('/');
  return {
    base: base === '' ? (path.startsWith('/') ? '/' : '.') : base,
    pattern: parts.slice(first).join('/'),
  };
}

/** How many folders below the base a file that matches can lie; `**` reaches any depth. */
export function patternMatcher(pattern: string): (path: string) => boolean {
  // A pattern that matches a folder stands for the files in it.
  const expression = new RegExp(`^(?:${source(pattern)})(?:/.*)?$`, 'su');
  return (path) => expression.test(path);
}

function source(pattern: string): string {
  let out = '';
  let braces = 0;
  const bad = (problem: string): UserError =>
    new UserError(`the pattern ${JSON.stringify(pattern)} ${problem}`, { hint: 'use * ? ** [abc] {a,b}' });
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '*') {
      if (pattern[i + 1] !== '*') out += '[^/]*';
      else if (pattern[i + 2] === '/') {
        out += '(?:[^/]+/)*';
        i += 2;
      } else {
        out += '.*';
        i += 1;
      }
    } else if (c === '?') out += '[^/]';
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 2);
      if (end < 0) throw bad('has a [ without a ]');
      const body = pattern.slice(i + 1, end).replace(/[\\[\]&^~|]/g, '\\$&');
      out += `(?!/)[${body.startsWith('!') ? `^${body.slice(1)}` : body}]`;
      i = end;
    } else if (c === '{') {
      braces++;
      out += '(?:';
    } else if (c === '}' && braces > 0) {
      braces--;
      out += ')';
    } else if (c === ',' && braces > 0) out += '|';
    else out += c.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  }
  if (braces > 0) throw bad('has a { without a }');
  return out;
}
