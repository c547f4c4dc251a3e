/** Loss and learning rate over both phases on one axis, held-out loss by source, gradient norm, speed. */
import { lineFigure, table } from './figure.ts';
import { notes } from './filter-section.ts';
import { html, type Markup } from './html.ts';
import type { LineChart, LineSeries } from './line-chart.ts';
import { compact, decimal, duration, exponent, whole } from './number-format.ts';
import { seriesColour, seriesDash } from './palette.ts';
import { smooth, smoothingWindow } from './smooth.ts';
import { segmentPoints, type TrainFacts, type TrainSegment } from './train-facts.ts';

export function trainSection(train: TrainFacts | undefined): Markup | undefined {
  if (train === undefined) return undefined;
  const figures = [
    lossFigure(train),
    metricFigure(train, 'learning_rate', { title: 'Learning rate', caption: 'Constant in the stable phase, falling in the decay.', yFormat: exponent }, true),
    heldOutFigure(train),
    metricFigure(train, 'grad_norm', { title: 'Gradient norm', caption: 'Global norm before clipping.', yFormat: decimal }),
    metricFigure(train, 'tokens_per_sec', { title: 'Speed', caption: 'Tokens per second.', yFormat: compact }),
  ];
  return html`<section id="train"><h2>Train</h2>${notes(train.notes)}${chainTable(train)}<div class="grid">${figures}</div></section>`;
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
function linesOf(train: TrainFacts): { label: string; colour: string; dash: string; segments: TrainSegment[] }[] {
  const lines = train.chains.map((chain, i) => ({
    label: train.chains.length > 1 ? chain.label : 'training',
    colour: seriesColour(i),
    dash: seriesDash(i, train.chains.length),
    segments: chain.segments.filter((s) => s.chain === i),
  }));
  const shared = train.segments.filter((s) => s.chain === undefined);
  return [
    ...shared.map((s) => ({ label: `${s.run.label} (shared)`, colour: colourOf(s), dash: '', segments: [s] })),
    ...lines,
  ];
}

function pointsOf(train: TrainFacts, segments: readonly TrainSegment[], name: string): LineSeries['points'] {
  return segments.flatMap((s) => segmentPoints(s, name, train.axis)).map((p) => ({ x: p.x, y: p.y, note: stepNote(train, p.x, p.step) }));
}

function stepNote(train: TrainFacts, x: number, step: number): string {
  return train.axis === 'tokens' ? `step ${whole(step)}, ${compact(x)} tokens` : `step ${whole(step)}`;
}

function lossFigure(train: TrainFacts): Markup | undefined {
  const lines = linesOf(train);
  const several = lines.length > 1;
  let window = 1;
  const series = lines.flatMap((line): LineSeries[] => {
    const raw = pointsOf(train, line.segments, 'loss');
    window = Math.max(window, smoothingWindow(raw.length));
    const held = pointsOf(train, line.segments, 'eval_loss');
    return [
      { label: `${line.label}, raw`, colour: line.colour, points: raw, faint: true },
      { label: several ? line.label : 'training loss', colour: line.colour, dash: line.dash, points: smooth(raw, smoothingWindow(raw.length)) },
      {
        label: several ? `${line.label}, held out` : 'held-out loss',
        colour: several ? line.colour : seriesColour(1),
        points: held,
        dots: true,
      },
    ];
  });
  return lineFigure(
    {
      ...base(train),
      title: 'Loss',
      caption: `Nats per token. Thin line: each step; thick line: mean over ${window} logged steps; dots: held-out documents.`,
      yLabel: 'loss',
      yFormat: decimal,
      zero: false,
      series,
    },
    { wide: true },
  );
}

function metricFigure(
  train: TrainFacts,
  name: string,
  text: Pick<LineChart, 'title' | 'caption' | 'yFormat'>,
  wide = false,
): Markup | undefined {
  const series = linesOf(train).map((line) => ({
    label: line.label,
    colour: line.colour,
    dash: line.dash,
    points: pointsOf(train, line.segments, name),
  }));
  const values = series.flatMap((s) => s.points.map((p) => p.y));
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const log = name === 'grad_norm' && low > 0 && high / low > 100;
  const caption = `${text.caption ?? ''}${log ? ' Logarithmic axis.' : ''}`;
  return lineFigure({ ...base(train), ...text, caption, yLabel: text.title.toLowerCase(), series, log }, wide ? { wide, height: 170 } : {});
}

/** With one chain a line per source; with several a line per chain and source, told apart by dashes. */
function heldOutFigure(train: TrainFacts): Markup | undefined {
  if (train.heldOut.length === 0) return undefined;
  const lines = linesOf(train);
  const series = train.heldOut.flatMap((source, i) =>
    lines.map((line) => ({
      label: lines.length > 1 ? `${source}, ${line.label}` : source,
      colour: lines.length > 1 ? line.colour : seriesColour(i),
      dash: seriesDash(i, lines.length > 1 ? 4 : train.heldOut.length),
      points: pointsOf(train, line.segments, `eval_loss/${source}`),
      dots: true,
    })),
  );
  return lineFigure({
    ...base(train),
    title: 'Held-out loss by source',
    caption: 'Nats per token on documents kept out of training.',
    yLabel: 'loss',
    yFormat: decimal,
    zero: false,
    series,
  });
}

function chainTable(train: TrainFacts): Markup {
  return table(
    ['Model', 'Phases', 'Steps', 'Tokens', 'Loss, first', 'Loss, last', 'Held out, first', 'Held out, last', 'Parameters', 'Time'],
    train.chains.map((chain) => {
      const runs = chain.segments.map((s) => s.run.record);
      const parameters = runs.at(-1)?.summary.parameters;
      const seconds = runs.every((r) => r.seconds !== undefined) ? runs.reduce((sum, r) => sum + r.seconds!, 0) : undefined;
      const phases = [...new Set(chain.segments.flatMap((s) => s.rows.map((r) => r.phase)))].filter((p) => p !== '');
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
