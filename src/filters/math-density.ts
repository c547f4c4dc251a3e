/**
 * How mathematical a text is: counts of what mathematics leaves in plain text, and one score from 0 to 1 made of them.
 * Formulas and symbols are counted in the text as it is, whatever the pipeline says about masking.
 *
 * The score joins three kinds of evidence as independent witnesses (noisy or): 1 - (1 - .9 F)(1 - .25 S)(1 - .7 W), with
 *   F  formulas: spans and TeX commands per 100 words, or the share of characters inside spans;
 *   S  symbols: math symbols and Greek letters per visible character (what is left of formulas without markup);
 *   W  words: share of words that belong to mathematics, discounted until three different ones have occurred.
 * Each rises linearly to 1 at the density that a page about mathematics shows (`full`) and stays there. The weights say how far
 * each may go alone: formulas prove mathematics, words make it likely, symbols alone stay below the built-in threshold (0.3),
 * since program code is full of them. A constant is added to the word count: one hit in a text of ten words is no proof.
 *
 * Gives up: languages other than English in W, and the difference between good and bad mathematics.
 * The idea of a single density score: OpenWebMath's MathScore (arXiv 2310.06786); this one is not a trained classifier.
 */
import { countMath } from '../text/math-score.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import { countMathWords } from './math-words.ts';
import { ratio, type SignalFamily } from './signal.ts';

/** Densities at which each kind of evidence is complete. */
const full = {
  formulasPer100Words: 4,
  spanShare: 0.15,
  symbolShare: 0.03,
  wordShare: 0.03,
  distinctWords: 3,
} as const;
const weight = { formulas: 0.9, symbols: 0.25, words: 0.7 } as const;
/** Words added to every text before a density is taken. */
const priorWords = 25;

const small = { from: 0, to: 0.2 };

export const mathDensity: SignalFamily = {
  name: 'math',
  source: 'own; after the idea of OpenWebMath (arXiv 2310.06786)',
  signals: [
    {
      name: 'math.span_count',
      description: 'formulas in TeX delimiters or math environments',
      histogram: { from: 1, to: 10_000, logarithmic: true },
    },
    {
      name: 'math.span_char_ratio',
      description: 'share of the characters inside formulas',
      histogram: { from: 0, to: 1 },
    },
    {
      name: 'math.latex_command_ratio',
      description: 'TeX commands per word',
      histogram: { from: 0, to: 0.5 },
    },
    {
      name: 'math.symbol_ratio',
      description: 'math symbols and Greek letters per visible character',
      histogram: small,
    },
    {
      name: 'math.keyword_ratio',
      description: 'share of words that belong to mathematics',
      histogram: small,
    },
    {
      name: 'math.score',
      description: 'formulas, symbols and words joined, 0 to 1',
      histogram: { from: 0, to: 1 },
    },
  ],
  measure(document: MeasuredText): Float64Array {
    const counts = countMath(document.text, document.mathSpans);
    const mathWords = countMathWords(document);
    const { words } = document.wordCounts;
    const spanShare = ratio(counts.spanCharacters, document.text.length);
    const symbolShare = ratio(counts.mathSymbols, counts.visible);
    const hundredWords = (words + priorWords) / 100;
    const formulas = Math.max(
      rise((counts.spans + counts.texCommands) / hundredWords, full.formulasPer100Words),
      rise(spanShare, full.spanShare),
    );
    const vocabulary =
      rise(mathWords.total / (words + priorWords), full.wordShare) *
      rise(mathWords.distinct, full.distinctWords);
    const score =
      1 -
      (1 - weight.formulas * formulas) *
        (1 - weight.symbols * rise(symbolShare, full.symbolShare)) *
        (1 - weight.words * vocabulary);
    return Float64Array.of(
      counts.spans,
      spanShare,
      ratio(counts.texCommands, words),
      symbolShare,
      ratio(mathWords.total, words),
      score,
    );
  },
};

/** 0 at 0, 1 from `complete` on; 0 for NaN. */
function rise(value: number, complete: number): number {
  return Number.isNaN(value) ? 0 : Math.min(1, value / complete);
}
