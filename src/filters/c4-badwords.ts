/**
 * How many entries of a word list stand in a text as words of their own: C4's bad-words rule. No list is shipped; the pipeline names
 * a file with one word or phrase a line (C4 used LDNOOBW's English list).
 *
 * Compared in lower case, between characters that are no letter, digit or underscore. Scripts without spaces (Chinese, Japanese,
 * Thai) need `anywhere`, which asks for no boundary, as C4 does for these languages. C4 keeps no page with a hit (keep_fraction 0).
 * The scan looks up each word of the text once, so its cost does not grow with the list.
 *
 * Gives up: counts distinct entries, not occurrences.
 * Source: Raffel et al. 2020 (C4); datatrove C4BadWordsFilter 0.10.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import type { FamilySpec, SignalFamily } from './signal.ts';

export const badWordsSpec: FamilySpec = {
  name: 'c4-badwords',
  source: 'C4 (arXiv 1910.10683, 2.2); datatrove C4BadWordsFilter',
  signals: [
    {
      name: 'c4_badwords.count',
      description: 'entries of the word list that the text holds',
      histogram: { from: 0, to: 20 },
    },
  ],
};

/** Entries of a list file: one a line, lowered. */
export function parseBadWords(text: string): string[] {
  return [
    ...new Set(
      text
        .split('\n')
        .map((line) => line.trim().toLowerCase())
        .filter((line) => line !== ''),
    ),
  ];
}

export function badWordsFamily(
  entries: readonly string[],
  options: { anywhere?: boolean } = {},
): SignalFamily {
  const count = options.anywhere === true ? anywhereCounter(entries) : wordCounter(entries);
  return {
    ...badWordsSpec,
    measure: (document: MeasuredText) => Float64Array.of(count(document.text.toLowerCase())),
  };
}

const wordRuns = /[\p{L}\p{N}_]+/gu;
const wordBefore = /[\p{L}\p{N}_]$/u;
const wordAfter = /^[\p{L}\p{N}_]/u;

/** Entries by their first word. Entries that begin with another character are looked for one by one; lists have a handful. */
function wordCounter(entries: readonly string[]): (text: string) => number {
  const byFirst = new Map<string, string[]>();
  const symbols: string[] = [];
  for (const entry of entries) {
    const first = entry.match(/^[\p{L}\p{N}_]+/u)?.[0];
    if (first === undefined) symbols.push(entry);
    else if (byFirst.has(first)) byFirst.get(first)!.push(entry);
    else byFirst.set(first, [entry]);
  }
  return (text) => {
    const found = new Set<string>();
    for (const run of text.matchAll(wordRuns)) {
      for (const entry of byFirst.get(run[0]) ?? []) {
        if (text.startsWith(entry, run.index) && endsWord(text, run.index + entry.length)) found.add(entry);
      }
    }
    for (const entry of symbols) {
      for (let at = text.indexOf(entry); at >= 0 && !found.has(entry); at = text.indexOf(entry, at + 1)) {
        if (!wordBefore.test(text.slice(Math.max(0, at - 2), at)) && endsWord(text, at + entry.length))
          found.add(entry);
      }
    }
    return found.size;
  };
}

function endsWord(text: string, at: number): boolean {
  return !wordAfter.test(text.slice(at, at + 2));
}

function anywhereCounter(entries: readonly string[]): (text: string) => number {
  return (text) => entries.reduce((sum, entry) => sum + Number(text.includes(entry)), 0);
}
