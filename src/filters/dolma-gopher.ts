/**
 * Gopher's signals as Ai2's tools count them, for reproducing dolma v1.6, DCLM and datamap-rs recipes: words cut at white space, the
 * median word length, and every occurrence of a repeated line or n-gram, the first one too.
 *
 * Two n-gram measures differ: `duplicate_N_grams` is dolma's (of the characters of all N-grams, overlaps counted again), and
 * `covered_N_grams` datamap-rs's and DCLM's (of the characters of all words, each once). `symbols_per_word` is datamap-rs's.
 * Source: dolma python/dolma/taggers/gopher.py (gopher_v1); datamap-rs massive_web_repetition and symbol ratio; checked against both
 * projects' own test cases.
 */
import { characterFlag, characterFlags, countCodePoints, isLetterAt } from '../text/character-class.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { ratio, type SignalFamily, type SignalSpec } from './signal.ts';
import { whitespaceWords } from './whitespace-words.ts';

const required: ReadonlySet<string> = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);
const topSizes = [2, 3, 4] as const;
const duplicateSizes = [5, 6, 7, 8, 9, 10] as const;
const share = { from: 0, to: 1 };

const signals: readonly SignalSpec[] = [
  {
    name: 'dolma.word_count',
    description: 'words cut at white space',
    histogram: { from: 1, to: 1_000_000, logarithmic: true },
  },
  {
    name: 'dolma.median_word_length',
    description: 'median length of those words, in characters',
    histogram: { from: 0, to: 20 },
  },
  {
    name: 'dolma.symbol_to_word_ratio',
    description: 'share of words with # or …',
    histogram: share,
  },
  {
    name: 'dolma.symbols_per_word',
    description: '# and ellipses (..., . . ., …) per word (datamap-rs)',
    histogram: share,
  },
  { name: 'dolma.alpha_word_ratio', description: 'share of words with a letter', histogram: share },
  {
    name: 'dolma.required_word_count',
    description: 'occurrences of: the be to of and that have with',
    histogram: { from: 0, to: 100 },
  },
  {
    name: 'dolma.bullet_line_ratio',
    description: 'share of lines that start with * or -',
    histogram: share,
  },
  { name: 'dolma.ellipsis_line_ratio', description: 'share of lines that end in …', histogram: share },
  {
    name: 'dolma.duplicate_line_ratio',
    description: 'share of lines that occur more than once',
    histogram: share,
  },
  {
    name: 'dolma.duplicate_line_char_ratio',
    description: 'characters on those lines per character in words',
    histogram: share,
  },
  ...topSizes.map((n) => ({
    name: `dolma.top_${n}_gram`,
    description: `share of the characters in words under the most frequent ${n}-gram`,
    histogram: share,
  })),
  ...duplicateSizes.map((n) => ({
    name: `dolma.duplicate_${n}_grams`,
    description: `share of the characters of all ${n}-grams in those that occur more than once`,
    histogram: share,
  })),
  ...duplicateSizes.map((n) => ({
    name: `dolma.covered_${n}_grams`,
    description: `share of the characters in words inside a ${n}-gram that occurs more than once`,
    histogram: share,
  })),
];

export const dolmaGopher: SignalFamily = {
  name: 'dolma',
  source: 'dolma gopher_v1 tagger; datamap-rs; DCLM (arXiv 2406.11794)',
  signals,
  measure(document: MeasuredText): Float64Array {
    const runs = whitespaceWords(document);
    const { words } = runs;
    let symbols = 0;
    let letters = 0;
    let common = 0;
    for (const word of words) {
      if (word.includes('#') || word.includes('…')) symbols++;
      if (hasLetter(word)) letters++;
      if (required.has(word)) common++;
    }
    const text = document.measured;
    const marks =
      occurrences(text, '#') + occurrences(text, '...') + occurrences(text, '. . .') + occurrences(text, '…');
    const lines = lineCounts(text.split('\n'));
    return Float64Array.of(
      words.length,
      median(words),
      ratio(symbols, words.length),
      ratio(marks, document.wordCounts.words),
      ratio(letters, words.length),
      common,
      lines.bullets / lines.count,
      lines.ellipses / lines.count,
      lines.repeated / lines.count,
      ratio(lines.repeatedCharacters, runs.characters),
      ...topSizes.map((n) => {
        const top = runs.top(n);
        return top === undefined ? 0 : (top.count * runs.charactersAt(top.at, n)) / runs.characters;
      }),
      ...duplicateSizes.map((n) => runs.repeatedShare(n, true)),
      ...duplicateSizes.map((n) => (words.length === 0 ? Number.NaN : runs.coveredShare(n, true))),
    );
  },
};

function lineCounts(lines: readonly string[]) {
  const seen = new Map<string, number>();
  let bullets = 0;
  let ellipses = 0;
  for (const line of lines) {
    if (line.startsWith('*') || line.startsWith('-')) bullets++;
    if (line.endsWith('…')) ellipses++;
    seen.set(line, (seen.get(line) ?? 0) + 1);
  }
  let repeated = 0;
  let repeatedCharacters = 0;
  for (const [line, count] of seen) {
    if (count < 2) continue;
    repeated += count;
    repeatedCharacters += count * countCodePoints(line);
  }
  return { count: lines.length, bullets, ellipses, repeated, repeatedCharacters };
}

function median(words: readonly string[]): number {
  if (words.length === 0) return Number.NaN;
  const lengths = Float64Array.from(words, countCodePoints).sort();
  const middle = lengths.length >> 1;
  return lengths.length % 2 === 1 ? lengths[middle]! : (lengths[middle - 1]! + lengths[middle]!) / 2;
}

function hasLetter(word: string): boolean {
  for (let at = 0; at < word.length; at++) {
    const flags = characterFlags[word.charCodeAt(at)]!;
    if ((flags & characterFlag.letter) !== 0) return true;
    if ((flags & characterFlag.surrogate) !== 0 && isLetterAt(word, at)) return true;
  }
  return false;
}

/** Occurrences that do not overlap. */
function occurrences(text: string, needle: string): number {
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count++;
  return count;
}
