/** Loss and learning rate over both phases on one axis, held-out loss by source, gradient norm, speed. */
import { evidenceFigures } from './evidence-badge.ts';
import { lineFigure, table } from './figure.ts';
import { notes } from './filter-section.ts';
import { html, type Markup } from './html.ts';
import type { LineChart, LineSeries } from './line-chart.ts';
import { compact, decimal, duration, exponent, whole } from './number-format.ts';
import { seriesColour, seriesDash } from './palette.ts';
import { smoothedSeries } from './smoothed-series.ts';
import { segmentPoints, type TrainFacts, type TrainSegment } from './train-facts.ts';

export function trainSection(train: TrainFacts | undefined): Markup | undefined {
  if (train === undefined) return undefined;
  const figures = [
    lossFigure(train),
    metricFigure(
      train,
      'learning_rate',
      {
        title: 'Learning rate',
        caption: 'Constant in the stable phase, falling in the decay.',
        yFormat: exponent,
      },
      true,
    ),
    ...heldOutFigures(train),
    metricFigure(train, 'grad_norm', {
      title: 'Gradient norm',
      caption: 'Global norm before clipping.',
      yFormat: decimal,
    }),
    metricFigure(train, 'tokens_per_sec', {
      title: 'Speed',
      caption: 'Tokens per second.',
      yFormat: compact,
    }),
    metricFigure(train, 'mfu', {
      title: 'Share of the peak',
      caption:
        'Operations of the model per second, as a share of what large matrix products were measured to reach on this adapter (device.peak of run.json).',
      yFormat: decimal,
    }),
  ];
  return html`<section id="train"><h2>Train</h2>${notes(train.notes)}${chainTable(train)}${evidenceFigures(train.segments.map((s) => s.run))}<div class="grid">${figures}</div></section>`;
}

function base(train: TrainFacts): Pick<LineChart, 'xLabel' | 'xFormat' | 'boundaries'> {
  return {
    xLabel: train.axis === 'tokens' ? 'tokens' : 'step',
    xFormat: train.axis === 'tokens' ? compact : whole,
    boundaries: train.boundaries,
  };
}

function colourOf(segment: TrainSegment): string {
  return segment.chain === undefined ? 'var(--ink-soft)' : seriesColour(segment.chain);
}

/** Segments of one chain are one line; a segment that several chains share is a line of its own. */
function linesOf(
  train: TrainFacts,
): { label: string; colour: string; dash: string; segments: TrainSegment[] }[] {
  const lines = train.chains.map((chain, i) => ({
    label: train.chains.length > 1 ? chain.label : 'training',
    colour: seriesColour(i),
    dash: seriesDash(i, train.chains.length),
    segments: chain.segments.filter((s) => s.chain === i),
  }));
  const shared = train.segments.filter((s) => s.chain === undefined);
  return [
    ...shared.map((s) => ({
      label: `${s.run.label} (shared)`,
      colour: colourOf(s),
      dash: '',
      segments: [s],
    })),
    ...lines,
  ];
}

function pointsOf(train: TrainFacts, segments: readonly TrainSegment[], name: string): LineSeries['points'] {
  return segments
    .flatMap((s) => segmentPoints(s, name, train.axis))
    .map((p) => ({ x: p.x, y: p.y, note: stepNote(train, p.x, p.step) }));
}

function stepNote(train: TrainFacts, x: number, step: number): string {
  return train.axis === 'tokens' ? `step ${whole(step)}, ${compact(x)} tokens` : `step ${whole(step)}`;
}

function lossFigure(train: TrainFacts): Markup | undefined {
  const lines = linesOf(train);
  const several = lines.length > 1;
  const series = lines.flatMap((line): LineSeries[] => {
    const raw = pointsOf(train, line.segments, 'loss');
    const held = pointsOf(train, line.segments, 'eval_loss');
    return [
      ...smoothedSeries({
        label: several ? line.label : 'training loss',
        colour: line.colour,
        dash: line.dash,
        points: raw,
      }),
      {
        label: several ? `${line.label}, held out` : 'held-out loss',
        colour: several ? line.colour : seriesColour(1),
        points: held,
        dots: true,
        unlisted: several,
      },
    ];
  });
  // A loss falls fast and then slowly; on equal steps of ratio the slow part can be read too.
  const log = spread(series) > 2.5;
  return lineFigure(
    {
      ...base(train),
      title: 'Loss',
      caption: `Nats per token. Pale: each logged step; line: moving mean; dots: held-out documents.${log ? ' Logarithmic axis.' : ''}`,
      yLabel: 'loss',
      yFormat: decimal,
      zero: false,
      log,
      series,
    },
    { wide: true },
  );
}

