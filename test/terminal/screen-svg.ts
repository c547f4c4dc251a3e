/**
 * The screen of a terminal as an SVG: a window with a dark ground and an edge, so that it reads on GitHub's light and dark pages.
 *
 * Text is drawn in runs of one style, each stretched to the width of its cells (textLength), so that columns stay columns in any
 * monospace font; box, block and braille characters are paths (cell-shapes.ts). No font, style sheet or script is loaded. Same cells,
 * same bytes. Gives up: blinking, the cursor.
 */
import { cellShapes } from './cell-shapes.ts';
import type { Cell, Color } from './screen.ts';

export interface SvgOptions {
  /** In the window's bar. */
  title?: string;
  /** For readers that do not see the picture. */
  description?: string;
}

const cellWidth = 8.4;
const cellHeight = 18;
const fontSize = 14;
/** Of the letters' foot below the top of the cell. */
const baseline = 13.2;
const margin = 12;
const bar = 30;
const ground = 0x14181f;
const ink = 0xd5dbe3;
/** The 16 colours; each of 1-7 and 9-15 has a contrast of 4.5 or more against the ground. */
const palette = [
  0x3b4252, 0xf07178, 0x8bc34a, 0xe6b450, 0x6aa9ff, 0xc792ea, 0x4fc3d7, 0xd5dbe3, 0x8a94a6, 0xff8b92,
  0xaadb6e, 0xffd173, 0x8fc1ff, 0xddb3ff, 0x7fe0ef, 0xffffff,
];

