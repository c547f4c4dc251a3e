/** Counts over the words of a text for the statistics family: lengths, different words, capitals, stop words. Source: datatrove WordStats 0.10. */
import { countCodePoints } from '../text/character-class.ts';

export interface WordStatistics {
  count: number;
  characters: number;
  short: number;
  long: number;
  different: number;
  /** In capitals: a letter with case, and none of them small (`isupper`). */
  upper: number;
  /** Capitals only after what has no case, small letters only after letters (`istitle`). */
  title: number;
  stop: number;
}

const stopWords: ReadonlySet<string> = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']);

export function wordStatistics(
  words: readonly string[],
  bounds: { shortWord: number; longWord: number },
): WordStatistics {
  const counts = { count: words.length, characters: 0, short: 0, long: 0, upper: 0, title: 0, stop: 0 };
  const different = new Set<string>();
  for (const word of words) {
    const length = countCodePoints(word);
    counts.characters += length;
    if (length <= bounds.shortWord) counts.short++;
    if (length >= bounds.longWord) counts.long++;
    if (stopWords.has(word)) counts.stop++;
    different.add(word);
    const lower = word.toLowerCase();
    // Most words are small throughout, and they are neither.
    if (lower === word) continue;
    if (word.toUpperCase() === word) counts.upper++;
    if (isTitle(word)) counts.title++;
  }
  return { ...counts, different: different.size };
}

function isTitle(word: string): boolean {
  let afterLetter = false;
  for (const character of word) {
    const small = character.toUpperCase() !== character;
    const capital = character.toLowerCase() !== character;
    if ((capital && afterLetter) || (small && !capital && !afterLetter)) return false;
    afterLetter = small || capital;
  }
  return true;
}
