/**
 * A quality classifier as a function from texts to numbers, opened from its description in a pipeline: fastText one text at a time,
 * embedding regressors in batches.
 *
 * Line feeds: a fastText line ends at the first, so a document has to be made one line. `space` puts a space there (MegaMath, and
 * datatrove's language filter); `remove` joins the lines without one (datatrove's FastTextClassifierFilter, which so also joins the
 * words at line ends; use it for scores that compare with its output).
 * What is scored: the document, or each paragraph (a line with more than white space) or sentence, of which the largest score counts: a
 * datatrove filter in paragraph or sentence mode keeps something of the document exactly when that reaches the bound. (It also cuts the
 * other parts out of the text; a scorer changes nothing.) Sentences are those of `Intl.Segmenter` (Unicode UAX 29) for English, where
 * datatrove asks spaCy: about abbreviations and headings the two differ.
 *
 * Source: datatrove 0.10 FastTextClassifierFilter; MegaMath code, stage 1 and 2 (recipe.md 6.1).
 */
import { splitLines } from '../src/text/lines.ts';
import { type FastTextModel, openFastText } from './fasttext/fasttext-model.ts';
import type { FastTextData } from './fasttext/model-data.ts';
import { readFastTextData } from './fasttext/read-model.ts';
import { type Preparation, prepareText } from './prepare-text.ts';
import type { Regressor, RegressorOptions } from './regressor/open-regressor.ts';
import type { ScoredUnit } from './scored-unit.ts';

/** Scores a text: the probability of the label, up to 1.00001 as fastText prints it. */
export type TextScorer = (text: string) => number;

export interface ClassifierOptions {
  kind: 'fasttext';
  /** Path of the model, or what `readFastTextData` read (shared between threads). */
  model: string | FastTextData;
  /** The label whose probability is the score, with or without `__label__`. */
  label: string;
  /** What is done to the text before. Default `none`. */
  prepare?: Preparation;
  /** What a line feed becomes. Default `space`. */
  newline?: 'space' | 'remove';
  /** What is scored. Default `document`. */
  unit?: ScoredUnit;
}

/** Throws `InputError` for a damaged model and `UserError` for a label it does not have. */
export function openClassifier(options: ClassifierOptions): Promise<TextScorer>;
export function openClassifier(options: RegressorOptions): Promise<Regressor>;
export async function openClassifier(
  options: ClassifierOptions | RegressorOptions,
): Promise<TextScorer | Regressor> {
  if (options.kind === 'regressor') {
    const { openRegressor } = await import('./regressor/open-regressor.ts');
    return openRegressor(options);
  }
  const { model, label } = options;
  const data = typeof model === 'string' ? await readFastTextData(model) : model;
  return classifierScorer(openFastText(data), label, options);
}

/** A scorer over an open model. */
function classifierScorer(
  model: FastTextModel,
  label: string,
  options: Pick<ClassifierOptions, 'prepare' | 'newline' | 'unit'>,
): TextScorer {
  model.labelNumber(label);
  const { prepare = 'none', newline = 'space', unit = 'document' } = options;
  const join: TextScorer =
    newline === 'remove'
      ? (text) => model.scoreOf(text.trim().replaceAll('\n', ''), label)
      : (text) => model.scoreOf(text, label);
  const score: TextScorer = prepare === 'none' ? join : (text) => join(prepareText(text, prepare));
  if (unit === 'document') return score;
  const parts = unit === 'paragraph' ? splitLines : splitSentences;
  return (text) => {
    let best = 0;
    for (const part of parts(text)) {
      if (part.trim() !== '') best = Math.max(best, score(part));
    }
    return best;
  };
}

let segmenter: Intl.Segmenter | undefined;

function splitSentences(text: string): string[] {
  // The language is fixed, so the machine's own locale does not matter.
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
