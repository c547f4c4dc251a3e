/**
 * How the lines of prose end, where a page also has tables and displayed formulas.
 *
 * FineWeb's rule asks what share of lines ends like a sentence. A row of a table never does, and a displayed formula stands on
 * lines of its own although it belongs to the sentence around it; so an encyclopedia entry of one paragraph, one formula and a
 * table of twelve rows fails the rule. Here a displayed formula does not break the line it is in, rows of tables are left out,
 * and so is a line that ends with a formula without a mark: it says neither.
 */
import type { MathSpan } from '../text/math-spans.ts';

export interface ProseLines {
  /** Lines that end like a sentence. */
  closed: number;
  /** Lines that end otherwise. */
  open: number;
}

/** `spans` are the formulas of `text`, in order; `closes` says whether a line that ends so ends a sentence. */
export function countProseLines(
  text: string,
  spans: readonly MathSpan[],
  closes: (line: string) => boolean,
): ProseLines {
  const counts: ProseLines = { closed: 0, open: 0 };
  let cursor = 0; // first span that ends behind `at`; it only moves forward, so the whole is linear
  let start = 0;
  while (start < text.length) {
    let at = start;
    let end = at;
    while (at <= text.length) {
      end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      while (cursor < spans.length && spans[cursor]!.end <= end) cursor++;
      const after = behindFormula(text, spans[cursor], end);
      if (after === undefined) break;
      at = after;
    }
    const line = text.slice(start, end);
    const stop = start + line.trimEnd().length;
    // The last formula that ends at or before `stop`.
    let last = Math.min(cursor, spans.length - 1);
    while (last >= 0 && spans[last]!.end > stop) last--;
    const span = spans[last];
    const formula =
      span !== undefined && span.end === stop && span.start >= start
        ? text.slice(span.contentStart, span.contentEnd).trimEnd()
        : undefined;
    judge(line, formula, closes, counts);
    start = end + 1;
  }
  return counts;
}

/** Where to look on if the line end at `end` does not count: it is inside `span`, or in the blank before a displayed one. */
function behindFormula(text: string, span: MathSpan | undefined, end: number): number | undefined {
  if (span === undefined || end >= text.length) return undefined;
  if (span.start < end) return span.end;
  // Formulas far away belong to other lines; do not read the whole text to find out.
  const near = span.start - end < 64 && text.slice(end, span.start).trim() === '';
  return span.display && near ? span.end : undefined;
}

function judge(
  line: string,
  formula: string | undefined,
  closes: (line: string) => boolean,
  counts: ProseLines,
): void {
  const trimmed = line.trim();
  if (trimmed === '' || trimmed.startsWith('|')) return;
  if (formula !== undefined) {
    if (formula.endsWith('.') || formula.endsWith('?')) counts.closed++;
    return;
  }
  if (closes(trimmed)) counts.closed++;
  else counts.open++;
}
