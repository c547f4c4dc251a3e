/**
 * Language signals: how probable the wanted languages are, and which language is most probable.
 *
 * The family is built around a predictor that the caller opens (`openLanguage` in classifiers/language), so that this folder
 * knows no model. Formulas belong to no language: under `math: masked` each one is replaced by a space before the predictor sees
 * the text (the made-up words of `maskMath` would count as words of some language), under `plain` the text is read as it is, as
 * datatrove and MegaMath do. A text that is nothing but formulas has no language: NaN and null.
 *
 * Gives up: documents in two languages (one verdict for the whole), and telling apart what the model does not know.
 * Source: datatrove LanguageFilter (fastText lid.176, kept above 0.65); MegaMath section 2.1 (en >= 0.65); measured effect of
 * removing formulas first: 52 -> 53 of 56 short math sentences right with eld, 53 -> 53 with lid.176.
 */
import type { MathSpan } from '../text/math-spans.ts';
import type { MeasuredText } from '../text/measure-text.ts';
import type { FamilySpec, SignalFamily, SignalSpec } from './signal.ts';

/** One language a predictor found: `label` as the model names it (`en`), `score` its probability. */
interface LanguageScore {
  label: string;
  score: number;
}

/** Languages of `text`, most probable first; the wanted ones among them unless their probability is 0; empty for no words. */
export type PredictLanguage = (text: string) => readonly LanguageScore[];

export interface LanguageFamilyOptions {
  /** Languages that get a signal each, `language.<code>`. Default: English only. */
  languages?: readonly string[];
  /** `remove` takes formulas out first, `keep` does not. Default: `remove` where the pipeline masks formulas. */
  math?: 'remove' | 'keep';
}

/** What is measured for `languages` (codes as the model writes them, `en`). */
export function languageSpecFor(languages: readonly string[]): FamilySpec {
  const probabilities = languages.map(
    (language): SignalSpec => ({
      name: `language.${language}`,
      description: `probability that the text is in language "${language}"`,
      histogram: { from: 0, to: 1 },
    }),
  );
  return {
    name: 'language',
    source: 'fastText lid.176 as datatrove and MegaMath use it, or eld',
    signals: [
      ...probabilities,
      {
        name: 'language.score',
        description: 'probability of the most probable language',
        histogram: { from: 0, to: 1 },
      },
    ],
    labels: [{ name: 'language.label', description: 'the most probable language' }],
  };
}

/** The family with its default settings: English. */
export const languageSpec: FamilySpec = languageSpecFor(['en']);

/** The family over an opened predictor. A document is predicted once, whichever of its numbers are asked for. */
export function languageFamily(predict: PredictLanguage, options: LanguageFamilyOptions = {}): SignalFamily {
  const languages = options.languages ?? ['en'];
  let lastDocument: MeasuredText | undefined;
  let lastScores: readonly LanguageScore[] = [];
  const scoresOf = (document: MeasuredText): readonly LanguageScore[] => {
    if (document !== lastDocument) {
      const math = options.math ?? (document.math === 'masked' ? 'remove' : 'keep');
      const text = math === 'remove' ? withoutSpans(document.text, document.mathSpans) : document.text;
      lastScores = predict(text);
      lastDocument = document;
    }
    return lastScores;
  };
  return {
    ...(options.languages === undefined ? languageSpec : languageSpecFor(languages)),
    measure(document: MeasuredText): Float64Array {
      const scores = scoresOf(document);
      const values = new Float64Array(languages.length + 1).fill(Number.NaN);
      if (scores.length === 0) return values;
      for (let i = 0; i < languages.length; i++) {
        values[i] = scores.find((entry) => entry.label === languages[i])?.score ?? 0;
      }
      values[languages.length] = scores[0]!.score;
      return values;
    },
    label(document: MeasuredText): (string | null)[] {
      return [scoresOf(document)[0]?.label ?? null];
    },
  };
}

/** `text` with each span replaced by one space. */
function withoutSpans(text: string, spans: readonly MathSpan[]): string {
  if (spans.length === 0) return text;
  const pieces: string[] = [];
  let from = 0;
  for (const span of spans) {
    pieces.push(text.slice(from, span.start));
    from = span.end;
  }
  pieces.push(text.slice(from));
  return pieces.join(' ');
}
