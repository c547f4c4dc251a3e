/** The list of cases decided otherwise names cases that exist, and stays short. */
import { expect, it } from 'vitest';
import { decidedOtherwise } from './decided-otherwise.ts';
import { parityCases } from './parity.ts';

const files = ['filters', 'boundaries', 'formatters', 'stats'].map((name) => `datatrove-${name}.jsonl`);
const ids = [...files, 'other-anchors.jsonl'].flatMap((file) => parityCases(file).map(({ id }) => id));

it.skipIf(ids.length === 0)('names only cases of ../shared/parity (skipped without it)', () => {
  for (const id of Object.keys(decidedOtherwise)) expect(ids).toContain(id);
  expect(Object.keys(decidedOtherwise).length).toBeLessThan(ids.length / 20);
});
