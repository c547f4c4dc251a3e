/**
 * The signals of C4's rules, measured so that each rule can be switched on or off later.
 *
 * Counts of lines: for each line rule how many lines with text break it, whatever the other rules say. Counts that depend on which
 * lines are left (sentences, lines with a brace, lines with "lorem ipsum") come twice: under all line rules, and with the rule
 * about end punctuation off (`_any_end`), which is how FineWeb ran C4. As in datatrove a brace on a line that a line rule removes
 * is never seen. `cleanC4Lines` removes the lines.
 *
 * A text with both a brace and "lorem ipsum" is named for the first in datatrove and for "lorem ipsum" by the threshold sets here.
 * Source: Raffel et al. 2020 (C4), section 2.2; datatrove C4QualityFilter and C4ParagraphFilter 0.10.
 */
import { countCodePoints } from '../text/character-class.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { countSentences, countSentencesIn } from '../text/sentences.ts';
import { c4Defaults, forEachC4Line } from './c4-lines.ts';
import type { SignalFamily } from './signal.ts';

const lines = { from: 1, to: 10_000, logarithmic: true };
const few = { from: 0, to: 40 };
const sentences = { from: 1, to: 1000, logarithmic: true };

export const c4: SignalFamily = {
  name: 'c4',
  source: 'C4 (arXiv 1910.10683, 2.2); datatrove C4QualityFilter, C4ParagraphFilter',
  signals: [
    { name: 'c4.line_count', description: 'lines with text', histogram: lines },
    {
      name: 'c4.long_word_lines',
      description: `lines with a word of more than ${c4Defaults.longestWord} characters`,
      histogram: few,
    },
    {
      name: 'c4.open_lines',
      description: 'lines that do not end in . ? ! " or \', or end in an ellipsis',
      histogram: lines,
    },
    {
      name: 'c4.few_word_lines',
      description: `lines of fewer than ${c4Defaults.fewestWords} words`,
      histogram: lines,
    },
    { name: 'c4.javascript_lines', description: 'lines that mention javascript', histogram: few },
    {
      name: 'c4.policy_lines',
      description: 'lines about terms of use, privacy or cookies',
      histogram: few,
    },
    { name: 'c4.citations', description: 'marks such as [1] or [citation needed]', histogram: few },
    {
      name: 'c4.sentence_count',
      description: 'sentences on the lines that all line rules leave',
      histogram: sentences,
    },
    {
      name: 'c4.sentence_count_any_end',
      description: 'the same, end punctuation not asked for',
      histogram: sentences,
    },
    {
      name: 'c4.lorem_ipsum_lines',
      description: 'lines with lorem ipsum, of those the line rules let through',
      histogram: few,
    },
    {
      name: 'c4.lorem_ipsum_lines_any_end',
      description: 'the same, end punctuation not asked for',
      histogram: few,
    },
    {
      name: 'c4.curly_bracket_lines',
      description: 'lines with {, of those the line rules let through',
      histogram: few,
    },
    {
      name: 'c4.curly_bracket_lines_any_end',
      description: 'the same, end punctuation not asked for',
      histogram: few,
    },
    {
      name: 'c4.third_longest_line',
      description: 'characters in the third longest line; 0 with fewer than three lines',
      histogram: { from: 1, to: 10_000, logarithmic: true },
    },
  ],
  measure(document: MeasuredText): Float64Array {
    const text = document.measured;
    const counts = { lines: 0, longWord: 0, open: 0, fewWords: 0, javascript: 0, policy: 0, citations: 0 };
    const closedOnly = { sentences: 0, loremIpsum: 0, curly: 0 };
    const anyEnd = { sentences: 0, loremIpsum: 0, curly: 0 };
    forEachC4Line(text, (line, units) => {
      if (line.words === 0) return;
      counts.lines++;
      counts.citations += line.citations;
      if (!line.closed) counts.open++;
      if (line.javascript) counts.javascript++;
      if (line.policy) counts.policy++;
      const longWord = line.longestWord > c4Defaults.longestWord;
      const fewWords = line.words < c4Defaults.fewestWords;
      if (longWord) counts.longWord++;
      if (fewWords) counts.fewWords++;
      if (longWord || fewWords) return;
      if (line.loremIpsum) {
        anyEnd.loremIpsum++;
        if (line.closed) closedOnly.loremIpsum++;
      }
      if (line.javascript) return;
      if (line.curly) {
        anyEnd.curly++;
        if (line.closed) closedOnly.curly++;
      }
      if (line.policy) return;
      const found =
        line.cleaned === undefined
          ? countSentencesIn(text, units, line.start, line.end)
          : countSentences(line.cleaned);
      const sentenceCount = Math.max(1, found); // a line of citation marks alone is one sentence in datatrove
      anyEnd.sentences += sentenceCount;
      if (line.closed) closedOnly.sentences += sentenceCount;
    });
    return Float64Array.of(
      counts.lines,
      counts.longWord,
      counts.open,
      counts.fewWords,
      counts.javascript,
      counts.policy,
      counts.citations,
      closedOnly.sentences,
      anyEnd.sentences,
      closedOnly.loremIpsum,
      anyEnd.loremIpsum,
      closedOnly.curly,
      anyEnd.curly,
      thirdLongest(document.lines, document.characters === text.length),
    );
  },
};

/** Code points in the third longest line (mC4's "paragraphs" are lines). `plain`: the text has no surrogate pair. */
function thirdLongest(all: readonly string[], plain: boolean): number {
  let [first, second, third] = [0, 0, 0];
  for (const line of all) {
    if (line.length <= third) continue; // code points are at most code units
    const length = plain ? line.length : countCodePoints(line);
    if (length > first) [first, second, third] = [length, first, second];
    else if (length > second) [second, third] = [length, second];
    else if (length > third) third = length;
  }
  return third;
}
