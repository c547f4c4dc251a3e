/**
 * Lines of the designer as pieces of text with a tone, cut and padded to whole cells, and painted at the end. Pure.
 *
 * Colours are blue and orange, which every common kind of colour blindness tells apart, and never carry meaning alone: what is orange
 * has a sign or a word beside it. With NO_COLOR only bold, dim and inverse are left (no-color.org speaks of colour). Text from files
 * goes through visible-text.ts before it becomes a piece.
 */
import { cutTo, widthOf } from './visible-text.ts';

export type Tone =
  | 'plain'
  | 'dim'
  | 'bold'
  /** Names of things and what is fine. */
  | 'blue'
  /** A key to press. */
  | 'key'
  /** Worth a look. */
  | 'warn'
  /** Cannot stay so. */
  | 'bad'
  /** Title bar. */
  | 'bar';

export interface Piece {
  readonly text: string;
  readonly tone: Tone;
  /** On the ground of the chosen row. */
  readonly chosen?: boolean;
}

export type Line = readonly Piece[];

/** How many colours the terminal has; `none` under NO_COLOR or on a dumb terminal. */
export type Colours = 'none' | '16' | '256';

export function coloursOf(env: Readonly<Record<string, string | undefined>>): Colours {
  if ((env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return 'none';
  const rich = /256|truecolor|24bit|kitty|alacritty|ghostty|wezterm/i;
  return rich.test(env.TERM ?? '') || rich.test(env.COLORTERM ?? '') || env.WT_SESSION !== undefined
    ? '256'
    : '16';
}

export const piece = (text: string, tone: Tone = 'plain'): Piece => ({ text, tone });

export function lineWidth(line: Line): number {
  return line.reduce((n, { text }) => n + widthOf(text), 0);
}

/** The line cut or padded to exactly `cells`. */
export function fitTo(line: Line, cells: number): Line {
  const out: Piece[] = [];
  let left = cells;
  for (const part of line) {
    if (left <= 0) break;
    const { text } = part;
    const width = widthOf(text);
    if (width <= left) {
      out.push(part);
      left -= width;
      continue;
    }
    const cut = cutTo(text, left);
    out.push({ ...part, text: cut });
    left -= widthOf(cut);
    // Less than nothing is left when a wide character did not fit.
    if (left > 0) out.push(piece(' '.repeat(left)));
    return out;
  }
  if (left > 0) out.push(piece(' '.repeat(left)));
  return out;
}

/** `text` in exactly `cells`, at the left or the right. */
export function cell(text: string, cells: number, side: 'left' | 'right' = 'left'): string {
  if (cells <= 0) return '';
  const cut = cutTo(text, cells);
  const space = ' '.repeat(Math.max(0, cells - widthOf(cut)));
  return side === 'left' ? cut + space : space + cut;
}

/** Left and right on one line; the right gives way. */
export function justify(left: Line, right: Line, cells: number): Line {
  const room = cells - lineWidth(right);
  return room < 8 ? fitTo(left, cells) : [...fitTo(left, room - 1), piece(' '), ...right];
}

/** Breaks words into lines of at most `cells`, all of one tone. */
export function words(text: string, cells: number, tone: Tone = 'plain'): Line[] {
  const lines: string[] = [];
  let line = '';
  // A number stays with its percent sign.
  for (const word of text.replaceAll(' %', '\u00a0%').split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > cells) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((text) => [piece(cutTo(text, cells), tone)]);
}

const codes: Readonly<Record<Tone, Readonly<Record<Colours, string>>>> = {
  plain: { none: '', '16': '', '256': '' },
  dim: { none: '2', '16': '2', '256': '38;5;245' },
  bold: { none: '1', '16': '1', '256': '1' },
  blue: { none: '', '16': '34', '256': '38;5;39' },
  key: { none: '1', '16': '1;34', '256': '1;38;5;75' },
  warn: { none: '1', '16': '33', '256': '38;5;214' },
  bad: { none: '1;7', '16': '1;33;7', '256': '1;38;5;16;48;5;208' },
  bar: { none: '1;7', '16': '1;7', '256': '1;38;5;231;48;5;24' },
};

/** The row that is chosen: all of it on the chosen ground. */
export function choose(line: Line): Line {
  return line.map((part) => ({ ...part, chosen: true }));
}

/** The line without blanks at its end that lie on no ground. */
export function trimEnd(line: Line): Line {
  const out = [...line];
  for (let last = out.at(-1); last !== undefined; last = out.at(-1)) {
    if (last.chosen === true || last.tone === 'bar' || last.tone === 'bad') break;
    const text = last.text.trimEnd();
    if (text !== '') {
      if (text !== last.text) out[out.length - 1] = { ...last, text };
      break;
    }
    out.pop();
  }
  return out;
}

/** The line with its escape sequences. */
export function paint(line: Line, colours: Colours): string {
  let out = '';
  let now = '';
  for (const { text, tone, chosen } of line) {
    if (text === '') continue;
    const code = chosen === true && tone !== 'bad' ? chosenCode(tone, colours) : codes[tone][colours];
    if (code !== now) out += `${now === '' ? '' : '\x1b[0m'}${code === '' ? '' : `\x1b[${code}m`}`;
    now = code;
    out += text;
  }
  return now === '' ? out : `${out}\x1b[0m`;
}

function chosenCode(tone: Tone, colours: Colours): string {
  if (colours !== '256') return '7';
  const ink =
    tone === 'warn'
      ? '38;5;214'
      : tone === 'blue' || tone === 'key'
        ? '38;5;117'
        : tone === 'dim'
          ? '38;5;250'
          : '1;38;5;231';
  return `${ink};48;5;24`;
}
