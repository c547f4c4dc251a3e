/** The words of a document cut at white space only (Python's `split`), made once for the families that count so. */
import type { MeasuredText } from '../text/measure-text.ts';
import { splitOnWhitespace } from '../text/words.ts';
import { WordRuns } from './word-runs.ts';

const made = new WeakMap<MeasuredText, WordRuns>();

export function whitespaceWords(document: MeasuredText): WordRuns {
  let runs = made.get(document);
  if (runs === undefined) {
    runs = new WordRuns(splitOnWhitespace(document.measured));
    made.set(document, runs);
  }
  return runs;
}
