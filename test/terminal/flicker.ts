/**
 * Counts flickers: moments at which most of what stood on the screen was gone, and soon after something stood there again.
 *
 * It is told the screen at every place of the output where a terminal could draw and something may be missing (after each erasing
 * sequence, and at the end of each read), so the count depends on the bytes and not on how reads happened to split them: a
 * program that erases and then redraws outside of a synchronised update (mode 2026) is always found, even where a fast terminal
 * would not show it. Gives up: cells that change colour only.
 */

/** A dip is one where this share of the characters is gone. */
const gone = 0.5;
/** It ended once this share of as many characters stands there again. */
const back = 0.6;
/** Fewer characters than this are no frame. */
const smallest = 20;
/** A screen empty for longer is empty on purpose, in milliseconds. */
const longest = 1000;

export class FlickerCounter {
  count = 0;
  /** The last full frame, by row. */
  private frame: string[] = [];
  private dip: { characters: number; since: number } | undefined;

  /** A state of the screen, and the time in milliseconds; `boundary` where a read ended, so that a terminal would draw it. */
  see(rows: readonly string[], now: number, boundary: boolean): void {
    if (this.dip !== undefined) {
      if (now - this.dip.since > longest) this.accept(rows);
      else if (characters(rows) >= back * this.dip.characters) {
        this.count++;
        this.accept(rows);
      }
      return;
    }
    const [before, present] = [characters(this.frame), characters(rows)];
    if (before >= smallest && erased(this.frame, rows) > gone * before && present < (1 - gone) * before)
      this.dip = { characters: before, since: now };
    // Within a read fewer characters than before may be the beginning of an erasure line by line.
    else if (boundary || present >= before) this.frame = [...rows];
  }

  /** What is on the screen now is meant so: a key is about to be pressed, or the screen has been quiet. */
  accept(rows: readonly string[]): void {
    this.dip = undefined;
    this.frame = [...rows];
  }
}

function characters(rows: readonly string[]): number {
  let n = 0;
  for (const row of rows) for (let i = 0; i < row.length; i++) if (row.charCodeAt(i) !== 32) n++;
  return n;
}

/** Characters of `before` where now is nothing. */
function erased(before: readonly string[], now: readonly string[]): number {
  let n = 0;
  for (const [r, row] of before.entries()) {
    const other = now[r] ?? '';
    for (let i = 0; i < row.length; i++) {
      if (row.charCodeAt(i) !== 32 && (i >= other.length || other.charCodeAt(i) === 32)) n++;
    }
  }
  return n;
}
