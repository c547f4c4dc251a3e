/** The curves of a classifier's evaluation: precision over recall, the sweep of thresholds, what is kept, calibration, and scores by class. */
import type { ClassifierEvaluation, MeasuredSet } from '../core/classifier-evaluation.ts';
import { classColours, drawClassHistogram, histogramWords } from './class-histogram.ts';
import { dataTable, figure, halfSize, lineFigure, swatchLegend } from './figure.ts';
import type { Markup } from './html.ts';
import type { BandPoint, LineSeries } from './line-chart.ts';
import { decimal, percent, whole } from './number-format.ts';
import { seriesColour, seriesDash } from './palette.ts';

/** Sets of documents, for people. */
export const setNames = { all: 'all documents', in: 'in distribution', out: 'out of distribution' } as const;

/** In and out of distribution where both are there, else all. */
function shownSets({ sets }: ClassifierEvaluation): MeasuredSet[] {
  return sets.length > 1 ? sets.slice(1) : sets.slice(0, 1);
}

function lines(
  entries: readonly { label: string; points: BandPoint[] }[],
  options: { dots?: boolean } = {},
): LineSeries[] {
  return entries.map(({ label, points }, i) => ({
    label,
    colour: seriesColour(i),
    dash: seriesDash(i, entries.length),
    points,
    ...options,
  }));
}

export function sweepFigures(evaluation: ClassifierEvaluation): (Markup | undefined)[] {
  const { threshold } = evaluation;
  const sets = shownSets(evaluation);
  const boundaries = [{ at: threshold.value, label: decimal(threshold.value) }];
  const known = (points: { x: number; y: number | null }[]): BandPoint[] =>
    points.flatMap(({ x, y }) => (y === null ? [] : [{ x, y }]));
  return [
    lineFigure({
      title: 'Precision over recall',
      caption: 'Each point is a threshold; the upper right corner is a perfect classifier.',
      xLabel: 'recall',
      yLabel: 'precision',
      xFormat: (x) => percent(x, 0),
      yFormat: (y) => percent(y, 0),
      top: 1,
      series: lines(
        sets.map(({ distribution, curve }) => ({
          label: setNames[distribution],
          points: curve.map(({ recall, precision, threshold: at }) => ({
            x: recall,
            y: precision,
            note: `threshold ${decimal(at)}, recall ${percent(recall)}`,
          })),
        })),
      ),
    }),
    ...sets.map(({ distribution, sweep }) =>
      lineFigure({
        title: `Precision, recall and F1, ${setNames[distribution]}`,
        caption: 'Of the positive class, by threshold.',
        xLabel: 'threshold',
        yLabel: 'share',
        xFormat: decimal,
        yFormat: (y) => percent(y, 0),
        top: 1,
        boundaries,
        series: lines([
          { label: 'precision', points: known(sweep.map((p) => ({ x: p.threshold, y: p.precision }))) },
          { label: 'recall', points: known(sweep.map((p) => ({ x: p.threshold, y: p.recall }))) },
          { label: 'F1', points: known(sweep.map((p) => ({ x: p.threshold, y: p.f1 }))) },
        ]),
      }),
    ),
    lineFigure({
      title: 'What is kept',
      caption: `Share of documents and of tokens that score at least the threshold, ${setNames[evaluation.sets[0]!.distribution]}.`,
      xLabel: 'threshold',
      yLabel: 'kept',
      xFormat: decimal,
      yFormat: (y) => percent(y, 0),
      top: 1,
      boundaries,
      series: lines([
        {
          label: 'documents',
          points: evaluation.sets[0]!.sweep.map((p) => ({ x: p.threshold, y: p.keptDocuments })),
        },
        {
          label: 'tokens',
          points: evaluation.sets[0]!.sweep.map((p) => ({ x: p.threshold, y: p.keptTokens })),
        },
      ]),
    }),
  ];
}

export function calibrationFigures(evaluation: ClassifierEvaluation): (Markup | undefined)[] {
  const regressor = evaluation.classifier.kind === 'regressor';
  const top = regressor ? 5 : 1;
  const format = regressor ? decimal : (value: number): string => percent(value, 0);
  return [
    lineFigure({
      title: regressor ? 'Annotated score by score' : 'Share of positives by score',
      caption: 'Ten bins of equal width; the thin line is where scores are what they say.',
      xLabel: 'mean score',
      yLabel: regressor ? 'mean annotated score' : 'share of positives',
      xFormat: decimal,
      yFormat: format,
      top,
      series: [
        ...lines(
          shownSets(evaluation).map(({ distribution, bins }) => ({
            label: setNames[distribution],
            points: bins.flatMap(({ meanScore, observed, documents, from, to }) =>
              meanScore === null || observed === null
                ? []
                : [
                    {
                      x: meanScore,
                      y: observed,
                      note: `${decimal(from)} to ${decimal(to)}, ${whole(documents)} documents`,
                    },
                  ],
            ),
          })),
          { dots: true },
        ),
        {
          label: 'as they say',
          colour: 'var(--ink-soft)',
          faint: true,
          points: [
            { x: 0, y: 0 },
            { x: top, y: top },
          ],
        },
      ],
    }),
  ];
}

export function histogramFigures(evaluation: ClassifierEvaluation): Markup[] {
  return shownSets(evaluation).map(({ distribution, histogram }) => {
    const title = `Scores of positives and negatives, ${setNames[distribution]}`;
    const drawn = { title, ...histogram, threshold: evaluation.threshold.value };
    const rows = histogram.positives.map((positives, i) => [
      `${decimal(histogram.edges[i])} to ${decimal(histogram.edges[i + 1])}`,
      whole(positives),
      whole(histogram.negatives[i]),
    ]);
    return figure({
      title,
      caption: histogramWords(drawn),
      legend: swatchLegend([
        { label: 'positive', colour: classColours.positive },
        { label: 'negative', colour: classColours.negative },
      ]),
      picture: drawClassHistogram(drawn, halfSize),
      table: dataTable(['Score', 'Positive', 'Negative'], rows),
    });
  });
}
