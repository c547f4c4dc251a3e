/** What a running command holds of the display: events go in, results go past it, and it is closed at the end. */
import type { Emit } from '../core/events.ts';

export interface Progress {
  emit: Emit;
  /** Writes a result to standard output without breaking the display. */
  print(text: string): void;
  /** Leaves the final state in the scrollback and gives the terminal back. */
  close(): Promise<void>;
}
