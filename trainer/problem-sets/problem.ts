/** One problem with a known answer, as RL and evaluation handle it, whatever file it came from. */
import type { Message } from '../../src/tokens/templates.ts';

export interface Problem {
  /** Unique in its set; it decides the seeds of the problem's samples. */
  id: string;
  question: string;
  /** The reference answer; of multiple choice the letter of the right one. */
  expected: string;
  /** The problem's own columns, as its file has them: rewards may read them. */
  row: Readonly<Record<string, unknown>>;
  /** `3` of MATH's `Level 3`. */
  level?: string;
  subject?: string;
  /** Multiple choice: the choices in order; the question lists them too. */
  choices?: readonly string[];
  /** The conversation that a row of verl's format asks for. */
  messages?: readonly Message[];
  /** The worked solution, where there is one. */
  solution?: string;
}
