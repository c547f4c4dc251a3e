/** How a classifier's scores are distributed: positives and negatives as bars beside each other, and the threshold. */
import { type Markup, visibleControls } from './html.ts';
import type { Size } from './line-chart.ts';
import { compact, decimal, whole } from './number-format.ts';
import { seriesColour } from './palette.ts';
import { Plot, plotSvg } from './plot-svg.ts';

export interface ClassHistogram {
  title: string;
  /** One more than bins. */
  edges: readonly number[];
  positives: readonly number[];
  negatives: readonly number[];
  threshold: number;
}

export const classColours = { positive: seriesColour(0), negative: seriesColour(1) } as const;

/** Square-root axis: most documents score near one of the ends, and the few between are what a threshold decides on. */
export function drawClassHistogram(histogram: ClassHistogram, size: Size): Markup {
  const { edges, threshold } = histogram;
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const tallest = Math.max(1, ...histogram.positives, ...histogram.negatives);
  const bars = (['positive', 'negative'] as const).flatMap((name, side) =>
    histogram[`${name}s`].flatMap((n, i) => {
      if (n === 0) return [];
      const [from, to] = [edges[i]!, edges[i + 1]!];
      const middle = (from + to) / 2;
      const [x1, x2] = side === 0 ? [from, middle] : [middle, to];
      return [{ name, x1, x2, n, title: `${decimal(from)} to ${decimal(to)}: ${whole(n)} ${name}` }];
    }),
  );
  const at = Math.min(high, Math.max(low, threshold));
  return plotSvg(
    {
      width: size.width,
      height: size.height,
      marginLeft: 14 + compact(tallest).length * 8,
      marginRight: 14,
      marginTop: 24,
      marginBottom: 38,
      x: { label: 'score', domain: [low, high], ticks: 6, tickFormat: decimal, tickSize: 4 },
      y: {
        label: null,
        type: 'sqrt',
        domain: [0, tallest * 1.05],
        ticks: 4,
        tickFormat: compact,
        tickSize: 0,
        grid: true,
      },
      marks: [
        ...(['positive', 'negative'] as const).map((name) =>
          Plot.rect(
            bars.filter((bar) => bar.name === name),
            { x1: 'x1', x2: 'x2', y1: 0, y2: 'n', fill: classColours[name], title: 'title', insetLeft: 0.3 },
          ),
        ),
        Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
        Plot.ruleX([at], { stroke: 'currentColor', strokeWidth: 1.4 }),
        Plot.text([{ x: at }], {
          x: 'x',
          text: () => `threshold ${decimal(threshold)}`,
          frameAnchor: 'top',
          dy: -14,
          textAnchor: (at - low) / (high - low) > 0.6 ? 'end' : 'start',
        }),
      ],
    },
    { title: visibleControls(histogram.title), description: histogramWords(histogram) },
  );
}

export function histogramWords({ positives, negatives, edges, threshold }: ClassHistogram): string {
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  return `${whole(sum(positives))} positives and ${whole(sum(negatives))} negatives by score, in ${positives.length} bins from ${decimal(edges[0])} to ${decimal(edges.at(-1))}; threshold ${decimal(threshold)}. Square-root axis.`;
}
