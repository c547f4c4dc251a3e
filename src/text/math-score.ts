/**
 * Counts that say how much mathematics a text holds; the math filter makes its signals from them.
 *
 * One pass over the characters, plus the spans found already. What counts: formulas and the share of the text inside
 * them, TeX commands (`\name`), math symbols (Unicode category Sm and Greek letters outside formulas are what pages
 * without TeX have), digits, and a few words that only mathematics uses often.
 */
import { characterFlag, characterFlags } from './character-class.ts';
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
  readonly digits: number;
  readonly letters: number;
  /** UTF-16 code units that are not white space. */
  readonly visible: number;
  /** Occurrences of words of mathematical prose, outside formulas. */
  readonly mathWords: number;
}

const vocabulary = new Set(
  (
    'theorem lemma proof corollary proposition equation equations integer integers polynomial polynomials matrix ' +
    'matrices vector vectors derivative derivatives integral integrals function functions algebra algebraic geometry ' +
    'triangle triangles angle angles fraction fractions denominator numerator exponent exponents logarithm ' +
    'probability theorem variable variables coefficient coefficients prime primes modulo finite infinite convergent ' +
    'convergence topology manifold group subgroup ring field ideal eigenvalue eigenvalues determinant calculus ' +
    'conjecture axiom bijection isomorphism homomorphism congruence divisor multiple factorization arithmetic'
  ).split(' '),
);

const mathSymbolTable = (() => {
  const table = new Uint8Array(0x10000);
  const symbol = /\p{Sm}/u;
  for (let unit = 0; unit < 0x10000; unit++) {
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    if (symbol.test(String.fromCharCode(unit))) table[unit] = 1;
    if (unit >= 0x391 && unit <= 0x3c9) table[unit] = 1; // Greek
  }
  // `<`, `>`, `|`, `~` are in code, quotes and tables as often as in formulas.
  for (const mark of '<>|~') table[mark.charCodeAt(0)] = 0;
  return table;
})();

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
  let digits = 0;
  let letters = 0;
  let visible = 0;
  let mathWords = 0;
  let spanIndex = 0;
  let wordStart = -1;
  for (let at = 0; at <= text.length; at++) {
    const unit = at < text.length ? text.charCodeAt(at) : 0x20;
    const flags = characterFlags[unit]!;
    if ((flags & characterFlag.letter) !== 0) {
      letters++;
      if (wordStart < 0) wordStart = at;
    } else if (wordStart >= 0) {
      while (spanIndex < spans.length && spans[spanIndex]!.end <= wordStart) spanIndex++;
      const span = spans[spanIndex];
      const inside = span !== undefined && span.start <= wordStart;
      const length = at - wordStart;
      if (!inside && length >= 4 && length <= 14 && vocabulary.has(text.slice(wordStart, at).toLowerCase()))
        mathWords++;
      wordStart = -1;
    }
    if (at === text.length) break;
    if ((flags & characterFlag.space) === 0) visible++;
    if ((flags & characterFlag.digit) !== 0) digits++;
    mathSymbols += mathSymbolTable[unit]!;
    if (unit === 0x5c && at + 1 < text.length) {
      const next = characterFlags[text.charCodeAt(at + 1)]!;
      if ((next & characterFlag.letter) !== 0) texCommands++;
    }
  }
  return {
    spans: spans.length,
    displaySpans,
    spanCharacters,
    texCommands,
    mathSymbols,
    digits,
    letters,
    visible,
    mathWords,
  };
}
