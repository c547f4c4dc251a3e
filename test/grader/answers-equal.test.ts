/** Equality of answers: several hundred pairs by category, both ways round, and input made to hang. */
import { describe, expect, it } from 'vitest';
import { answersEqual } from '../../src/grader/grade-answer.ts';
import { differentCases } from './different-cases.ts';
import { equalCases } from './equal-cases.ts';

describe('answers that are the same', () => {
  for (const [category, cases] of Object.entries(equalCases)) {
    it(category, () => {
      const missed = cases.filter(([a, b]) => !answersEqual(a, b) || !answersEqual(b, a));
      expect(missed).toEqual([]);
    });
  }
});

describe('answers that are not the same', () => {
  for (const [category, cases] of Object.entries(differentCases)) {
    it(category, () => {
      const claimed = cases.filter(([a, b]) => answersEqual(a, b) || answersEqual(b, a));
      expect(claimed).toEqual([]);
    });
  }
});
