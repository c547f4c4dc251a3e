/**
 * Collects text with the line breaks of a rendered page: white space collapsed, breaks merged, no blank line twice.
 */
import { marks } from './math-marks.ts';

export class TextBuilder {
  /** When set, every break is a space (table cells, scripts). */
  singleLine = false;
  private readonly pieces: string[] = [];
  private length = 0;
  /** Line ends owed before the next text: 0, 1 or 2. */
  private owed = 0;
  private spaceOwed = false;
  /** List marker to write before the next text; the first block of an item stays on the marker's line. */
  private pendingMarker: string | undefined;
  private afterFormula = false;

  /** Adds running text; runs of white space become one space. */
  inline(text: string): void {
    if (text === '') return;
    const collapsed = text.replace(/[\s\u00a0\u200b]+/g, ' ');
    if (collapsed === ' ') {
      this.spaceOwed = true;
      return;
    }
    const starts = collapsed.charCodeAt(0) === 0x20;
    const ends = collapsed.charCodeAt(collapsed.length - 1) === 0x20;
    if (starts) this.spaceOwed = true;
    this.write(starts || ends ? collapsed.trim() : collapsed);
    this.spaceOwed = ends;
  }

  /** Adds text right after what stands there, without a space (`x` + `^{2}`). */
  glue(text: string): void {
    if (this.owed === 0) this.spaceOwed = false;
    this.write(text);
  }

  private write(text: string): void {
    if (this.afterFormula) {
      this.afterFormula = false;
      // Punctuation that closes a displayed formula stays on its line.
      if (/^[.,;:]/.test(text)) this.owed = 0;
      this.spaceOwed = false;
    }
    if (this.owed > 0 && this.length > 0) this.push(this.singleLine ? ' ' : '\n'.repeat(this.owed));
    else if (this.spaceOwed && this.length > 0) this.push(' ');
    this.owed = 0;
    this.spaceOwed = false;
    if (this.pendingMarker !== undefined) {
      this.push(this.pendingMarker);
      this.pendingMarker = undefined;
    }
    this.push(text);
  }

  /** The letters that the text ends in, if nothing is owed after them. */
  lastWord(): string {
    if (this.owed > 0 || this.spaceOwed) return '';
    return /\p{L}*$/u.exec((this.pieces[this.pieces.length - 1] ?? '').slice(-24))?.[0] ?? '';
  }

  private push(text: string): void {
    this.pieces.push(text);
    this.length += text.length;
  }

  /** Owes `lines` line ends (1: new line, 2: blank line). */
  breakLine(lines: number): void {
    if (this.pendingMarker !== undefined) return;
    if (lines > this.owed) this.owed = lines;
    this.spaceOwed = false;
  }

  breakAfterFormula(): void {
    this.breakLine(1);
    this.afterFormula = !this.singleLine;
  }

  /** Starts a list item; its marker appears only if the item holds text. */
  marker(mark: string, indent: number): void {
    this.afterFormula = false;
    this.pendingMarker = '  '.repeat(indent) + mark;
  }

  endMarker(): void {
    this.pendingMarker = undefined;
  }

  /** Adds text exactly as it is, trailing white space of lines aside, and marks it as code. */
  verbatim(text: string): void {
    const lines = text.split('\n').map((line) => line.trimEnd());
    const first = lines.findIndex((line) => line !== '');
    if (first < 0) return;
    while (lines.length > 0 && lines[lines.length - 1] === '') lines.pop();
    const trimmed = lines.slice(first).join('\n');
    this.afterFormula = false;
    if (this.singleLine) {
      this.inline(marks.codeStart + trimmed + marks.codeEnd);
      return;
    }
    this.write(marks.codeStart + trimmed + marks.codeEnd);
  }

  /** The text so far, marks and all. */
  finish(): string {
    return this.pieces.join('');
  }
}
