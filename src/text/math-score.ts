/**
 * Counts that say how much mathematics a text holds; the math filter makes its signals from them.
 *
 * One pass over the characters, plus the spans found already. What counts: formulas and the share of the text inside
 * them, TeX commands (`\name`), and math symbols (Unicode category Sm and Greek letters, which are what pages without TeX have).
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { UnitReader } from './code-units.ts';
import type { MathSpan } from './math-spans.ts';

export interface MathCounts {
  readonly spans: number;
  readonly displaySpans: number;
  /** UTF-16 code units inside spans, delimiters included. */
  readonly spanCharacters: number;
  /** `\name` and `\symbol` commands, inside formulas and out. */
  readonly texCommands: number;
  /** Symbols of category Sm and Greek letters. */
  readonly mathSymbols: number;
  /** UTF-16 code units that are not white space. */
  readonly visible: number;
}

const kind = { space: 1, symbol: 2, backslash: 4 } as const;

/** Kind of each code unit; 0 for nearly all. */
const kinds = (() => {
  const table = new Uint8Array(0x10000);
  const symbol = /\p{Sm}/u;
  for (let unit = 0; unit < 0x10000; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    if (symbol.test(String.fromCharCode(unit))) table[unit] = kind.symbol;
    if (unit >= 0x391 && unit <= 0x3c9) table[unit] = kind.symbol; // Greek
    if ((characterFlags[unit]! & characterFlag.space) !== 0) table[unit] = kind.space;
  }
  // `<`, `>`, `|`, `~` are in code, quotes and tables as often as in formulas.
  for (const mark of '<>|~') table[mark.charCodeAt(0)] = 0;
  table[0x5c] = kind.backslash;
  return table;
})();

const reader = new UnitReader();

/** Counts over `text`, whose formulas are `spans`. */
export function countMath(text: string, spans: readonly MathSpan[]): MathCounts {
  let spanCharacters = 0;
  let displaySpans = 0;
  for (const span of spans) {
    spanCharacters += span.end - span.start;
    if (span.display) displaySpans++;
  }
  let texCommands = 0;
  let mathSymbols = 0;
  let spaces = 0;
  const units = reader.read(text);
  for (let at = 0; at < text.length; at++) {
    const found = kinds[units[at]!]!;
    if (found === 0) continue;
    if (found === kind.space) spaces++;
    else if (found === kind.symbol) mathSymbols++;
    // What follows the last character is a line end.
    else if ((characterFlags[units[at + 1]!]! & characterFlag.letter) !== 0) texCommands++;
  }
  return {
    spans: spans.length,
    displaySpans,
    spanCharacters,
    texCommands,
    mathSymbols,
    visible: text.length - spaces,
  };
}
