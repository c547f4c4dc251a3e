/**
 * A terminal small enough to test with: takes the bytes a program writes and holds what a person would see, scrollback included.
 * Knows what Ink uses: cursor movement, erasing, wrapping, scrolling. Colours and modes are ignored; every character is one
 * cell wide. Anything else is an error, so that a test cannot pass by misreading it.
 */
export class FakeTerminal {
  readonly columns: number;
  readonly rows: number;
  /** Rows from the first ever written to the last on screen. */
  private readonly lines: string[][] = [[]];
  private row = 0;
  private column = 0;
  cursorVisible = true;
  title = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  feed(text: string): void {
    const pattern = /\x1b\[([?>]?)([\d;]*)([@-~])|\x1b\]0;([^\x07]*)\x07|\x1b(.)|([\s\S])/gu;
    for (const [whole, mode, numbers, final, title, short, character] of text.matchAll(pattern)) {
      if (character !== undefined) this.put(character);
      else if (title !== undefined) this.title = title;
      else if (short !== undefined) throw new Error(`unknown escape ${JSON.stringify(whole)}`);
      else if (mode === '') this.control(final!, numbers!);
      else if (mode === '?' && numbers === '25') this.cursorVisible = final === 'h';
    }
  }

  /** All rows, scrollback included, without trailing blanks and trailing empty rows. */
  text(): string {
    return this.lines
      .map((line) => line.join('').replace(/[ \u2800]+$/, ''))
      .join('\n')
      .trimEnd();
  }

  private put(character: string): void {
    if (character === '\n') this.down();
    else if (character === '\r') this.column = 0;
    else if (character >= ' ') {
      if (this.column === this.columns) {
        this.down();
        this.column = 0;
      }
      const line = this.line();
      while (line.length < this.column) line.push(' ');
      line[this.column++] = character;
    }
  }

  private control(final: string, numbers: string): void {
    const n = Math.max(1, Number(numbers || '1'));
    const top = Math.max(0, this.lines.length - this.rows);
    if (final === 'A') this.row = Math.max(top, this.row - n);
    else if (final === 'B') this.row = Math.min(this.lines.length - 1, this.row + n);
    else if (final === 'G') this.column = n - 1;
    else if (final === 'E') for (let i = 0; i < n; i++) this.down();
    else if (final === 'K' && numbers === '2') this.lines[this.row] = [];
    else if (final === 'K' && (numbers === '' || numbers === '0'))
      this.line().length = Math.min(this.line().length, this.column);
    else if (final === 'J' && (numbers === '' || numbers === '0')) {
      this.line().length = Math.min(this.line().length, this.column);
      for (let row = this.row + 1; row < this.lines.length; row++) this.lines[row] = [];
    } else if (final === 'H' && (numbers === '' || /^[01];?[01]?$/.test(numbers)))
      [this.row, this.column] = [top, 0];
    else if (final !== 'm') throw new Error(`unknown control sequence CSI ${numbers} ${final}`);
  }

  private line(): string[] {
    return (this.lines[this.row] ??= []);
  }

  private down(): void {
    this.row++;
    while (this.lines.length <= this.row) this.lines.push([]);
  }
}
