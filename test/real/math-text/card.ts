/** The card of the bundled classifier: what it is for, data and licences, measures, limits. All figures come from the training run. */
import { markdownTable } from '../../../src/report/markdown.ts';
import { type Measured, sweep, together } from './measure.ts';
import type { PieceCount } from './train-data.ts';

export interface CardFacts {
  measured: readonly Measured[];
  counts: readonly PieceCount[];
  threshold: number;
  settings: Record<string, number>;
  bytes: number;
  words: number;
}

export function mathTextCard({ measured, counts, threshold, settings, bytes, words }: CardFacts): string {
  const heldOut = measured.filter(({ use }) => use === 'held out');
  const hard = measured.filter(({ use }) => use === 'hard');
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const rows = (parts: readonly Measured[]): string[][] =>
    parts.map(({ name, label, documents, right, mean, wrong }) => [
      name,
      label,
      String(documents),
      percent(right),
      mean.toFixed(3),
      wrong.map(({ id, score }) => `${id} (${score.toFixed(2)})`).join(', ') || 'none',
    ]);
  const header = ['source', 'is', 'documents', 'right', 'mean score', 'worst errors'];
  return `# math-text

Says how likely a document is mathematics: definitions, proofs, worked problems, formulas, not pages that only talk about mathematics.
A fastText model of ${Math.round(bytes / 1000)} kB, for \`demo\`, for a first loose round, and to try pipelines with. Name it \`bundled:math-text\`.
Whole documents in English, after midtrain's extraction (formulas as LaTeX or as plain text), prepared as MegaMath prepares text.

- labels: \`math\` (the score is its probability), \`other\`; threshold ${threshold}
- settings: ${Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}; ${words} words
- trained by \`test/real/train-math-text.ts\`, which gives these bytes again; record in training.json, all measures in evaluation.json

## Held out: sources that it was not trained on

C4 is the other half of the same 300 documents; every other source is a site of its own. Precision and recall over all of them:

${markdownTable(
  ['threshold', 'precision', 'recall', 'F1', 'math', 'other'],
  sweep.map((bound) => {
    const { precision, recall, f1, math, other } = together(heldOut, bound);
    return [String(bound), percent(precision), percent(recall), percent(f1), String(math), String(other)];
  }),
)}

${markdownTable(header, rows(heldOut), [1, 5])}

## Hard cases

Texts of our own: news about mathematicians, course lists, departments, calculators, catalogues, conversions, sports, recipes, law (no
mathematics in any), and mathematics without markup. After a first model failed on a table of contents and a conversion table of the first
set, pages of such kinds (not these) were added to training; the second set was written after that and measured once.

${markdownTable(header, rows(hard), [1, 5])}

## Trained on

${markdownTable(
  ['source', 'is', 'licence', 'documents', 'pieces'],
  counts.map(({ name, label, licence, documents, pieces }) => [
    name,
    label,
    licence,
    String(documents),
    String(pieces),
  ]),
  [1, 2],
)}

None of the test splits is among them; two MATH training problems that are also in its test set are left out. On the sources that it was
trained on (in distribution, whole documents):

${markdownTable(header, rows(measured.filter(({ use }) => use === 'train')), [1, 5])}

## Limits

- English. A text of another script is empty after preparation and scores the bare prior.
- Texts of a line or two have too few words to tell: a company's name in initials can score high.
- It sees words and pairs of words, not reasoning: tables of units and long lists of numbers come near the bound, and documentation of
  computer algebra counts as mathematics.
- Trained on some thousands of pieces. For a corpus train your own: \`midtrain classify train\`.
`;
}
