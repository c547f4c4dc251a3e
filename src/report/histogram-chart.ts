/** How a signal is distributed over the documents: kept ones below, dropped ones on top, and the threshold where it cuts. */

import { dataTable } from './figure.ts';
import type { SignalHistogram } from './filter-facts.ts';
import { type Markup, visibleControls } from './html.ts';
import type { Size } from './line-chart.ts';
import { compact, decimal, whole } from './number-format.ts';
import { Plot, plotSvg } from './plot-svg.ts';

interface Bar {
  x1: number;
  x2: number;
  y1: number;
  y2: number;
  kept: boolean;
  title: string;
}

export function drawHistogram(signal: SignalHistogram, size: Size): Markup {
  const bars = signal.counts.flatMap((n, i) => barsOf(signal, n, i));
  const tallest = Math.max(1, ...signal.counts);
  const logarithmic = isLogarithmic(signal.edges);
  // On a logarithmic axis a bound of 0 has no place: it stands at the left edge.
  const thresholds = thresholdsOf(signal).map((t) => ({
    ...t,
    at: logarithmic ? Math.max(t.at, signal.edges[0]!) : t.at,
  }));
  const low = Math.min(signal.edges[0]!, ...thresholds.map((t) => t.at));
  const high = Math.max(signal.edges.at(-1)!, ...thresholds.map((t) => t.at));
  const share = (at: number): number =>
    logarithmic ? Math.log(at / low) / Math.log(high / low) : (at - low) / (high - low || 1);
  const marks = [true, false].map((kept) =>
    Plot.rect(
      bars.filter((b) => b.kept === kept),
      {
        x1: 'x1',
        x2: 'x2',
        y1: 'y1',
        y2: 'y2',
        fill: kept ? 'var(--kept)' : 'var(--dropped)',
        title: 'title',
        insetLeft: 0.4,
        insetRight: 0.4,
      },
    ),
  );
  return plotSvg(
    {
      width: size.width,
      height: size.height,
      marginLeft: 14 + whole(tallest).length * 7,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 26,
      x: {
        label: null,
        type: logarithmic ? 'log' : 'linear',
        domain: low === high ? [low - 1, high + 1] : [low, high],
        ticks: logarithmic ? 4 : 5,
        tickFormat: decimal,
        tickSize: 4,
      },
      y: {
        label: null,
        type: isSkewed(signal) ? 'sqrt' : 'linear',
        domain: [0, tallest * 1.05],
        ticks: 3,
        tickFormat: compact,
        tickSize: 0,
        grid: true,
      },
      marks: [
        ...marks,
        Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
        Plot.ruleX(thresholds, { x: 'at', stroke: 'currentColor', strokeWidth: 1.4 }),
        // Near the right edge a label goes to the left of its line.
        ...thresholds.map((t) =>
          Plot.text([t], {
            x: 'at',
            text: () => t.label,
            frameAnchor: 'top',
            dy: -14,
            textAnchor: share(t.at) > 0.6 ? 'end' : 'start',
          }),
        ),
      ],
    },
    { title: `Distribution of ${visibleControls(signal.name)}`, description: histogramInWords(signal) },
  );
}

/**
 * One bar holds nearly everything, as with most ratios, and the threshold cuts in the tail: a square-root axis lets the tail be
 * seen. The caption says so, since on it the dropped part of a bar looks smaller than it is.
 */
function isSkewed(signal: SignalHistogram): boolean {
  const total = signal.counts.reduce((a, b) => a + b, 0);
  return Math.max(0, ...signal.counts) > 0.5 * total;
}

/** Bins of equal ratio, as for lengths: drawn on a logarithmic axis, where they are equally wide. */
function isLogarithmic(edges: readonly number[]): boolean {
  const [a, b] = [edges[0]!, edges[1]!];
  const [c, d] = [edges.at(-2)!, edges.at(-1)!];
  return a > 0 && d / a > 20 && Math.abs(b / a / (d / c) - 1) < 0.05;
}

function barsOf(signal: SignalHistogram, n: number, i: number): Bar[] {
  const kept = Math.min(n, signal.keptCounts[i]!);
  const x1 = signal.edges[i]!;
  const x2 = signal.edges[i + 1]!;
  const title = `${decimal(x1)} to ${decimal(x2)}: ${whole(kept)} kept, ${whole(n - kept)} dropped`;
  return [
    ...(kept > 0 ? [{ x1, x2, y1: 0, y2: kept, kept: true, title }] : []),
    ...(n > kept ? [{ x1, x2, y1: kept, y2: n, kept: false, title }] : []),
  ];
}

interface Threshold {
  at: number;
  label: string;
}

function thresholdsOf(signal: SignalHistogram): Threshold[] {
  return [
    ...(signal.min === undefined ? [] : [{ at: signal.min, label: `at least ${decimal(signal.min)}` }]),
    ...(signal.max === undefined ? [] : [{ at: signal.max, label: `at most ${decimal(signal.max)}` }]),
  ];
}

/** The numbers behind the picture. */
export function histogramTable(signal: SignalHistogram): Markup {
  return dataTable(
    ['from', 'to', 'kept', 'dropped'],
    signal.counts.map((n, i) => [
      decimal(signal.edges[i]),
      decimal(signal.edges[i + 1]),
      whole(signal.keptCounts[i]),
      whole(n - signal.keptCounts[i]!),
    ]),
  );
}

export function histogramInWords(signal: SignalHistogram): string {
  const total = signal.counts.reduce((a, b) => a + b, 0);
  const kept = signal.keptCounts.reduce((a, b) => a + b, 0);
  const limits = thresholdsOf(signal).map((t) => t.label);
  return `${whole(total)} documents, ${whole(kept)} of them kept; the first and last bar hold all values beyond ${decimal(signal.edges[0])} and ${decimal(signal.edges.at(-1))}${
    limits.length > 0 ? `; threshold: ${limits.join(', ')}` : '; no threshold'
  }.${isSkewed(signal) ? ' Square-root axis.' : ''}`;
}
