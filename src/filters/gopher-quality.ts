/**
 * The quality signals of Gopher, measured as datatrove measures them.
 *
 * Words are tokens that are not only punctuation; symbols and alphabetic words are counted against all tokens. Lines include
 * blank ones, but not the empty rest after a last line end. Stop words are distinct and case-sensitive.
 *
 * One signal more than datatrove has: `alpha_word_share` counts alphabetic words among words, as the paper's sentence reads,
 * where `alpha_word_ratio` counts them among all tokens, as datatrove does. In mathematical prose one token in four is
 * punctuation around a formula, so the second drops good pages that the first keeps.
 * Source: Rae et al. 2021 (Gopher), appendix A1.1; datatrove GopherQualityFilter 0.10.
 */
import { endsWithEllipsis, startsWithBullet } from '../text/lines.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { WordList } from '../text/word-list.ts';
import { ratio, type SignalFamily } from './signal.ts';

const stopWords = new WordList(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);

const share = { from: 0, to: 1 };

export const gopherQuality: SignalFamily = {
  name: 'gopher-quality',
  source: 'Gopher (arXiv 2112.11446, A1.1); datatrove GopherQualityFilter',
  signals: [
    {
      name: 'gopher.word_count',
      description: 'words that are not only punctuation',
      histogram: { from: 1, to: 1_000_000, logarithmic: true },
    },
    {
      name: 'gopher.mean_word_length',
      description: 'mean length of those words, in characters',
      histogram: { from: 0, to: 20 },
    },
    { name: 'gopher.hash_ratio', description: '# signs per token', histogram: { from: 0, to: 0.4 } },
    {
      name: 'gopher.ellipsis_ratio',
      description: 'ellipses (... or the one character) per token',
      histogram: { from: 0, to: 0.4 },
    },
    {
      name: 'gopher.bullet_line_ratio',
      description: 'share of lines that start with a bullet or a hyphen',
      histogram: share,
    },
    {
      name: 'gopher.ellipsis_line_ratio',
      description: 'share of lines that end in an ellipsis',
      histogram: share,
    },
    {
      name: 'gopher.alpha_word_ratio',
      description: 'share of tokens with at least one letter',
      histogram: share,
    },
    {
      name: 'gopher.alpha_word_share',
      description: 'share of words (punctuation aside) with at least one letter',
      histogram: share,
    },
    {
      name: 'gopher.stop_word_count',
      description: 'how many of: the be to of and that have with',
      histogram: { from: 0, to: 8 },
    },
  ],
  measure(document: MeasuredText): Float64Array {
    const text = document.measured;
    const { tokens, words, wordCharacters, withLetter } = document.wordCounts;
    const lines = document.lines;
    const lineCount = lines.length - (lines.at(-1) === '' ? 1 : 0);
    let bullets = 0;
    let ellipses = 0;
    for (let i = 0; i < lineCount; i++) {
      if (startsWithBullet(lines[i]!)) bullets++;
      if (endsWithEllipsis(lines[i]!)) ellipses++;
    }
    const { words: differentWords, vocabulary } = document.tokens;
    const stopWordAt = stopWords.places(vocabulary);
    let stopWordsFound = 0;
    for (let id = 0; id < differentWords.length; id++) {
      if (stopWordAt[differentWords[id]!] !== 0) stopWordsFound++;
    }
    return Float64Array.of(
      words,
      ratio(wordCharacters, words),
      ratio(occurrences(text, '#'), tokens),
      ratio(occurrences(text, '...') + occurrences(text, '…'), tokens),
      ratio(bullets, lineCount),
      ratio(ellipses, lineCount),
      ratio(withLetter, tokens),
      ratio(withLetter, words),
      stopWordsFound,
    );
  },
};

/** Occurrences that do not overlap (Python's `str.count`). */
function occurrences(text: string, needle: string): number {
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count++;
  return count;
}
