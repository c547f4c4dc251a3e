/**
 * Private-use characters that mark formulas and code inside text between the math pass and the finished text.
 *
 * The pass puts `inline + tex + end` where a formula was; Readability sees ordinary text; the walker adds delimiters and
 * marks code; `stripMarks` takes all of them out at the end and says where they were. The same characters are removed
 * from the input first, so a page cannot forge them.
 */
export const marks = {
  inline: '\uE000',
  display: '\uE001',
  end: '\uE002',
  codeStart: '\uE003',
  codeEnd: '\uE004',
} as const;

/** Any mark, for removal from input. */
const anyMark = /[\uE000-\uE004]/g;

/** Number of marked formulas in `text`. */
export function countMarks(text: string): number {
  let count = 0;
  for (let at = text.indexOf(marks.end); at >= 0; at = text.indexOf(marks.end, at + 1)) count++;
  return count;
}

export type Range = readonly [start: number, end: number];

/** `marked` without marks, and the ranges (in the result) that were formulas and code. Ranges are in order. */
export function stripMarks(marked: string): { text: string; formulas: Range[]; code: Range[] } {
  const pieces: string[] = [];
  const formulas: Range[] = [];
  const code: Range[] = [];
  let length = 0;
  let from = 0;
  let formulaStart = -1;
  let codeStart = -1;
  let codeDepth = 0;
  for (const match of marked.matchAll(anyMark)) {
    pieces.push(marked.slice(from, match.index));
    length += match.index - from;
    from = match.index + 1;
    if (match[0] === marks.inline || match[0] === marks.display) formulaStart = length;
    else if (match[0] === marks.end) {
      if (formulaStart >= 0) formulas.push([formulaStart, length]);
      formulaStart = -1;
    } else if (match[0] === marks.codeStart) {
      if (codeDepth++ === 0) codeStart = length;
    } else if (codeDepth > 0 && --codeDepth === 0) code.push([codeStart, length]);
  }
  pieces.push(marked.slice(from));
  return { text: pieces.join(''), formulas, code };
}
