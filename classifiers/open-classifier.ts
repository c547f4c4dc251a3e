/**
 * A quality classifier as a function from a text to a number, opened from its description in a pipeline.
 *
 * Line feeds: a fastText line ends at the first, so a document has to be made one line. `space` puts a space there (MegaMath, and
 * datatrove's language filter); `remove` joins the lines without one (datatrove's FastTextClassifierFilter, which so also joins the
 * words at line ends; use it for scores that compare with its output).
 * What is scored: the document, or each paragraph (a line with more than white space), of which the largest score counts: a datatrove
 * filter in paragraph mode keeps something of the document exactly when that reaches the bound. (It also cuts the other paragraphs out
 * of the text; a scorer changes nothing.)
 *
 * Only fastText so far; embedding regressors and judges (issue 7) join by their `kind`.
 * Source: datatrove 0.10 FastTextClassifierFilter; MegaMath code, stage 1 and 2 (recipe.md 6.1).
 */
import { splitLines } from '../src/text/lines.ts';
import { type FastTextModel, openFastText } from './fasttext/fasttext-model.ts';
import type { FastTextData } from './fasttext/model-data.ts';
import { readFastTextData } from './fasttext/read-model.ts';

/** Scores a text: the probability of the label, up to 1.00001 as fastText prints it. */
export type TextScorer = (text: string) => number;

export interface ClassifierOptions {
  kind: 'fasttext';
  /** Path of the model, or what `readFastTextData` read (shared between threads). */
  model: string | FastTextData;
  /** The label whose probability is the score, with or without `__label__`. */
  label: string;
  /** What a line feed becomes. Default `space`. */
  newline?: 'space' | 'remove';
  /** What is scored. Default `document`. */
  unit?: 'document' | 'paragraph';
}

/** Throws `InputError` for a damaged model and `UserError` for a label it does not have. */
export async function openClassifier(options: ClassifierOptions): Promise<TextScorer> {
  const { model, label } = options;
  const data = typeof model === 'string' ? await readFastTextData(model) : model;
  return classifierScorer(openFastText(data), label, options);
}

/** A scorer over an open model. */
function classifierScorer(
  model: FastTextModel,
  label: string,
  options: Pick<ClassifierOptions, 'newline' | 'unit'> = {},
): TextScorer {
  model.labelNumber(label);
  const { newline = 'space', unit = 'document' } = options;
  const score: TextScorer =
    newline === 'remove'
      ? (text) => model.scoreOf(text.trim().replaceAll('\n', ''), label)
      : (text) => model.scoreOf(text, label);
  if (unit === 'document') return score;
  return (text) => {
    let best = 0;
    for (const line of splitLines(text)) {
      if (line.trim() !== '') best = Math.max(best, score(line));
    }
    return best;
  };
}
