/**
 * Writes a full screen of lines to a terminal: only those that changed, each where it stands, all in one piece that terminals which know
 * the mode show at once (synchronised update, mode 2026). So nothing flickers and little is written.
 *
 * For screens of text under Ink: Ink takes every frame apart into cells and puts it together again, which cost 19 ms of processor time a key
 * at 80 x 24 and 40 ms at 160 x 50 (EXPERIMENTS.md); here a frame costs what its changed lines cost. Ink still has the terminal: alternate screen,
 * cursor, keys, size. The last row of the terminal is left free, and the cursor rests there, where Ink's own frame of nothing is erased.
 */
export interface WrittenLine {
  /** With its escape sequences, no blanks at the end. */
  text: string;
  /** Cells it takes. */
  width: number;
}

export class ScreenWriter {
  private readonly stdout: Pick<NodeJS.WriteStream, 'write'>;
  private before: readonly string[] = [];
  private size = '';

  constructor(stdout: Pick<NodeJS.WriteStream, 'write'>) {
    this.stdout = stdout;
  }

  /** Shows `lines` from the top row on. Another size than before draws all of them. */
  draw(lines: readonly WrittenLine[], columns: number, rows: number): void {
    const size = `${columns}x${rows}`;
    const fresh = size !== this.size;
    let out = fresh ? '\x1b[2J' : '';
    lines.forEach(({ text, width }, i) => {
      if (!fresh && text === this.before[i]) return;
      // Behind a line that fills the row there is nothing to erase, and a terminal that waits to wrap would erase its last cell.
      out += `\x1b[${i + 1};1H${text}${width < columns ? '\x1b[K' : ''}`;
    });
    for (let i = lines.length; i < this.before.length && !fresh; i++) out += `\x1b[${i + 1};1H\x1b[2K`;
    this.before = lines.map(({ text }) => text);
    this.size = size;
    if (out !== '') this.stdout.write(`\x1b[?2026h${out}\x1b[${rows};1H\x1b[?2026l`);
  }
}
