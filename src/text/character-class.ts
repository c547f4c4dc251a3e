/**
 * Character classes of the Basic Multilingual Plane as one byte of flags per UTF-16 code unit.
 *
 * The tokenizer and the counters ask several questions about every character of a document; a table answers all of
 * them in one load. Code units of a surrogate pair have the flag `surrogate` only and count as neither letter nor
 * punctuation, except in `isLetterAt`, which reads the whole code point.
 *
 * Gives up: exact per-plane classes outside the BMP (mathematical alphanumerics are letters through `isLetterAt`).
 * Classes follow spaCy's character classes (spacy/lang/char_classes.py) as far as the English tokenizer uses them.
 */

export const characterFlag = {
  space: 1,
  lower: 2,
  upper: 4,
  /** Any letter, cased or not. */
  letter: 8,
  digit: 16,
  /** Split off at both ends of a word: sentence punctuation, brackets, quotes, ellipsis, symbols of category So. */
  edge: 32,
  quote: 64,
  surrogate: 128,
} as const;

const edgePunctuation = '…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪—–';
const quotes = '\'"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧';

function buildTable(): Uint8Array {
  const table = new Uint8Array(0x10000);
  const lower = /\p{Ll}/u;
  const upper = /\p{Lu}|\p{Lt}/u;
  const letter = /\p{L}/u;
  const symbol = /\p{So}/u;
  for (let code = 0; code < 0x10000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) {
      table[code] = characterFlag.surrogate;
      continue;
    }
    const character = String.fromCharCode(code);
    let flags = 0;
    if (isSpaceCode(code)) flags |= characterFlag.space;
    if (code >= 48 && code <= 57) flags |= characterFlag.digit;
    if (letter.test(character)) {
      flags |= characterFlag.letter;
      if (lower.test(character)) flags |= characterFlag.lower;
      else if (upper.test(character)) flags |= characterFlag.upper;
      else flags |= characterFlag.lower | characterFlag.upper; // uncased scripts count as both, as in spaCy
    } else if (symbol.test(character)) flags |= characterFlag.edge;
    table[code] = flags;
  }
  for (const character of edgePunctuation) table[character.charCodeAt(0)]! |= characterFlag.edge;
  for (const character of quotes) table[character.charCodeAt(0)]! |= characterFlag.edge | characterFlag.quote;
  return table;
}

/** White space as Python's `str.isspace` sees it (Unicode spaces and the separators 0x1c to 0x1f). */
function isSpaceCode(code: number): boolean {
  return (
    (code >= 9 && code <= 13) ||
    (code >= 0x1c && code <= 0x20) ||
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** Flags by UTF-16 code unit; see `characterFlag`. */
export const characterFlags: Uint8Array = buildTable();

const astralLetter = /^\p{L}/u;

/** True when the code point that starts at `index` is a letter; reads surrogate pairs whole. */
export function isLetterAt(text: string, index: number): boolean {
  const flags = characterFlags[text.charCodeAt(index)]!;
  if ((flags & characterFlag.letter) !== 0) return true;
  if ((flags & characterFlag.surrogate) === 0) return false;
  return astralLetter.test(text.slice(index, index + 2));
}

const surrogateHalf = /[\uDC00-\uDFFF]/;

/** Code points in `text` (Python's `len`); a lone surrogate counts as one. */
export function countCodePoints(text: string): number {
  // Nearly no text has any; the expression finds that out ten times as fast as the loop.
  if (text.length > 16 && !surrogateHalf.test(text)) return text.length;
  let pairs = 0;
  for (let index = 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0xdc00 || code > 0xdfff) continue;
    const before = text.charCodeAt(index - 1);
    if (before >= 0xd800 && before <= 0xdbff) pairs++;
  }
  return text.length - pairs;
}
