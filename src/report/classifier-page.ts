/**
 * The page of a classifier's evaluation: what it does at its threshold, at every other, whether its scores are probabilities, source by source,
 * and the errors it was most certain of. One file, no script, nothing fetched (page.ts); all texts are foreign and escaped.
 */
import type {
  ClassifierEvaluation,
  MeasuredSet,
  ShareInterval,
  WorstError,
} from '../core/classifier-evaluation.ts';
import { calibrationFigures, histogramFigures, setNames, sweepFigures } from './classifier-charts.ts';
import { table } from './figure.ts';
import { notes } from './filter-section.ts';
import type { Headline } from './headline.ts';
import { breakable, type Content, html, type Markup } from './html.ts';
import { bytes, decimal, percent, whole } from './number-format.ts';
import { page } from './page.ts';

export const kindNames = { fasttext: 'fastText classifier', regressor: 'embedding regressor' } as const;

export function classifierPage(evaluation: ClassifierEvaluation): string {
  const sections = [
    { id: 'measures', name: 'Measures', body: measuresSection(evaluation) },
    { id: 'thresholds', name: 'Thresholds', body: thresholdSection(evaluation) },
    { id: 'scores', name: 'Scores and calibration', body: scoreSection(evaluation) },
    { id: 'sources', name: 'Sources', body: sourceSection(evaluation) },
    { id: 'errors', name: 'Worst errors', body: errorSection(evaluation) },
    { id: 'data', name: 'What it was measured on', body: dataSection(evaluation) },
  ];
  return page({
    title: `Evaluation of ${evaluation.classifier.name}`,
    headline: headlineOf(evaluation),
    sections,
    footer: html`<p>Made by midtrain. All numbers were measured in this evaluation; nothing on this page is fetched and no script runs.</p>`,
  });
}

/** The set that tells most: out of distribution, where there are enough documents of both classes to tell anything. */
export function tellingSet({ sets }: ClassifierEvaluation): MeasuredSet {
  const enough = ({ documents, positives }: MeasuredSet): boolean =>
    Math.min(positives, documents - positives) >= enoughOfClass;
  return sets.find((set) => set.distribution === 'out' && enough(set)) ?? sets[0]!;
}

const enoughOfClass = 20;

/** A threshold so that it can be typed again: rounded down, since a document at it is positive. */
export function exactThreshold(value: number): string {
  // Four digits, or four that count of a small one.
  const digits = value === 0 ? 0 : Math.max(4, 3 - Math.floor(Math.log10(Math.abs(value))));
  const scale = 10 ** Math.min(20, digits);
  return String(Math.floor(value * scale + 1e-6) / scale);
}

export function thresholdWords({ threshold }: ClassifierEvaluation): string {
  switch (threshold.by) {
    case 'given':
      return 'as given';
    case 'model':
      return "the model's own";
    case 'max-f1':
      return 'the highest F1';
    case 'recall':
      return `the highest with a recall of ${percent(threshold.target)}`;
    case 'precision':
      return `a precision of ${percent(threshold.target)} with the highest recall`;
  }
}

function share(value: number | null): string {
  return value === null ? '–' : percent(value);
}

function number(value: number | null): string {
  return value === null ? '–' : value.toFixed(4);
}

