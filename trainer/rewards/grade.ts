/** The grade of a completion, computed once however many parts of a reward ask for it. */
import type { Extraction } from '../../src/core/evaluation.ts';
import { extractBoxedGroup } from '../../src/grader/find-boxes.ts';
import { type Grade, gradeAnswer } from '../../src/grader/grade-answer.ts';
import type { RewardInput } from './reward.ts';

const graded = new WeakMap<RewardInput, Map<Extraction, Grade>>();

function gradeOf(input: RewardInput, extract: Extraction): Grade {
  let grades = graded.get(input);
  if (grades === undefined) graded.set(input, (grades = new Map()));
  let grade = grades.get(extract);
  if (grade === undefined) {
    grades.set(extract, (grade = gradeOnce(input, extract)));
  }
  return grade;
}

/** Of multiple choice the letter or the text of the right choice counts, wherever it is looked for. */
function gradeOnce({ completion, expected, choices }: RewardInput, extract: Extraction): Grade {
  if (choices === undefined || extract === 'hash' || extract === 'final-line')
    return gradeAnswer(completion, expected, { extract, ...(choices && { choices }) });
  const box = extract === 'boxed' ? extractBoxedGroup(completion) : undefined;
  if (extract === 'boxed' && box === undefined) return { correct: false, answer: undefined, how: 'boxed' };
  const text = box === undefined ? completion : `\\boxed{${box}}`;
  return gradeAnswer(text, expected, { extract: 'choice', choices });
}

export interface Graded {
  readonly correct: readonly boolean[];
  readonly answers: readonly (string | undefined)[];
}

export function gradeBatch(batch: readonly RewardInput[], extract: Extraction): Graded {
  const grades = batch.map((input) => gradeOf(input, extract));
  return { correct: grades.map((grade) => grade.correct), answers: grades.map((grade) => grade.answer) };
}
