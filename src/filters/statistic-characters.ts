/** Counts of character classes for the statistics family, one pass. Classes are Python's `isspace`, `isalpha`, `isdigit`, `isupper`. */
import { characterFlag, characterFlags, isLetterAt } from '../text/character-class.ts';
import { isPunctuationUnit } from '../text/words.ts';

export interface StatisticCharacters {
  whiteSpace: number;
  letters: number;
  digits: number;
  capitals: number;
  /** Characters in `...` and `…`. */
  inEllipses: number;
  punctuation: number;
  /** Ends of lines as `splitlines` sees them, `\r\n` once, one at the very end of the text left out. */
  lineEnds: number;
}

const digit = 1;
const capital = 2;
const lineEnd = 4;
let table: Uint8Array | undefined;

/** Made on first use (some 20 ms): every worker loads this file, and few jobs measure the family. */
function classesOf(): Uint8Array {
  return (table ??= buildClasses());
}

function buildClasses(): Uint8Array {
  const table = new Uint8Array(0x10000);
  // Superscripts and enclosed digits are digits to Python, fractions and Roman numerals are not.
  const isDigit = /[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]/u;
  const isCapital = /\p{Uppercase}/u;
  for (let code = 0; code < 0x10000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCharCode(code);
    if (isDigit.test(character)) table[code]! |= digit;
    if (isCapital.test(character)) table[code]! |= capital;
  }
  for (const code of [10, 11, 12, 13, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029]) table[code]! |= lineEnd;
  return table;
}
const astralDigit = /^\p{Nd}/u;
const astralCapital = /^\p{Uppercase}/u;

export function countStatisticCharacters(text: string): StatisticCharacters {
  const counts = {
    whiteSpace: 0,
    letters: 0,
    digits: 0,
    capitals: 0,
    inEllipses: 0,
    punctuation: 0,
    lineEnds: 0,
  };
  const classes = classesOf();
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const flags = characterFlags[unit]!;
    if ((flags & characterFlag.surrogate) !== 0) {
      if (unit >= 0xdc00) continue; // the second half was counted with the first
      const character = text.slice(at, at + 2);
      if (isLetterAt(text, at)) counts.letters++;
      else if (astralDigit.test(character)) counts.digits++;
      if (astralCapital.test(character)) counts.capitals++;
      continue;
    }
    if ((flags & characterFlag.space) !== 0) counts.whiteSpace++;
    if ((flags & characterFlag.letter) !== 0) counts.letters++;
    const own = classes[unit]!;
    if ((own & digit) !== 0) counts.digits++;
    if ((own & capital) !== 0) counts.capitals++;
    const last = at + 1 === text.length || (at + 2 === text.length && text.endsWith('\r\n'));
    const joined = unit === 13 && text.charCodeAt(at + 1) === 10;
    if ((own & lineEnd) !== 0 && !last && !joined) counts.lineEnds++;
    if (isPunctuationUnit(unit)) counts.punctuation++;
    if (unit === 0x2026) counts.inEllipses++;
  }
  for (let at = text.indexOf('...'); at >= 0; at = text.indexOf('...', at + 3)) counts.inEllipses += 3;
  return counts;
}
