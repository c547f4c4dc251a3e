/**
 * Mean log-probability of the words of a text under a table of word frequencies: low for lists of rare words and for noise.
 *
 * A word that the table does not have counts as 1e-9. Words are tokens, marks included, in lower case; under `math: masked` a
 * formula is one unknown word, so pages of formulas score low, and the rule has no place in a math pipeline.
 * No table is shipped; datatrove takes `unigram_freq.csv` (columns word, count), made from Google's web corpus.
 * Source: datatrove UnigramLogProbFilter 0.10, after peS2o.
 */
import { InputError } from '../core/errors.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { type FamilySpec, ratio, type SignalFamily } from './signal.ts';

const unknownFrequency = 1e-9;

export const unigramSpec: FamilySpec = {
  name: 'unigram',
  source: 'datatrove UnigramLogProbFilter',
  signals: [
    {
      name: 'unigram.mean_log_prob',
      description: 'mean natural logarithm of the frequency of its words',
      histogram: { from: -21, to: 0 },
    },
  ],
};

/** The family over counts by word (lower case). */
export function unigramFamily(counts: ReadonlyMap<string, number>): SignalFamily {
  let total = 0;
  for (const count of counts.values()) total += count;
  const unknown = Math.log(unknownFrequency);
  const logarithms = new Map([...counts].map(([word, count]) => [word, Math.log(count / total)]));
  return {
    ...unigramSpec,
    measure({ words }: MeasuredText): Float64Array {
      let sum = 0;
      for (const word of words) sum += logarithms.get(word.toLowerCase()) ?? unknown;
      return Float64Array.of(ratio(sum, words.length));
    },
  };
}

/** Counts from a CSV with a header `word,count`. Throws an `InputError` with the line that is none. */
export function parseUnigramCounts(text: string, file: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || (i === 0 && line === 'word,count')) continue;
    const comma = line.lastIndexOf(',');
    const count = Number(line.slice(comma + 1));
    if (comma < 1 || !Number.isSafeInteger(count) || count <= 0) {
      throw new InputError(file, `"${line.slice(0, 40)}" is no word and count`, {
        place: `line ${i + 1}`,
        hint: 'lines are word,count with a count above 0, for example the,23135851162',
      });
    }
    counts.set(line.slice(0, comma), count);
  }
  return counts;
}