function headlineOf(evaluation: ClassifierEvaluation): Headline {
  const { classifier, sets } = evaluation;
  const set = tellingSet(evaluation);
  const inside = sets.find(({ distribution }) => distribution === 'in');
  const { chosen } = set;
  const where = set.distribution === 'all' ? '' : ` ${setNames[set.distribution]}`;
  return {
    sentence: `A ${kindNames[classifier.kind]}: from a score of ${exactThreshold(evaluation.threshold.value)} on it finds ${share(chosen.recall)} of the positives${where}, and ${share(chosen.precision)} of what it finds is positive.`,
    numbers: [
      {
        label: `F1${where}`,
        value: share(chosen.f1),
        detail:
          inside !== undefined && inside !== set
            ? `in distribution ${share(inside.chosen.f1)}`
            : `${whole(set.documents)} documents, ${whole(set.positives)} positive`,
      },
      {
        label: `Precision${where}`,
        value: share(chosen.precision),
        detail: `at ${exactThreshold(evaluation.threshold.value)}`,
      },
      { label: `Recall${where}`, value: share(chosen.recall), detail: thresholdWords(evaluation) },
      {
        label: `ROC AUC${where}`,
        value: number(set.rocAuc),
        detail:
          set.regression === null
            ? `calibration error ${share(set.expectedCalibrationError)}`
            : `int_score macro F1 ${share(set.regression.intScoreMacroF1)}`,
      },
      {
        label: 'Kept at the threshold',
        value: share(chosen.keptDocuments),
        detail: `${share(chosen.keptTokens)} of the tokens`,
      },
    ],
  };
}

function measuresSection(evaluation: ClassifierEvaluation): Markup {
  const { sets } = evaluation;
  const row = (name: string, of: (set: MeasuredSet) => Content): Content[] => [name, ...sets.map(of)];
  const regression = sets.some((set) => set.regression !== null);
  const rows = [
    row('Documents', ({ documents }) => whole(documents)),
    row('Positive', ({ positives }) => whole(positives)),
    row('Precision', ({ chosen }) => share(chosen.precision)),
    row('Recall', ({ chosen }) => share(chosen.recall)),
    row('F1', ({ chosen }) => share(chosen.f1)),
    row('Precision of the negatives', ({ chosen }) => share(chosen.negativePrecision)),
    row('Recall of the negatives', ({ chosen }) => share(chosen.negativeRecall)),
    row('F1 of the negatives', ({ chosen }) => share(chosen.negativeF1)),
    row('Macro F1', ({ chosen }) => share(chosen.macroF1)),
    row('Right', ({ chosen }) => share(chosen.accuracy)),
    row('True positives', ({ chosen }) => whole(chosen.tp)),
    row('False positives', ({ chosen }) => whole(chosen.fp)),
    row('False negatives', ({ chosen }) => whole(chosen.fn)),
    row('True negatives', ({ chosen }) => whole(chosen.tn)),
    row('ROC AUC', ({ rocAuc }) => number(rocAuc)),
    row('Average precision', ({ averagePrecision }) => number(averagePrecision)),
    ...(regression
      ? [
          row('int_score macro F1', (set) => number(set.regression?.intScoreMacroF1 ?? null)),
          row('int_score right', (set) => share(set.regression?.intScoreAccuracy ?? null)),
          row('Mean absolute error', (set) => number(set.regression?.meanAbsoluteError ?? null)),
          row('Spearman', (set) => number(set.regression?.spearman ?? null)),
        ]
      : [
          row('Expected calibration error', (set) => share(set.expectedCalibrationError)),
          row('Brier score', ({ brier }) => number(brier)),
        ]),
    row('Kept documents', ({ chosen }) => share(chosen.keptDocuments)),
    row('Kept tokens', ({ chosen }) => share(chosen.keptTokens)),
  ];
  return html`<section id="measures"><h2>Measures</h2><p class="lead">A document is taken for positive from a score of ${exactThreshold(evaluation.threshold.value)} on (${thresholdWords(evaluation)}). In distribution: sources that the classifier was trained on, documents that it was not. Out of distribution: sources that it never saw.</p>${notes(evaluation.warnings)}${table(['', ...sets.map(({ distribution }) => setNames[distribution])], rows)}</section>`;
}

function thresholdSection(evaluation: ClassifierEvaluation): Markup {
  return html`<section id="thresholds"><h2>Thresholds</h2><p class="lead">What another threshold would do. Precision falls and recall rises as the threshold is lowered; where both curves are flat, the choice hardly matters.</p><div class="grid">${sweepFigures(evaluation)}</div></section>`;
}

