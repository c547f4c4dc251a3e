/** The grade of a completion, computed once however many parts of a reward ask for it. */
import { type Extraction, type Grade, gradeAnswer } from '../../src/grader/grade-answer.ts';
import type { RewardInput } from './reward.ts';

const graded = new WeakMap<RewardInput, Map<Extraction, Grade>>();

function gradeOf(input: RewardInput, extract: Extraction): Grade {
  let grades = graded.get(input);
  if (grades === undefined) graded.set(input, (grades = new Map()));
  let grade = grades.get(extract);
  if (grade === undefined) {
    const options = input.choices === undefined ? { extract } : { extract, choices: input.choices };
    grades.set(extract, (grade = gradeAnswer(input.completion, input.expected, options)));
  }
  return grade;
}

export interface Graded {
  readonly correct: readonly boolean[];
  readonly answers: readonly (string | undefined)[];
}

export function gradeBatch(batch: readonly RewardInput[], extract: Extraction): Graded {
  const grades = batch.map((input) => gradeOf(input, extract));
  return { correct: grades.map((grade) => grade.correct), answers: grades.map((grade) => grade.answer) };
}
