/**
 * The repetition signals of Gopher, counted as datatrove counts them: duplicate paragraphs and lines (as shares of their number and
 * of the text's characters), the characters under the most frequent 2-, 3- and 4-gram, and the characters in 5- to 10-grams seen before.
 *
 * The first occurrence of anything is free; dolma, DCLM and datamap-rs count it too (family `dolma`). All character shares are of the
 * whole text, white space included. Runs of line ends are one end, so blank lines repeat nothing; as in datatrove the empty text
 * before a first and after a last line end is a line. A top n-gram that occurs once counts as well, so any very short text has a
 * high `top_2_gram`.
 *
 * Gives up: `\r\n` is one line end here, and in datatrove the `\r` stays on the line.
 * Source: Rae et al. 2021 (Gopher), table A1; datatrove GopherRepetitionFilter 0.10.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import { countDuplicates } from '../text/ngrams.ts';
import { ratio, type SignalFamily, type SignalSpec } from './signal.ts';

const topSizes = [2, 3, 4] as const;
const duplicatedSizes = [5, 6, 7, 8, 9, 10] as const;

const share = { from: 0, to: 1 };

const signals: readonly SignalSpec[] = [
  {
    name: 'gopher_repetition.dup_para_frac',
    description: 'share of paragraphs seen before',
    histogram: share,
  },
  {
    name: 'gopher_repetition.dup_para_char_frac',
    description: 'share of the characters in paragraphs seen before',
    histogram: share,
  },
  {
    name: 'gopher_repetition.dup_line_frac',
    description: 'share of lines seen before',
    histogram: share,
  },
  {
    name: 'gopher_repetition.dup_line_char_frac',
    description: 'share of the characters on lines seen before',
    histogram: share,
  },
  ...topSizes.map((n) => ({
    name: `gopher_repetition.top_${n}_gram`,
    description: `share of the characters under the most frequent ${n}-gram`,
    histogram: { from: 0, to: 0.4 },
  })),
  ...duplicatedSizes.map((n) => ({
    name: `gopher_repetition.duplicated_${n}_grams`,
    description: `share of the characters in ${n}-grams seen before`,
    histogram: { from: 0, to: 0.4 },
  })),
];

export const gopherRepetition: SignalFamily = {
  name: 'gopher-repetition',
  source: 'Gopher (arXiv 2112.11446, table A1); datatrove GopherRepetitionFilter',
  signals,
  measure(document: MeasuredText): Float64Array {
    const { characters, ngrams } = document;
    const paragraphs = countDuplicates(document.paragraphs);
    const lines = duplicateLines(document.lines);
    const values = new Float64Array(signals.length);
    values[0] = ratio(paragraphs.elements, document.paragraphs.length);
    values[1] = ratio(paragraphs.characters, characters);
    values[2] = ratio(lines.duplicates, lines.count);
    values[3] = ratio(lines.characters, characters);
    let at = 4;
    for (const n of topSizes) values[at++] = ratio(ngrams.topCharacters(n), characters);
    for (const n of duplicatedSizes) values[at++] = ratio(ngrams.duplicatedCharacters(n), characters);
    return values;
  },
};

/** `re.split('\n+', text)`: empty strings stand only before a first and after a last line end. */
function duplicateLines(lines: readonly string[]): { count: number; duplicates: number; characters: number } {
  const filled = lines.filter((line) => line !== '');
  const copies = countDuplicates(filled);
  const ends = lines.length < 2 ? 0 : Number(lines[0] === '') + Number(lines.at(-1) === '');
  return {
    count: filled.length + ends,
    duplicates: copies.elements + (ends === 2 ? 1 : 0),
    characters: copies.characters,
  };
}
