/**
 * Lines and paragraphs, cut as the quality rules cut them, and the marks they look for at either end of a line.
 *
 * A line ends at `\n`; `\r\n` counts as one end. A paragraph ends at two or more line ends (datatrove's
 * `\n{2,}`). Source: datatrove gopher_repetition_filter.py, fineweb_quality_filter.py, gopher_quality_filter.py.
 */

/** All lines, the empty ones too; `"a\n"` is two lines, the second empty. */
export function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (text.includes('\r')) {
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index]!;
      if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
    }
  }
  return lines;
}

/** Paragraphs of the trimmed text: runs of lines between blank lines. Empty text has none. */
export function splitParagraphs(text: string): string[] {
  const paragraphs: string[] = [];
  const trimmed = text.trim();
  const end = trimmed.length;
  let start = 0;
  let at = 0;
  while (at < end) {
    const newline = trimmed.indexOf('\n', at);
    if (newline < 0) break;
    let after = newline;
    while (after < end && trimmed.charCodeAt(after) === 10) after++;
    if (after - newline >= 2) {
      if (newline > start) paragraphs.push(trimmed.slice(start, newline));
      start = after;
    }
    at = after;
  }
  if (start < end) paragraphs.push(trimmed.slice(start));
  return paragraphs;
}

/** Marks that end a sentence in the C4 and FineWeb rules. */
export const terminalPunctuation: ReadonlySet<string> = new Set([
  '.',
  '?',
  '!',
  '"',
  "'",
  '”',
  '’',
  '。',
  '？',
  '！',
  '؟',
  '।',
  '…',
]);

/** True when the line's last character that is not white space is in `marks`. */
export function endsWithMark(line: string, marks: ReadonlySet<string> = terminalPunctuation): boolean {
  const trimmed = line.trimEnd();
  return trimmed !== '' && marks.has(trimmed.charAt(trimmed.length - 1));
}

/** True for a line that opens with a bullet (`•` or `-`), as Gopher's rule in datatrove reads it. */
export function startsWithBullet(line: string): boolean {
  const first = line.trimStart().charAt(0);
  return first === '•' || first === '-';
}

/** True for a line that ends in `...` or `…`. */
export function endsWithEllipsis(line: string): boolean {
  const trimmed = line.trimEnd();
  return trimmed.endsWith('...') || trimmed.endsWith('…');
}