function scoreSection(evaluation: ClassifierEvaluation): Markup {
  const lead =
    evaluation.classifier.kind === 'regressor'
      ? 'Scores of 0 to 5 against the annotated ones: on the diagonal a score says what the annotator said.'
      : 'Whether a score is a probability: on the diagonal, of the documents with a score of 0.8 eight in ten are positive. A threshold does not need that; a sum of scores does.';
  return html`<section id="scores"><h2>Scores and calibration</h2><p class="lead">${lead}</p><div class="grid">${calibrationFigures(evaluation)}${histogramFigures(evaluation)}</div></section>`;
}

function interval(value: ShareInterval | null): Content {
  if (value === null) return '–';
  return html`${percent(value.value)} <small>${percent(value.low)} to ${percent(value.high)}</small>`;
}

function sourceSection({ sources }: ClassifierEvaluation): Markup {
  const header = ['Source', '', 'Documents', 'Positive', 'Precision', 'Recall', 'Right', 'F1', 'Mean score'];
  const rows = sources.map((source) => [
    breakable(source.source),
    source.distribution === 'all' ? '' : setNames[source.distribution],
    whole(source.documents),
    whole(source.positives),
    interval(source.precision),
    interval(source.recall),
    interval(source.accuracy),
    source.positives === 0 ? '–' : share(source.f1),
    decimal(source.meanScore),
  ]);
  return html`<section id="sources"><h2>Sources</h2><p class="lead">At the threshold, with 95 % Wilson intervals. Right: of a source of negatives what is not taken for positive; precision needs both classes.</p>${table(header, rows, [1])}</section>`;
}

function errorSection(evaluation: ClassifierEvaluation): Markup {
  const { worst } = evaluation;
  const list = (title: string, lead: string, errors: readonly WorstError[]): Markup =>
    html`<h3>${title}</h3>${
      errors.length === 0
        ? html`<p class="lead">None.</p>`
        : html`<p class="lead">${lead}</p><div class="examples">${errors.map(
            (error) =>
              html`<div class="example"><p class="source">score ${decimal(error.score)} · ${error.source} · ${error.id}${
                error.url === null || error.url === error.id ? '' : html` · ${error.url}`
              }</p><pre>${error.excerpt}</pre></div>`,
          )}</div>`
    }`;
  return html`<section id="errors"><h2>Worst errors</h2>${list(
    'Negatives that score highest',
    `Labelled negative, and at or above ${exactThreshold(evaluation.threshold.value)}. Read a few: some may be labelled wrong.`,
    worst.falsePositives,
  )}${list('Positives that score lowest', `Labelled positive, and below ${exactThreshold(evaluation.threshold.value)}.`, worst.falseNegatives)}</section>`;
}

function dataSection({ data, classifier, positiveMin, versions }: ClassifierEvaluation): Markup {
  const left = Object.entries(data.left).map(([reason, n]) => `${whole(n)} ${reason}`);
  const facts: [string, Content][] = [
    ['Classifier', `${classifier.name}, ${kindNames[classifier.kind]}`],
    ...(classifier.label === null ? [] : ([['Label', classifier.label]] as [string, Content][])),
    ['sha256 of the weights', html`<code>${classifier.sha256}</code>`],
    ['Positive', `a label, or a score of at least ${decimal(positiveMin)}`],
    ['Documents', whole(data.documents)],
    ['Not measured', left.length === 0 ? 'none' : left.join(', ')],
    ['Tokens', data.tokens],
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
  ];
  return html`<section id="data"><h2>What it was measured on</h2><dl class="facts">${facts.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
  )}</dl>${table(
    ['File', 'Size', 'Fingerprint'],
    data.files.map(({ path, bytes: size, fingerprint }) => [breakable(path), bytes(size), fingerprint]),
    [2],
  )}</section>`;
}
