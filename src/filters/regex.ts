/**
 * How many of the patterns that a pipeline gives are found in a text. Patterns are JavaScript's with the `u` flag; Python's leading
 * `(?i)`, `(?m)` and `(?s)` are understood. A pattern is run on every text as it is, so one that backtracks without bound can stall
 * on some text: the job's stall limit then ends the worker.
 * Source: datatrove RegexFilter 0.10 (a match drops the document).
 */
import { messageOf, UserError } from '../core/errors.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import type { FamilySpec, SignalFamily } from './signal.ts';

export const regexSpec: FamilySpec = {
  name: 'regex',
  source: 'datatrove RegexFilter',
  signals: [
    {
      name: 'regex.match_count',
      description: 'how many of the given patterns are found',
      histogram: { from: 0, to: 8 },
    },
  ],
};

/** The family over `patterns`; `file` is named when one is no regular expression. */
export function regexFamily(patterns: readonly string[], file: string): SignalFamily {
  const compiled = patterns.map((pattern) => compile(pattern, file));
  return {
    ...regexSpec,
    measure: ({ text }: MeasuredText) =>
      Float64Array.of(compiled.reduce((sum, pattern) => sum + Number(pattern.test(text)), 0)),
  };
}

function compile(pattern: string, file: string): RegExp {
  const inline = pattern.match(/^\(\?([ims]+)\)/);
  const flags = [...new Set(inline?.[1] ?? '')].join('');
  try {
    return new RegExp(pattern.slice(inline?.[0].length ?? 0), `u${flags}`);
  } catch (error) {
    throw new UserError(`${file}: "${pattern}" is no regular expression: ${messageOf(error)}`, {
      hint: 'patterns are JavaScript regular expressions, for example (?i)copyright',
      cause: error,
    });
  }
}
