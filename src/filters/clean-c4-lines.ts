/**
 * The text without the lines that C4 throws away: lines with a very long word, without end punctuation, of fewer than three words,
 * about javascript or policies; and without citation marks. Lines that stay are stripped and joined by `\n`.
 *
 * With `math` a line that holds a part of a formula stays whatever its end and length, and citation marks are only removed outside
 * formulas (`$f[1]$` is an index). The document rules (braces, "lorem ipsum", five sentences) are rules on signals, not here.
 * Source: datatrove C4QualityFilter 0.10; the exception for formulas is this project's own.
 */
import { findMathSpans, type MathSpan } from '../text/math-spans.ts';
import { type C4Line, c4Defaults, forEachC4Line, stripCitations } from './c4-lines.ts';

export interface CleanC4Options {
  /** Remove lines that do not end in `.` `?` `!` `"` `'` (default). FineWeb left the rule off. */
  requireEndPunctuation?: boolean;
  /** Fewest words on a line; 0 for any. Default 3. */
  fewestWords?: number;
  /** Most characters in a word. Default 1000. */
  longestWord?: number;
  /** Remove lines that mention javascript. Default true. */
  javascript?: boolean;
  /** Remove lines about terms of use, privacy or cookies. Default true. */
  policy?: boolean;
  /** Remove citation marks. Default true. */
  citations?: boolean;
  /** `keep` (default) leaves lines with formulas in place; `plain` judges them as any other. */
  math?: 'keep' | 'plain';
}

export function cleanC4Lines(text: string, options: CleanC4Options = {}): string {
  const spans = options.math === 'plain' ? [] : findMathSpans(text);
  const kept: string[] = [];
  let cursor = 0;
  forEachC4Line(text, (line) => {
    while (cursor < spans.length && spans[cursor]!.end <= line.start) cursor++;
    const formula = (spans[cursor]?.start ?? Number.POSITIVE_INFINITY) < line.end;
    if (removes(line, options, formula)) return;
    const plain = options.citations === false || line.cleaned === undefined;
    if (plain) kept.push(text.slice(line.start, line.end));
    else kept.push(formula ? withoutCitations(text, line, spans, cursor) : line.cleaned!);
  });
  return kept.join('\n').trim();
}

function removes(line: C4Line, options: CleanC4Options, formula: boolean): boolean {
  if (options.javascript !== false && line.javascript) return true;
  if (options.policy !== false && line.policy) return true;
  if (formula) return false;
  if (line.longestWord > (options.longestWord ?? c4Defaults.longestWord)) return true;
  if (options.requireEndPunctuation !== false && !line.closed) return true;
  return line.words < (options.fewestWords ?? c4Defaults.fewestWords);
}

/** The line with citation marks removed between its formulas, from `spans[cursor]` on. */
function withoutCitations(text: string, line: C4Line, spans: readonly MathSpan[], cursor: number): string {
  const pieces: string[] = [];
  let from = line.start;
  for (let i = cursor; i < spans.length && spans[i]!.start < line.end; i++) {
    const start = Math.max(spans[i]!.start, line.start);
    const end = Math.min(spans[i]!.end, line.end);
    pieces.push(stripCitations(text.slice(from, start)), text.slice(start, end));
    from = end;
  }
  pieces.push(stripCitations(text.slice(from, line.end)));
  return pieces.join('');
}
