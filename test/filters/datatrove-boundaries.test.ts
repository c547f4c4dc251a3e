/** Every case made by replaying datatrove's filters at their bounds. */
import { expect } from 'vitest';
import { checkC4 } from './check-c4.ts';
import { expectedVerdict, type FilterCase, family, runParity, verdictOf } from './parity.ts';
import { rulesOf } from './parity-rules.ts';

runParity<FilterCase>('datatrove-boundaries.jsonl', 36, (test) => {
  const { text } = test.input;
  if (test.filter.startsWith('c4')) checkC4(test);
  else {
    expect(verdictOf(family(test.filter), rulesOf(test.filter, test.params), text)).toEqual(
      expectedVerdict(test),
    );
  }
  return undefined;
});
