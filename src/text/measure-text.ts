/**
 * One document read once: the lines, paragraphs, words and n-grams that all signal families share.
 *
 * `measureText` finds the formulas, masks them when asked, and hands out the parts. Every part is made on first use
 * and kept, so a family that needs no n-grams pays for none, and two families never split the same text twice.
 * `measured` is the text the rules see: with formulas masked under `math: 'masked'`, as written under `'plain'`.
 * Lengths are in code points, as the Python tools count.
 */
import { countCodePoints } from './character-class.ts';
import { splitLines, splitParagraphs } from './lines.ts';
import { maskMath } from './mask-math.ts';
import { findMathSpans, type MathSpan } from './math-spans.ts';
import { Ngrams } from './ngrams.ts';
import { wordKind } from './vocabulary.ts';
import { type Tokens, textsOf, tokenise } from './words.ts';

export type MathTreatment = 'masked' | 'plain';

/** Counts over the words of `measured`. "Words" are those that are not only punctuation, as in datatrove. */
export interface WordCounts {
  /** All tokens, punctuation marks included. */
  readonly tokens: number;
  readonly words: number;
  /** Code points in `words`. */
  readonly wordCharacters: number;
  /** Tokens (marks included) that hold at least one letter. */
  readonly withLetter: number;
}

export class MeasuredText {
  /** The document as it came. */
  readonly text: string;
  readonly math: MathTreatment;
  /** Where the document is from, for families that judge addresses; null when unknown. */
  readonly url: string | null;
  /** Formulas of `text`. */
  readonly mathSpans: readonly MathSpan[];
  /** What prose rules look at. */
  readonly measured: string;

  #masked: string | undefined;
  #characters: number | undefined;
  #lines: readonly string[] | undefined;
  #filledLines: readonly string[] | undefined;
  #paragraphs: readonly string[] | undefined;
  #tokens: Tokens | undefined;
  #words: readonly string[] | undefined;
  #counts: WordCounts | undefined;
  #ngrams: Ngrams | undefined;

  constructor(text: string, math: MathTreatment, url: string | null = null) {
    this.text = text;
    this.math = math;
    this.url = url;
    this.mathSpans = findMathSpans(text);
    this.#masked = undefined;
    this.measured = math === 'masked' ? this.masked : text;
  }

  /** `text` with formulas masked, whatever `math` says. */
  get masked(): string {
    return (this.#masked ??= maskMath(this.text, this.mathSpans));
  }

  /** Code points of `measured`. */
  get characters(): number {
    return (this.#characters ??= countCodePoints(this.measured));
  }

  /** Lines of `measured`, empty ones too. */
  get lines(): readonly string[] {
    return (this.#lines ??= splitLines(this.measured));
  }

  /** Lines of `measured` that hold more than white space. */
  get filledLines(): readonly string[] {
    return (this.#filledLines ??= this.lines.filter(isFilled));
  }

  /** Paragraphs of `measured` (cut at blank lines). */
  get paragraphs(): readonly string[] {
    return (this.#paragraphs ??= splitParagraphs(this.measured));
  }

  /** Tokens of `measured`, words and punctuation marks, as numbers: what measures over words should use. */
  get tokens(): Tokens {
    return (this.#tokens ??= tokenise(this.measured));
  }

  /** The tokens as strings. */
  get words(): readonly string[] {
    return (this.#words ??= textsOf(this.tokens));
  }

  get wordCounts(): WordCounts {
    return (this.#counts ??= countWords(this.tokens));
  }

  /** N-grams over all tokens of `measured`. */
  get ngrams(): Ngrams {
    return (this.#ngrams ??= new Ngrams(this.tokens));
  }
}

function isFilled(line: string): boolean {
  const first = line.charCodeAt(0);
  // Most lines begin with a visible ASCII character, and need no copy to tell.
  return (first > 0x20 && first < 0x7f) || line.trim() !== '';
}

/** Reads `text` for measuring. Cheap until a part is asked for (finding the formulas is one pass). */
export function measureText(
  text: string,
  options: { math: MathTreatment; url?: string | null },
): MeasuredText {
  return new MeasuredText(text, options.math, options.url ?? null);
}

function countWords({ ids, counts, words: different, vocabulary }: Tokens): WordCounts {
  let words = 0;
  let wordCharacters = 0;
  let withLetter = 0;
  for (let id = 0; id < different.length; id++) {
    const word = different[id]!;
    const kind = vocabulary.kinds[word]!;
    if (kind === wordKind.punctuation) continue;
    const count = counts[id]!;
    if (kind === wordKind.withLetter) withLetter += count;
    words += count;
    wordCharacters += count * vocabulary.codePoints[word]!;
  }
  return { tokens: ids.length, words, wordCharacters, withLetter };
}
