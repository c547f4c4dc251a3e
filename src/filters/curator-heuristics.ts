/**
 * The heuristic filters of NeMo Curator as signals: ratios of characters, repeated lines and paragraphs as the share that is unique,
 * boilerplate paragraphs, word counts. Words are cut at white space, "sentences" are lines with text, paragraphs are cut at `\n\n`.
 *
 * `parentheses_ratio` (brackets and braces, 10 % at most) and the two n-gram measures fall on mathematics harder than any other rule;
 * under `math: masked` they see formulas as words. Of equally frequent n-grams the first counts (Curator takes any).
 * Gives up: Chinese, Japanese and Thai word splitting, the code filters, and the exact text of five long cookie notices (their
 * distinctive phrases are looked for).
 * Source: NVIDIA NeMo Curator heuristic filters (ecd5c579), checked against its own test cases.
 */
import { countCodePoints } from '../text/character-class.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { countCuratorCharacters } from './curator-characters.ts';
import { ratio, type SignalFamily, type SignalSpec } from './signal.ts';
import { whitespaceWords } from './whitespace-words.ts';
import type { WordRuns } from './word-runs.ts';

const share = { from: 0, to: 1 };
const small = { from: 0, to: 0.4 };
const topSizes = [2, 3, 4] as const;
const duplicateSizes = [2, 3, 4, 5, 6, 7, 8, 9, 10] as const;

const signals: readonly SignalSpec[] = [
  [
    'non_alpha_numeric_ratio',
    'share of characters other than ASCII letters, digits, line ends and ? ! , .',
    share,
  ],
  ['symbol_word_ratio', 'share of words that are ellipses or mostly #', share],
  ['number_ratio', 'share of characters that are digits', share],
  ['url_ratio', 'share of characters in http addresses', share],
  ['bullet_line_ratio', 'share of lines that start with a bullet', share],
  ['white_space_ratio', 'share of characters that are blanks, tabs or line ends', share],
  ['parentheses_ratio', 'share of characters that are brackets or braces', small],
  ['longest_word', 'characters in the longest word', { from: 1, to: 10_000, logarithmic: true }],
  ['word_count', 'words cut at white space', { from: 1, to: 1_000_000, logarithmic: true }],
  ['boilerplate_ratio', 'share of paragraphs about policies and cookies; 1 with lorem ipsum', share],
  ['mean_word_length', 'mean length of words, in characters', { from: 0, to: 20 }],
  ['unique_line_ratio', 'share of lines that are left without copies', share],
  ['unique_line_char_ratio', 'share of their characters that is left without copies', share],
  ['unique_paragraph_ratio', 'share of paragraphs that are left without copies', share],
  ['unique_paragraph_char_ratio', 'share of their characters that is left without copies', share],
  ...topSizes.map(
    (n) => [`top_${n}_gram`, `share of characters under the most frequent ${n}-gram`, small] as const,
  ),
  ...duplicateSizes.map(
    (n) => [`duplicate_${n}_grams`, `share of characters in ${n}-grams seen before`, small] as const,
  ),
  ['open_line_ratio', 'share of lines without end punctuation', share],
  ['ellipsis_line_ratio', 'share of lines that end in an ellipsis or "read more"', share],
  ['common_word_count', 'occurrences of: the be to of and that have with', { from: 0, to: 100 }],
  ['alpha_word_ratio', 'share of words with a letter', share],
].map(
  ([name, description, histogram]) => ({ name: `curator.${name}`, description, histogram }) as SignalSpec,
);

const bullets = /^[•‣⁃⁌⁍∙○●◘◦⦾⦿]/;
const ellipses = ['...', '[...]', '…', '(...)', '[…]', '-»', 'read more..', 'read more'];
const commonWords: ReadonlySet<string> = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);
const letter = /\p{Alphabetic}/u;
const boilerplate = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'privacy overview',
  'use of cookies',
  'use cookies',
  'privacy & cookies policy',
  'privacy and cookies policy',
  'necessary cookies are absolutely essential for the website',
  'cookies that may not be particularly necessary for the website',
  'without changing your cookie settings, you agree to this use',
];

