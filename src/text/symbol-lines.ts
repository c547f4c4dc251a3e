/**
 * Removes lines that are nothing but symbols (rules, table frames, stray bars). Blank lines stay.
 *
 * A run of such lines becomes one `replacement`, or nothing. Symbols are datatrove's punctuation marks. Lines are cut at every line
 * end Python knows and joined by `\n`. `$$` alone on a line opens a displayed formula and stays (datatrove removes it).
 * Source: datatrove SymbolLinesFormatter 0.10.
 */
import { isPunctuationWord } from './words.ts';

/** The line ends of Python's `str.splitlines`. */
const lineEnds = /\r\n|[\n\r\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/;
/** Delimiters that mathematics puts on lines of their own. */
const mathDelimiters: ReadonlySet<string> = new Set(['$$', '\\[', '\\]']);

export function removeSymbolLines(text: string, replacement = ''): string {
  const lines = text.split(lineEnds);
  if (lines.at(-1) === '') lines.pop(); // splitlines makes no line of what follows the last end
  const kept: string[] = [];
  let removing = false;
  for (const line of lines) {
    const trimmed = line.trim();
    const symbols =
      trimmed !== '' && !mathDelimiters.has(trimmed) && isPunctuationWord(line.replaceAll(' ', ''));
    if (!symbols) kept.push(line);
    else if (!removing && replacement !== '') kept.push(replacement);
    removing = symbols;
  }
  return kept.join('\n');
}