/** Highest over lowest value; 0 where a ratio means nothing. */
function spread(series: readonly LineSeries[]): number {
  const values = series.flatMap((s) => s.points.map((p) => p.y));
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return low > 0 && values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) / low : 0;
}

function metricFigure(
  train: TrainFacts,
  name: string,
  text: Pick<LineChart, 'title' | 'caption' | 'yFormat'>,
  wide = false,
): Markup | undefined {
  const series = linesOf(train).flatMap((line) => {
    const points = pointsOf(train, line.segments, name);
    const { label, colour, dash } = line;
    // The learning rate is set, not measured: nothing to smooth.
    if (name === 'learning_rate') return [{ label, colour, dash, points }];
    return smoothedSeries({ label, colour, dash, points });
  });
  const log = name === 'grad_norm' && spread(series) > 100;
  const caption = `${text.caption ?? ''}${log ? ' Logarithmic axis.' : ''}`;
  return lineFigure(
    { ...base(train), ...text, caption, yLabel: text.title.toLowerCase(), series, log },
    wide ? { wide, height: 170 } : {},
  );
}

/** With one chain one chart with a line per source; with several a chart per source with a line per chain. */
function heldOutFigures(train: TrainFacts): (Markup | undefined)[] {
  const lines = linesOf(train);
  const chart = (title: string, series: LineSeries[]): Markup | undefined =>
    lineFigure({
      ...base(train),
      title,
      caption: `Nats per token on documents kept out of training.${spread(series) > 2.5 ? ' Logarithmic axis.' : ''}`,
      yLabel: 'loss',
      yFormat: decimal,
      zero: false,
      log: spread(series) > 2.5,
      series,
    });
  const of = (source: string, line: (typeof lines)[number]): LineSeries['points'] =>
    pointsOf(train, line.segments, `eval_loss/${source}`);
  if (lines.length > 1) {
    return train.heldOut.map((source) =>
      chart(
        `Held-out loss: ${source}`,
        lines.map((line) => ({ ...line, points: of(source, line), dots: true })),
      ),
    );
  }
  if (train.heldOut.length === 0) return [];
  const series = train.heldOut.map((source, i) => ({
    label: source,
    colour: seriesColour(i),
    dash: seriesDash(i, train.heldOut.length),
    points: of(source, lines[0]!),
    dots: true,
  }));
  return [chart('Held-out loss by source', series)];
}

function chainTable(train: TrainFacts): Markup {
  return table(
    [
      'Model',
      'Phases',
      'Steps',
      'Tokens',
      'Loss, first',
      'Loss, last',
      'Held out, first',
      'Held out, last',
      'Parameters',
      'Time',
    ],
    train.chains.map((chain) => {
      const runs = chain.segments.map((s) => s.run.record);
      const parameters = runs.at(-1)?.summary.parameters;
      const seconds = runs.every((r) => r.seconds !== undefined)
        ? runs.reduce((sum, r) => sum + r.seconds!, 0)
        : undefined;
      const phases = [...new Set(chain.segments.flatMap((s) => s.rows.map((r) => r.phase)))].filter(
        (p) => p !== '',
      );
      return [
        chain.label,
        phases.join(' → '),
        whole(chain.steps),
        compact(chain.tokens),
        decimal(chain.firstLoss),
        decimal(chain.lastLoss),
        decimal(chain.firstHeldOut),
        decimal(chain.lastHeldOut),
        typeof parameters === 'number' ? compact(parameters) : '–',
        duration(seconds),
      ];
    }),
    [1],
  );
}
