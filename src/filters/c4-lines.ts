/**
 * One pass over the lines of a text with what C4's line rules ask of each: how many words, how long the longest, how it ends,
 * whether it has a brace, a citation mark, or one of the phrases that go.
 *
 * Lines and words are cut where Python's `splitlines` and `split` cut. The phrases are looked for in the whole text first, so that
 * only texts that hold one are lowered line by line. The line object is used again for every line; nothing is allocated for a line
 * without brackets.
 * Source: Raffel et al. 2020 (C4), section 2.2, as datatrove C4QualityFilter 0.10 and tensorflow_datasets c4_utils.py apply it.
 */
import { characterFlag, characterFlags } from '../text/character-class.ts';
import { UnitReader } from '../text/code-units.ts';

/** Wikipedia's marks: `[1]`, `[]`, `[edit]`, `[citation needed]`. */
const citation = /\[\d*\]|\[edit\]|\[citation needed\]/g;
const policyPhrases = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'use of cookies',
  'use cookies',
] as const;
/** A phrase of the rules holds one of these. */
const hints = ['lorem ipsum', 'javascript', 'terms of use', 'privacy policy', 'cookie'] as const;

/** `text` without citation marks. */
export function stripCitations(text: string): string {
  return text.includes('[') ? text.replace(citation, '') : text;
}

export const c4Defaults = { longestWord: 1000, fewestWords: 3 } as const;

export interface C4Line {
  /** The line without white space at its ends: where it begins and ends in the text. */
  start: number;
  end: number;
  words: number;
  /** Code points in the longest word, in a line over the bound; else code units. */
  longestWord: number;
  /** Citation marks in it. */
  citations: number;
  /** The line without them, when it has some. */
  cleaned: string | undefined;
  /** It ends in `.` `?` `!` `"` or `'` and not in `...`, citation marks aside. */
  closed: boolean;
  curly: boolean;
  loremIpsum: boolean;
  javascript: boolean;
  policy: boolean;
}

const lineEnd = 1;
const white = 2;
const curlyBracket = 4;
const squareBracket = 8;
const reader = new UnitReader();
const marks: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  for (let code = 0; code < 0x10000; code++) {
    if ((characterFlags[code]! & characterFlag.space) !== 0) table[code] = white;
  }
  for (const code of [10, 11, 12, 13, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029]) table[code]! |= lineEnd;
  table[0x7b] = curlyBracket;
  table[0x5b] = squareBracket;
  return table;
})();

/**
 * Calls `visit` with each line in order, blank ones too, and with the code units of the text. The object and the units are used
 * again, so `visit` must not call this.
 */
export function forEachC4Line(text: string, visit: (line: C4Line, units: Uint16Array) => void): void {
  const units = reader.read(text);
  const lower = text.toLowerCase();
  const suspicious = hints.some((hint) => lower.includes(hint));
  const line: C4Line = {
    start: 0,
    end: 0,
    words: 0,
    longestWord: 0,
    citations: 0,
    cleaned: undefined,
    closed: false,
    curly: false,
    loremIpsum: false,
    javascript: false,
    policy: false,
  };
  let at = 0;
  while (at < text.length) {
    at = readLine(units, at, text.length, line);
    judge(text, suspicious, line);
    visit(line, units);
  }
}

/** Words and ends of the line at `at`; answers where the next begins. */
function readLine(units: Uint16Array, at: number, stop: number, line: C4Line): number {
  let start = -1;
  let end = at;
  let words = 0;
  let longest = 0;
  let any = 0;
  let mark = 0;
  // Behind the last unit there is a line end, so the loops need not look where the text stops.
  for (;;) {
    while ((mark = marks[units[at]!]!) === white) at++;
    if ((mark & lineEnd) !== 0) break;
    const first = at;
    do {
      any |= mark;
      at++;
    } while (((mark = marks[units[at]!]!) & white) === 0);
    words++;
    if (start < 0) start = first;
    end = at;
    if (at - first > longest) longest = at - first;
  }
  line.start = start < 0 ? end : start;
  line.end = end;
  line.words = words;
  line.longestWord = longest;
  line.curly = (any & curlyBracket) !== 0;
  line.citations = (any & squareBracket) !== 0 ? -1 : 0;
  if (at >= stop) return stop;
  return units[at] === 13 && units[at + 1] === 10 && at + 1 < stop ? at + 2 : at + 1;
}

function judge(text: string, suspicious: boolean, line: C4Line): void {
  line.cleaned = undefined;
  if (line.longestWord > c4Defaults.longestWord) line.longestWord = longestIn(text, line);
  if (line.citations < 0) {
    const raw = text.slice(line.start, line.end);
    line.citations = 0;
    const cleaned = raw.replace(citation, () => {
      line.citations++;
      return '';
    });
    if (line.citations > 0) line.cleaned = cleaned;
  }
  line.closed =
    line.cleaned === undefined
      ? isClosed(text, line.start, line.end)
      : isClosed(line.cleaned, 0, line.cleaned.length);
  line.loremIpsum = false;
  line.javascript = false;
  line.policy = false;
  if (!suspicious || line.start === line.end) return;
  const lower = (line.cleaned ?? text.slice(line.start, line.end)).toLowerCase();
  line.loremIpsum = lower.includes('lorem ipsum');
  line.javascript = lower.includes('javascript');
  line.policy = policyPhrases.some((phrase) => lower.includes(phrase));
}

function isClosed(text: string, start: number, end: number): boolean {
  if (end <= start) return false;
  switch (text.charCodeAt(end - 1)) {
    case 0x2e:
      return !(end - start >= 3 && text.charCodeAt(end - 2) === 0x2e && text.charCodeAt(end - 3) === 0x2e);
    case 0x3f:
    case 0x21:
    case 0x22:
    case 0x27:
      return true;
    default:
      return false;
  }
}

/** The longest word in code points; only lines with a word of many code units get here. */
function longestIn(text: string, line: C4Line): number {
  let longest = 0;
  let length = 0;
  for (let at = line.start; at < line.end; at++) {
    const unit = text.charCodeAt(at);
    if ((marks[unit]! & white) !== 0) length = 0;
    else if (unit < 0xdc00 || unit > 0xdfff) longest = Math.max(longest, ++length);
  }
  return longest;
}
