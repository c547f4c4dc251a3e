/**
 * What a terminal does to a program on a bad day, and what the program must keep: storms of window sizes (a dragged edge), and a reader
 * that stops reading for a while (a slow connection, Ctrl-S). Afterwards the screen must be what a program started at that size shows, and
 * the program must still answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Terminal } from './terminal.ts';

export interface StormOptions {
  /** Sizes given one after the other. Default 40, every 20 ms. */
  sizes?: number;
  everyMs?: number;
  /** Smallest and largest window. */
  least?: { columns: number; rows: number };
  most?: { columns: number; rows: number };
}

export interface StormResult {
  blankFrames: number;
  bytes: number;
  /** Milliseconds from the last size until the screen was quiet. */
  settledMs: number;
  /** The screen after it. */
  screen: string[];
}

/**
 * Gives the window many sizes in a row, the last one that it had before, and waits until `shows` holds and the screen is quiet. The sizes are the same
 * in every run.
 */
export async function resizeStorm(
  terminal: Terminal,
  shows: Condition,
  options: StormOptions = {},
): Promise<StormResult> {
  const { sizes = 40, everyMs = 20 } = options;
  const { least = { columns: 40, rows: 10 }, most = { columns: 140, rows: 45 } } = options;
  const { columns, rows, blankFrames, bytesWritten } = terminal;
  for (let i = 0; i < sizes; i++) {
    // There and back, with columns and rows out of step.
    const wave = (at: number): number => Math.abs(((at % 20) - 10) / 10);
    terminal.resize(
      Math.round(least.columns + (most.columns - least.columns) * wave(i)),
      Math.round(least.rows + (most.rows - least.rows) * wave(i + 7)),
    );
    await sleep(everyMs);
  }
  const last = performance.now();
  terminal.resize(columns, rows);
  await terminal.waitFor(shows);
  await terminal.quiet(150);
  return {
    blankFrames: terminal.blankFrames - blankFrames,
    bytes: terminal.bytesWritten - bytesWritten,
    settledMs: performance.now() - last,
    screen: terminal.screen(),
  };
}

export interface StuckResult {
  /** Bytes that came once reading went on: what the program had kept for a reader that was not there. */
  backlog: number;
  /** Milliseconds from going on to a screen that is quiet. */
  settledMs: number;
  screen: string[];
}

/** Stops reading, runs `meanwhile` (keys may be pressed), reads on after `ms`, and waits until `shows` holds and the screen is quiet. */
export async function stuckReader(
  terminal: Terminal,
  shows: Condition,
  meanwhile: () => Promise<void>,
  ms = 500,
): Promise<StuckResult> {
  const before = terminal.bytesWritten;
  terminal.pauseReading();
  await meanwhile();
  await sleep(ms);
  const start = performance.now();
  terminal.resumeReading();
  await terminal.waitFor(shows);
  await terminal.quiet(150);
  return {
    backlog: terminal.bytesWritten - before,
    settledMs: performance.now() - start,
    screen: terminal.screen(),
  };
}
