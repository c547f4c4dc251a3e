/**
 * Grading of a completion in an evaluation: the answer is found the way the benchmark's card (or --extract) says and compared with the reference by
 * src/grader, which rewards and data filters use as well, so that all of them agree on what is equal.
 */
import type { Extraction } from '../../src/core/evaluation.ts';
import { answersEqual, gradeAnswer } from '../../src/grader/grade-answer.ts';
import type { Problem } from '../problem-sets/problems.ts';

export interface Verdict {
  /** What was taken for the answer; null where none was found. */
  answer: string | null;
  correct: boolean;
}

export function gradeCompletion(completion: string, problem: Problem, extract: Extraction): Verdict {
  const { answer, correct } = gradeAnswer(completion, problem.expected, {
    extract,
    ...(problem.choices === undefined ? {} : { choices: problem.choices }),
  });
  return { answer: answer ?? null, correct };
}

/** Whether two answers of a model are the same one. */
export function sameAnswer(a: string, b: string): boolean {
  return answersEqual(a, b);
}
