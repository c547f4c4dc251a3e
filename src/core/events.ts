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

export type Emit = (event: ProgressEvent) => void;

/** For callers that do not listen. */
export const silent: Emit = () => {};
