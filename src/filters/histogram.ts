/**
 * Fixed-bin histograms of signals. Every unit of work counts into the same bins, so totals are sums and do not depend on the
 * order of the units or the number of workers.
 *
 * A scale is a range cut into equal bins, linear or logarithmic; values beyond the range fall into the first or last bin
 * (their edges read "and below", "and above"). A value that is not a number (a ratio over nothing) is not counted.
 */

export interface HistogramScale {
  from: number;
  to: number;
  /** Bins are equal in log10 of the value; `from` must be above 0. */
  logarithmic?: boolean;
}

/** Bins per histogram: fine enough to see a threshold, small enough to keep per unit. */
export const histogramBins = 40;

/** The bin of `value`, or -1 for NaN. */
export function binOf(scale: HistogramScale, value: number): number {
  if (Number.isNaN(value)) return -1;
  const share = scale.logarithmic
    ? Math.log10(Math.max(value, scale.from) / scale.from) / Math.log10(scale.to / scale.from)
    : (value - scale.from) / (scale.to - scale.from);
  return Math.min(histogramBins - 1, Math.max(0, Math.floor(share * histogramBins)));
}

/** The `histogramBins + 1` edges of a scale, rounded to six significant digits so that they print well. */
export function binEdges(scale: HistogramScale): number[] {
  return Array.from({ length: histogramBins + 1 }, (_, i) => {
    const share = i / histogramBins;
    const edge = scale.logarithmic
      ? scale.from * (scale.to / scale.from) ** share
      : scale.from + share * (scale.to - scale.from);
    return Number(edge.toPrecision(6));
  });
}