export const curatorHeuristics: SignalFamily = {
  name: 'curator',
  source: 'NVIDIA NeMo Curator heuristic filters',
  signals,
  measure(document: MeasuredText): Float64Array {
    const text = document.measured;
    const all = document.characters;
    const characters = countCuratorCharacters(text);
    const runs = whitespaceWords(document);
    const words = wordNumbers(runs.words);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const lineEnds = endsOf(lines);
    const paragraphs = text.split('\n\n');
    const uniqueLines = unique(lines);
    const uniqueParagraphs = unique(paragraphs);
    return Float64Array.of(
      ratio(all - characters.alphaNumeric, all),
      ratio(words.symbols, runs.words.length),
      ratio(characters.digits, all),
      ratio(characters.inUrls, all),
      ratio(lineEnds.bullets, lines.length),
      ratio(characters.whiteSpace, all),
      ratio(characters.brackets, all),
      words.longest,
      runs.words.length,
      boilerplateRatio(paragraphs),
      ratio(runs.characters, runs.words.length),
      uniqueLines.elements,
      uniqueLines.characters,
      uniqueParagraphs.elements,
      uniqueParagraphs.characters,
      ...topSizes.map((n) => topShare(text, all, runs, n)),
      ...duplicateSizes.map((n) => duplicateShare(all, runs, n)),
      ratio(lineEnds.open, lines.length),
      ratio(lineEnds.ellipses, lines.length),
      words.common,
      ratio(words.withLetter, runs.words.length),
    );
  },
};

function wordNumbers(words: readonly string[]) {
  const numbers = { symbols: 0, longest: 0, common: 0, withLetter: 0 };
  for (const word of words) {
    const length = countCodePoints(word);
    if (length > numbers.longest) numbers.longest = length;
    // Runs of # per character, more than half: # itself, and #a# and the like.
    if (ellipses.includes(word) || (word.match(/#+/g)?.length ?? 0) / length > 0.5) numbers.symbols++;
    if (commonWords.has(word)) numbers.common++;
    if (letter.test(word)) numbers.withLetter++;
  }
  return numbers;
}

function endsOf(lines: readonly string[]) {
  const ends = { bullets: 0, open: 0, ellipses: 0 };
  for (const line of lines) {
    const trimmed = line.trim();
    if (bullets.test(trimmed)) ends.bullets++;
    if (!/[.?!"']$/.test(trimmed)) ends.open++;
    const end = trimmed.slice(-12).toLowerCase();
    if (ellipses.some((mark) => end.endsWith(mark))) ends.ellipses++;
  }
  return ends;
}

function boilerplateRatio(paragraphs: readonly string[]): number {
  let found = 0;
  for (const paragraph of paragraphs) {
    const lower = paragraph.toLowerCase();
    if (lower.includes('lorem ipsum')) return 1;
    if (boilerplate.some((phrase) => lower.includes(phrase))) found++;
  }
  return found / paragraphs.length;
}

function unique(elements: readonly string[]): { elements: number; characters: number } {
  let all = 0;
  let left = 0;
  const seen = new Set<string>();
  for (const element of elements) {
    const length = countCodePoints(element);
    all += length;
    if (!seen.has(element)) left += length;
    seen.add(element);
  }
  return { elements: ratio(seen.size, elements.length), characters: ratio(left, all) };
}

/** Characters that go when every occurrence of the n-gram's text is cut out. 1 with fewer than n words. */
function topShare(text: string, all: number, runs: WordRuns, n: number): number {
  const top = runs.top(n);
  if (top === undefined) return 1;
  const needle = runs.words.slice(top.at, top.at + n).join(' ');
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count++;
  return ratio(count * countCodePoints(needle), all);
}

/** Characters in n-grams seen before, each word once, with the blanks between them. 1 with fewer than n words. */
function duplicateShare(all: number, runs: WordRuns, n: number): number {
  const ids = runs.ids(n);
  if (ids.length === 0) return 1;
  const seen = new Uint8Array(ids.length);
  let characters = 0;
  let overlap = 0;
  for (let at = 0; at < ids.length; at++) {
    if (seen[ids[at]!] === 1) {
      characters += runs.charactersAt(at + overlap, n - overlap) + Math.min(n - overlap, n - 1);
      overlap = n;
    }
    seen[ids[at]!] = 1;
    overlap = Math.max(overlap - 1, 0);
  }
  return ratio(characters, all);
}
