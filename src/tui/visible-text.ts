/**
 * Foreign text made harmless and visible: what a terminal would act on or hide is written out as an escape (`\x1b`, `\u202e`), so that a
 * reader of a page sees that it is there. src/core/printable.ts removes the same things; here the page itself is what is looked at.
 *
 * Escaped: control characters (C0, C1, DEL), bidirectional controls, zero-width and other default-ignorable characters, variation
 * selectors, tags, lone surrogates, line and paragraph separators, and combining marks beyond four on one character. Newline stays, a tab
 * becomes spaces. Then every character has a known width of one or two cells (or none, for combining marks), and lines can be wrapped.
 */

const hidden =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]|(?<=\p{M}{4})\p{M}/gu;

/** `text` with everything hidden written out; newlines stay. */
export function visibleText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '    ')
    .replace(hidden, (character) => (character === '\n' ? '\n' : escapeOf(character)));
}

/** The same on one line: a newline is written out too. */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll('\n', '\\n');
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

/** JSON of a value in which hidden characters of strings are `\u` escapes: the same value, harmless on a terminal. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(hidden, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

// East Asian wide and fullwidth characters and emoji (Unicode 16, EastAsianWidth.txt: W and F), as ranges of code points.
const wide = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
] as const;
const emoji = /\p{Emoji_Presentation}/u;
const combining = /[\p{Mn}\p{Me}]/u;

/** Cells that one character of `visibleText` takes. */
export function cellsOf(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (combining.test(character)) return 0;
  if (code < 0x1100) return 1;
  return wide.some(([from, to]) => code >= from && code <= to) || emoji.test(character) ? 2 : 1;
}

/** Cells of a line of `visibleText`. */
export function widthOf(line: string): number {
  let cells = 0;
  for (const character of line) cells += cellsOf(character);
  return cells;
}

/** The line cut to `cells`, with "…" where something was cut off. */
export function cutTo(line: string, cells: number): string {
  if (line.length <= cells && widthOf(line) <= cells) return line;
  let cut = '';
  let used = 0;
  for (const character of line) {
    used += cellsOf(character);
    if (used > cells - 1) break;
    cut += character;
  }
  return cells < 1 ? '' : `${cut}…`;
}

/** Lines of at most `cells`, broken at spaces where there are any. Linear in the text. */
export function wrapText(text: string, cells: number): string[] {
  const lines: string[] = [];
  const room = Math.max(2, cells);
  for (const paragraph of text.split('\n')) {
    let line = '';
    let used = 0;
    /** Length of `line` up to its last space, and cells up to there. */
    let breakAt = -1;
    let breakCells = 0;
    for (const character of paragraph) {
      const width = cellsOf(character);
      if (used + width > room && character === ' ') {
        lines.push(line);
        [line, used, breakAt] = ['', 0, -1];
        continue;
      }
      // Twice when what stands behind the last space still leaves no room.
      while (used + width > room) {
        const cut = breakAt > 0 ? breakAt : line.length;
        const cutCells = breakAt > 0 ? breakCells : used;
        lines.push(line.slice(0, cut).trimEnd());
        line = line.slice(cut);
        used -= cutCells;
        breakAt = -1;
      }
      line += character;
      used += width;
      if (character === ' ') [breakAt, breakCells] = [line.length, used];
    }
    lines.push(line);
  }
  return lines;
}
