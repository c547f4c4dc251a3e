/** A noisy series as two: what was measured, pale, and its moving mean, which is what a reader compares. */
import type { LineSeries } from './line-chart.ts';
import { smooth, smoothingWindow } from './smooth.ts';

/** Short series are left as they are: a mean of few points shows less than the points. */
export function smoothedSeries(series: LineSeries): LineSeries[] {
  const { points } = series;
  if (points.length < 30) return [series];
  const window = Math.max(5, smoothingWindow(points.length));
  return [
    { ...series, label: `${series.label}, raw`, faint: true, silent: true },
    // A band belongs to the measured values and is drawn with the mean only once.
    { ...series, points: smooth(points, window) },
  ];
}
