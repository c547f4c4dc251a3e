/**
 * All that a running job tells the outside. The terminal (src/tui) shows these now; nothing in a job prints.
 *
 * A task is one line of work ("filter", "train stable", "grpo"). `numbers` are the current figures, already named for people
 * (`loss`, `tokens/s`, `reward`).
 */
export type ProgressEvent =
  | { kind: 'start'; task: string; total?: number; unit: string }
  | {
      kind: 'progress';
      task: string;
      done: number;
      total?: number;
      unit: string;
      numbers?: Record<string, number>;
      /** What the amount is made of, such as the sources of a mixture: replaces what was told before. */
      parts?: ProgressPart[];
    }
  | { kind: 'message'; level: 'info' | 'warn'; text: string }
  | {
      kind: 'end';
      task: string;
      done: number;
      unit: string;
      seconds: number;
      numbers?: Record<string, number>;
    };

/** One part of what a task has done. */
export interface ProgressPart {
  name: string;
  /** In a unit that all parts have in common. */
  amount: number;
  /** The share of all parts that was asked for, 0 to 1. */
  target?: number;
  /** Figures of this part alone, named for people. */
  numbers?: Record<string, number>;
}

export type Emit = (event: ProgressEvent) => void;

/** For callers that do not listen. */
export const silent: Emit = () => {};
