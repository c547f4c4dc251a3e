/**
 * Plain statistics of a text: characters, words, lines and paragraphs, as datatrove's stats blocks count them. No built-in rule uses
 * them; they are columns to look at and to set bounds on.
 *
 * Words are tokens, punctuation marks included. A ratio over nothing is NaN where datatrove writes 0. Under `math: masked` they
 * describe the masked text.
 * Source: datatrove 0.10 pipeline/stats (doc, line, word, paragraph), checked against its golden values.
 */
import { countCodePoints } from '../text/character-class.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { countDuplicates } from '../text/ngrams.ts';
import { ratio, type SignalFamily, type SignalSpec } from './signal.ts';
import { countStatisticCharacters } from './statistic-characters.ts';
import { wordStatistics } from './word-statistics.ts';

/** Lengths that make a line, word or paragraph short (at most) or long (at least), in characters. */
export interface StatisticBounds {
  shortLine: number;
  longLine: number;
  shortWord: number;
  longWord: number;
  shortParagraph: number;
  longParagraph: number;
}

const defaults: StatisticBounds = {
  shortLine: 30,
  longLine: 2000,
  shortWord: 3,
  longWord: 7,
  shortParagraph: 100,
  longParagraph: 1000,
};

const share = { from: 0, to: 1 };
const length = { from: 1, to: 1_000_000, logarithmic: true };
const mean = { from: 1, to: 10_000, logarithmic: true };

function specs(bounds: StatisticBounds): SignalSpec[] {
  return (
    [
      ['length', 'characters', length],
      ['white_space_ratio', 'share of characters that are white space', share],
      ['non_alpha_digit_ratio', 'share of characters that are neither letters nor digits', share],
      ['digit_ratio', 'share of characters that are digits', share],
      ['uppercase_ratio', 'share of characters that are capitals', share],
      ['ellipsis_ratio', 'share of characters in ellipses', share],
      ['punctuation_ratio', 'share of characters that are punctuation', share],
      ['line_count', 'lines, blank ones too', length],
      ['mean_line_length', 'mean characters in a line', mean],
      ['short_line_ratio', `share of lines of at most ${bounds.shortLine} characters`, share],
      ['long_line_ratio', `share of lines of at least ${bounds.longLine} characters`, share],
      ['closed_line_ratio', 'share of lines that end in . ? ! " or \'', share],
      ['bullet_line_ratio', 'share of lines that start with - * or •', share],
      ['duplicate_line_ratio', 'share of lines seen before', share],
      ['duplicate_line_char_ratio', 'share of the characters on lines seen before', share],
      ['word_count', 'words and punctuation marks', length],
      ['mean_word_length', 'their mean length', { from: 0, to: 20 }],
      ['words_per_line', 'words per line', mean],
      ['short_word_ratio', `share of words of at most ${bounds.shortWord} characters`, share],
      ['long_word_ratio', `share of words of at least ${bounds.longWord} characters`, share],
      ['type_token_ratio', 'share of words that are different', share],
      ['uppercase_word_ratio', 'share of words in capitals', share],
      ['capitalized_word_ratio', 'share of words with a capital first', share],
      ['stop_word_ratio', 'share of words that are stop words of Gopher', share],
      ['paragraph_count', 'paragraphs with text', length],
      ['mean_paragraph_length', 'mean characters in a paragraph', mean],
      ['short_paragraph_ratio', `share of paragraphs of at most ${bounds.shortParagraph} characters`, share],
      ['long_paragraph_ratio', `share of paragraphs of at least ${bounds.longParagraph} characters`, share],
    ] as const
  ).map(([name, description, histogram]) => ({ name: `stats.${name}`, description, histogram }));
}

/** The family with other bounds than datatrove's defaults. */
export function textStatisticsWith(bounds: StatisticBounds): SignalFamily {
  return {
    name: 'text-statistics',
    source: 'datatrove pipeline/stats',
    signals: specs(bounds),
    measure(document: MeasuredText): Float64Array {
      const text = document.measured;
      const characters = countStatisticCharacters(text);
      const lines = text.split('\n');
      const words = wordStatistics(document.words, bounds);
      const paragraphs = text.split('\n\n').filter((paragraph) => paragraph.trim() !== '');
      const line = lengths(lines, bounds.shortLine, bounds.longLine);
      const paragraph = lengths(paragraphs, bounds.shortParagraph, bounds.longParagraph);
      const copies = countDuplicates(lines);
      return Float64Array.of(
        document.characters,
        ratio(characters.whiteSpace, document.characters),
        ratio(document.characters - characters.letters - characters.digits, document.characters),
        ratio(characters.digits, document.characters),
        ratio(characters.capitals, document.characters),
        ratio(characters.inEllipses, document.characters),
        ratio(characters.punctuation, document.characters),
        lines.length,
        ratio(line.total, lines.length),
        ratio(line.short, lines.length),
        ratio(line.long, lines.length),
        ratio(lines.filter((each) => /[.?!"']$/.test(each)).length, lines.length),
        ratio(lines.filter((each) => /^[-*•]/.test(each.trim())).length, lines.length),
        ratio(copies.elements, lines.length),
        ratio(copies.characters, line.total),
        words.count,
        ratio(words.characters, words.count),
        ratio(words.count, text === '' ? 0 : characters.lineEnds + 1),
        ratio(words.short, words.count),
        ratio(words.long, words.count),
        ratio(words.different, words.count),
        ratio(words.upper, words.count),
        ratio(words.title, words.count),
        ratio(words.stop, words.count),
        paragraphs.length,
        ratio(paragraph.total, paragraphs.length),
        ratio(paragraph.short, paragraphs.length),
        ratio(paragraph.long, paragraphs.length),
      );
    },
  };
}

export const textStatistics: SignalFamily = textStatisticsWith(defaults);

function lengths(elements: readonly string[], short: number, long: number) {
  const result = { total: 0, short: 0, long: 0 };
  for (const element of elements) {
    const characters = countCodePoints(element);
    result.total += characters;
    if (characters <= short) result.short++;
    if (characters >= long) result.long++;
  }
  return result;
}
