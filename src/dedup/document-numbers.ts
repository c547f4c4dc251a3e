/**
 * Numbers of documents across units: the documents of all units before, plus the index in the own. 4 bytes hold it, so a job has less than
 * 2^32 documents.
 */
import { UserError } from '../core/errors.ts';

/** First number of each unit, and behind the last one the total. */
export function firstNumbers(documents: readonly number[]): Float64Array {
  const first = new Float64Array(documents.length + 1);
  for (let unit = 0; unit < documents.length; unit++) first[unit + 1] = first[unit]! + documents[unit]!;
  const total = first[documents.length]!;
  if (total >= 2 ** 32) {
    throw new UserError(`dedup over ${total} documents: at most ${2 ** 32 - 1} are possible in one job`, {
      hint: 'split the input into several jobs',
    });
  }
  return first;
}
