/**
 * The quality signals of FineWeb, measured as datatrove measures them: how lines end, how short they are, how much of the text
 * stands on repeated lines, and how list-like the page is. Only lines with more than white space count, except that line ends
 * in `list_ratio` are all line ends.
 *
 * A line is closed by a character that ends sentences in Unicode (Sentence_Terminal) or by a straight quote. FineWeb was made with
 * the marks . ' " ! ?; datatrove 0.10 lists the Unicode characters and has dropped the quotes; here both close a line. Lengths are in code points. `prose_punct_ratio` is an addition for pages with formulas and
 * tables (prose-lines.ts), always counted on the text as it is.
 * Source: Penedo et al. 2024 (FineWeb, arXiv 2406.17557), section 3.6; datatrove FineWebQualityFilter 0.10.
 */
import { countCodePoints } from '../text/character-class.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { countDuplicates } from '../text/ngrams.ts';
import { countProseLines } from './prose-lines.ts';
import { ratio, type SignalFamily } from './signal.ts';

/** A line of at most this many characters is short. */
const shortLineCharacters = 30;
const sentenceEnd = /[\p{Sentence_Terminal}'"]$/u;

const share = { from: 0, to: 1 };

export const finewebQuality: SignalFamily = {
  name: 'fineweb-quality',
  source: 'FineWeb (arXiv 2406.17557, 3.6); datatrove FineWebQualityFilter',
  signals: [
    {
      name: 'fineweb.line_count',
      description: 'lines with more than white space',
      histogram: { from: 1, to: 100_000, logarithmic: true },
    },
    {
      name: 'fineweb.line_punct_ratio',
      description: 'share of lines that end in sentence punctuation or a quote',
      histogram: share,
    },
    {
      name: 'fineweb.short_line_ratio',
      description: `share of lines of at most ${shortLineCharacters} characters`,
      histogram: share,
    },
    {
      name: 'fineweb.char_dup_ratio',
      description: 'share of the characters on lines seen before',
      histogram: { from: 0, to: 0.2 },
    },
    { name: 'fineweb.list_ratio', description: 'line ends per token', histogram: share },
    {
      name: 'fineweb.prose_punct_ratio',
      description:
        'share of lines of prose (no table rows, formulas joined to their sentence) that end a sentence',
      histogram: share,
    },
  ],
  measure(document: MeasuredText): Float64Array {
    const lines = document.filledLines;
    let closed = 0;
    let short = 0;
    for (const line of lines) {
      if (endsSentence(line)) closed++;
      // Code points are at most code units, so most long lines need no counting.
      if (
        line.length <= shortLineCharacters ||
        (line.length <= 2 * shortLineCharacters && countCodePoints(line) <= shortLineCharacters)
      ) {
        short++;
      }
    }
    const lineEnds = newlines(document.measured);
    const prose = countProseLines(document.text, document.mathSpans, endsSentence);
    return Float64Array.of(
      lines.length,
      ratio(closed, lines.length),
      ratio(short, lines.length),
      ratio(countDuplicates(lines).characters, document.characters - lineEnds),
      ratio(lineEnds, document.wordCounts.tokens),
      ratio(prose.closed, prose.closed + prose.open),
    );
  },
};

function endsSentence(line: string): boolean {
  const unit = line.charCodeAt(line.length - 1);
  if (unit < 0x80) return unit === 0x2e || unit === 0x21 || unit === 0x3f || unit === 0x22 || unit === 0x27;
  return sentenceEnd.test(line.slice(-2));
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
