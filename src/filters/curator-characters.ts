/** Counts of characters that NeMo Curator's ratios need, in one pass over the text. Source: nemo_curator/utils/constants.py. */

export interface CuratorCharacters {
  /** ASCII letters and digits, line ends and `?` `!` `,` `.` */
  alphaNumeric: number;
  digits: number;
  /** Blanks, tabs, line ends, backspaces. */
  whiteSpace: number;
  /** Round, square and curly brackets and ⟨⟩. */
  brackets: number;
  /** Characters in http and https addresses. */
  inUrls: number;
}

const alphaNumeric = 1;
const digit = 2;
const whiteSpace = 4;
const bracket = 8;
let table: Uint8Array | undefined;

/** Made on first use (some 20 ms): every worker loads this file, and few jobs measure the family. */
function classesOf(): Uint8Array {
  return (table ??= buildClasses());
}

function buildClasses(): Uint8Array {
  const table = new Uint8Array(0x10000);
  for (let code = 0; code < 0x10000; code++) {
    if (/\p{Nd}/u.test(String.fromCharCode(code))) table[code] = digit;
  }
  for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789\n?!,.') {
    table[character.charCodeAt(0)]! |= alphaNumeric;
    table[character.toUpperCase().charCodeAt(0)]! |= alphaNumeric;
  }
  for (const character of '\t\n\r\b ') table[character.charCodeAt(0)]! |= whiteSpace;
  for (const character of '{}⟨⟩[]()') table[character.charCodeAt(0)]! |= bracket;
  return table;
}

export function countCuratorCharacters(text: string): CuratorCharacters {
  const counts: CuratorCharacters = { alphaNumeric: 0, digits: 0, whiteSpace: 0, brackets: 0, inUrls: 0 };
  const classes = classesOf();
  for (let at = 0; at < text.length; at++) {
    const flags = classes[text.charCodeAt(at)]!;
    if (flags === 0) continue;
    counts.alphaNumeric += flags & alphaNumeric;
    if ((flags & digit) !== 0) counts.digits++;
    if ((flags & whiteSpace) !== 0) counts.whiteSpace++;
    if ((flags & bracket) !== 0) counts.brackets++;
  }
  counts.inUrls = charactersInUrls(text);
  return counts;
}

const address = /https?:\/\/[!$-_a-z]+/y;

function charactersInUrls(text: string): number {
  let characters = 0;
  for (let at = text.indexOf('http'); at >= 0; at = text.indexOf('http', at)) {
    address.lastIndex = at;
    const end = address.test(text) ? address.lastIndex : at;
    characters += end - at;
    at = Math.max(end, at + 1);
  }
  return characters;
}