export function screenSvg(cells: readonly (readonly Cell[])[], options: SvgOptions = {}): string {
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const width = n(columns * cellWidth + 2 * margin);
  const height = n(cells.length * cellHeight + bar + margin);
  const body = cells.flatMap((row, i) => drawRow(row, bar + i * cellHeight));
  const title = options.title ?? '';
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${fontSize}">`,
    `<title>${escaped(options.description ?? title)}</title>`,
    `<rect x="0.5" y="0.5" width="${n(Number(width) - 1)}" height="${n(Number(height) - 1)}" rx="8" fill="${hex(ground)}" stroke="#59636e"/>`,
    ...[0xf07178, 0xe6b450, 0x8bc34a].map(
      (color, i) => `<circle cx="${18 + i * 18}" cy="15" r="5" fill="${hex(color)}"/>`,
    ),
    ...(title === ''
      ? []
      : [
          `<text x="${n(Number(width) / 2)}" y="19.5" fill="${hex(palette[8]!)}" text-anchor="middle" font-size="12">${escaped(title)}</text>`,
        ]),
    ...body,
    '</svg>',
  ].join('\n')}\n`;
}

interface Style {
  fill: number;
  back: number | undefined;
  bold: boolean;
  italic: boolean;
  underline: boolean;
  strikethrough: boolean;
}

function styleOf(cell: Cell): Style {
  const foreground = colorOf(cell.foreground) ?? ink;
  const background = colorOf(cell.background);
  const back = cell.inverse ? foreground : background;
  const front = cell.inverse ? (background ?? ground) : foreground;
  return {
    fill: cell.dim ? mixed(front, back ?? ground, 0.4) : front,
    back,
    bold: cell.bold,
    italic: cell.italic,
    underline: cell.underline,
    strikethrough: cell.strikethrough,
  };
}

function drawRow(row: readonly Cell[], y: number): string[] {
  const grounds: string[] = [];
  const marks: string[] = [];
  const xOf = (column: number): number => margin + column * cellWidth;
  for (let from = 0; from < row.length; ) {
    const style = styleOf(row[from]!);
    let to = from + 1;
    while (to < row.length && (row[to]!.width === 0 || same(style, styleOf(row[to]!)))) to++;
    if (style.back !== undefined) {
      grounds.push(
        `<rect x="${n(xOf(from))}" y="${n(y)}" width="${n((to - from) * cellWidth)}" height="${cellHeight}" fill="${hex(style.back)}"/>`,
      );
    }
    for (const [at, off] of [
      [style.underline, baseline + 2.5],
      [style.strikethrough, baseline - 4.5],
    ] as const) {
      if (at)
        marks.push(
          `<path d="M${n(xOf(from))} ${n(y + off)}H${n(xOf(to))}" stroke="${hex(style.fill)}" stroke-width="1"/>`,
        );
    }
    marks.push(...drawSpan(row, from, to, style, xOf, y));
    from = to;
  }
  return [...grounds, ...marks];
}

/** The characters of columns `from` up to `to`, all of one style. */
function drawSpan(
  row: readonly Cell[],
  from: number,
  to: number,
  style: Style,
  xOf: (column: number) => number,
  y: number,
): string[] {
  const out: string[] = [];
  const paths = new Map<string, string>();
  const attributes = `fill="${hex(style.fill)}"${style.bold ? ' font-weight="bold"' : ''}${style.italic ? ' font-style="italic"' : ''}`;
  let text = '';
  let start = from;
  const flush = (end: number): void => {
    const trimmed = text.trimEnd();
    const columns = end - start - (text.length - trimmed.length);
    if (trimmed !== '')
      out.push(
        `<text x="${n(xOf(start))}" y="${n(y + baseline)}" textLength="${n(columns * cellWidth)}" lengthAdjust="spacingAndGlyphs" ${attributes}>${escaped(trimmed)}</text>`,
      );
    text = '';
  };
  for (let column = from; column < to; column++) {
    const { character, width } = row[column]!;
    if (width === 0) continue;
    const ascii = character >= ' ' && character <= '~' && character.length === 1;
    // Two spaces would be one in SVG.
    if (ascii && !(character === ' ' && (text === '' || text.endsWith(' ')))) {
      if (text === '') start = column;
      text += character;
      continue;
    }
    flush(column);
    if (character === ' ') continue;
    const shapes = cellShapes(character, xOf(column), y, cellWidth, cellHeight);
    if (shapes === undefined) {
      out.push(
        `<text x="${n(xOf(column) + (width * cellWidth) / 2)}" y="${n(y + baseline)}" text-anchor="middle" ${attributes}>${escaped(character)}</text>`,
      );
    }
    for (const { d, stroke, opacity } of shapes ?? []) {
      const paint =
        stroke === undefined
          ? `fill="${hex(style.fill)}"`
          : `fill="none" stroke="${hex(style.fill)}" stroke-width="${stroke}"`;
      const key = opacity === undefined ? paint : `${paint} opacity="${opacity}"`;
      paths.set(key, (paths.get(key) ?? '') + d);
    }
  }
  flush(to);
  return [...out, ...[...paths].map(([paint, d]) => `<path d="${d}" ${paint}/>`)];
}

/** Colour of a palette entry as xterm has it: 16 of ours, a cube of 6 x 6 x 6, 24 greys. */
function colorOf(color: Color | undefined): number | undefined {
  if (color === undefined) return undefined;
  if ('rgb' in color) return color.rgb;
  const { palette: i } = color;
  if (i < 16) return palette[i];
  if (i >= 232) return (8 + (i - 232) * 10) * 0x010101;
  const level = (digit: number): number => (digit === 0 ? 0 : 55 + digit * 40);
  const cube = i - 16;
  return (level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6);
}

function mixed(color: number, other: number, share: number): number {
  let out = 0;
  for (const shift of [16, 8, 0]) {
    const channel = ((color >> shift) & 255) * (1 - share) + ((other >> shift) & 255) * share;
    out |= Math.round(channel) << shift;
  }
  return out;
}

function same(a: Style, b: Style): boolean {
  return (
    a.fill === b.fill &&
    a.back === b.back &&
    a.bold === b.bold &&
    a.italic === b.italic &&
    a.underline === b.underline &&
    a.strikethrough === b.strikethrough
  );
}

function hex(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
}
