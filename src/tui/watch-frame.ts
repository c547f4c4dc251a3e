/**
 * Keeps a narrowed terminal clean. When a window gets narrower, terminals break the frame's long lines into several rows, while
 * Ink erases as many rows as it once wrote; the rest would stay as rubbish in the scrollback. So the last frame is remembered,
 * and on a narrowing the extra rows are erased before Ink erases its own.
 *
 * Gives up: on the few terminals that cut long lines instead of breaking them (plain xterm), rows above the frame are erased.
 */
import { stripVTControlCharacters } from 'node:util';

interface WatchedFrame {
  /** `stderr`, to be drawn on by Ink. */
  stream: NodeJS.WriteStream;
  /**
   * Call once Ink listens for resizes itself, since this listener must come before: Ink redraws what it has at once, and the view
   * must be laid out for the new size by then. `redraw` does that.
   */
  followResize(redraw: () => void): void;
  stop(): void;
}

export function watchFrame(stderr: NodeJS.WriteStream): WatchedFrame {
  let frame = '';
  let columns = stderr.columns;
  const write = (data: string | Uint8Array, ...rest: unknown[]): boolean => {
    // Ink writes each frame in one piece, after control sequences that stand alone.
    const text = typeof data === 'string' ? stripVTControlCharacters(data) : '';
    if (text !== '') frame = text;
    return (stderr.write as (...args: unknown[]) => boolean).call(stderr, data, ...rest);
  };
  const stream = new Proxy(stderr, {
    get(target, key) {
      if (key === 'write') return write;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let relayout = (): void => {};
  const onResize = (): void => {
    const extra = stderr.columns < columns ? brokenRows(frame, stderr.columns) : 0;
    columns = stderr.columns;
    if (extra > 0) stderr.write('\x1b[2K\x1b[1A'.repeat(extra));
    relayout();
  };
  return {
    stream,
    followResize: (redraw) => {
      relayout = redraw;
      stderr.prependListener('resize', onResize);
    },
    stop: () => void stderr.off('resize', onResize),
  };
}

/** Rows that the lines of `text` take beyond one each in a terminal of `columns`. */
export function brokenRows(text: string, columns: number): number {
  let extra = 0;
  for (const line of text.split('\n')) {
    // Trailing blanks were never written as cells; every other character of the frame is one cell wide.
    extra += Math.max(0, Math.ceil([...line.trimEnd()].length / columns) - 1);
  }
  return extra;
}
