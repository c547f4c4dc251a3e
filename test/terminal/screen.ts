/** The cells of an emulated screen as plain data, and a picture of it for error messages. */
import type { Terminal as Emulator } from '@xterm/headless';

/** One of the terminal's 256 colours, or 0xRRGGBB. */
export type Color = { palette: number } | { rgb: number };

export interface Cell {
  /** A space where nothing was drawn; empty in the second half of a wide character. */
  character: string;
  /** Columns it takes: 1, 2, or 0 for the second half of a wide one. */
  width: number;
  /** Left out: the terminal's own. */
  foreground?: Color;
  background?: Color;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  strikethrough: boolean;
}

/** Rows of the visible screen, top first, without trailing blanks. */
export function screenText(emulator: Emulator): string[] {
  const buffer = emulator.buffer.active;
  return Array.from(
    { length: emulator.rows },
    (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '',
  );
}

/** Everything that was ever on the normal screen and scrolled off, and the visible screen below it. */
export function scrollbackText(emulator: Emulator): string[] {
  const buffer = emulator.buffer.active;
  return Array.from(
    { length: buffer.length },
    (_, row) => buffer.getLine(row)?.translateToString(true) ?? '',
  );
}

export function screenCells(emulator: Emulator): Cell[][] {
  const buffer = emulator.buffer.active;
  return Array.from({ length: emulator.rows }, (_, row) => {
    const line = buffer.getLine(buffer.baseY + row);
    return Array.from({ length: emulator.cols }, (_, column): Cell => {
      const cell = line?.getCell(column);
      if (cell === undefined) return { character: ' ', width: 1, ...noStyle };
      const width = cell.getWidth();
      return {
        character: width === 0 ? '' : cell.getChars() || ' ',
        width,
        ...(cell.isFgDefault()
          ? {}
          : { foreground: cell.isFgRGB() ? { rgb: cell.getFgColor() } : { palette: cell.getFgColor() } }),
        ...(cell.isBgDefault()
          ? {}
          : { background: cell.isBgRGB() ? { rgb: cell.getBgColor() } : { palette: cell.getBgColor() } }),
        bold: cell.isBold() !== 0,
        dim: cell.isDim() !== 0,
        italic: cell.isItalic() !== 0,
        underline: cell.isUnderline() !== 0,
        inverse: cell.isInverse() !== 0,
        strikethrough: cell.isStrikethrough() !== 0,
      };
    });
  });
}

const noStyle = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  strikethrough: false,
};

/** The screen in a frame, for a message. */
export function framed(rows: readonly string[], columns: number): string {
  const edge = '-'.repeat(columns);
  return [`+${edge}+`, ...rows.map((row) => `|${row.padEnd(columns)}|`), `+${edge}+`].join('\n');
}
