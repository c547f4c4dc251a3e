/** Checks one C4 case: the verdict, and the lines that are left. */
import { expect } from 'vitest';
import { cleanC4Lines } from '../../src/filters/clean-c4-lines.ts';
import { expectedVerdict, type FilterCase, family, verdictOf } from './parity.ts';
import { rulesOf } from './parity-rules.ts';

export function checkC4(test: FilterCase): void {
  const { text } = test.input;
  expect(verdictOf(family('c4'), rulesOf(test.filter, test.params), text)).toEqual(expectedVerdict(test));
  const clean = cleanC4Lines(text, {
    math: 'plain',
    requireEndPunctuation: test.params.filter_no_terminal_punct !== false,
    ...(test.params.min_words_per_line === -1 ? { fewestWords: 0 } : {}),
  });
  const after = test.expected?.textAfter ?? test.expected?.textAfterReplay;
  if (after !== undefined) expect(clean).toBe(after);
  for (const gone of test.expected?.textNotContains ?? []) expect(clean).not.toContain(gone);
}
