/**
 * Curves over steps or tokens: lines, bands around them, points with hover values, limits and phase boundaries. Every chart comes
 * with its numbers as a table for those who cannot or would rather not look.
 */
import { type Markup, visibleControls } from './html.ts';
import { chartFontSize, Plot, plotSvg } from './plot-svg.ts';
import { evenly, type Point, thin } from './thin.ts';

export interface BandPoint extends Point {
  low?: number;
  high?: number;
  /** For the hover value: "step 120, seed 1". */
  note?: string;
}

export interface LineSeries {
  label: string;
  colour: string;
  dash?: string;
  points: readonly BandPoint[];
  /** Thin and pale, behind the others: raw values under a smoothed line. */
  faint?: boolean;
  /** With `faint`: few points, which may stand out more. */
  clear?: boolean;
  /** The value holds until the next point. */
  step?: boolean;
  /** Marks every point. */
  dots?: boolean;
  /** Not in the legend, the table or the hover values. */
  silent?: boolean;
  /** In the table and the hover values but not in the legend: another line of the same colour is there. */
  unlisted?: boolean;
}

export interface LineChart {
  title: string;
  /** One or two sentences under the title: what it is, in which unit, what to look for. */
  caption?: string;
  xLabel: string;
  yLabel: string;
  series: readonly LineSeries[];
  xFormat: (x: number) => string;
  yFormat: (y: number) => string;
  /** Begin at zero; default true, as most of these are shares, lengths and rates. */
  zero?: boolean;
  /** The highest value of the axis at least (1 for shares that reach it). */
  top?: number;
  log?: boolean;
  /** Vertical lines: where a phase begins. */
  boundaries?: readonly { at: number; label: string }[];
  /** Crosses at a point of a curve: something happened there. */
  events?: readonly ChartEvent[];
  /** Names at the right end of the listed lines, moved apart where they would lie on each other. */
  endLabels?: boolean;
  /** Without the names of the axes, for a small picture beside others that are alike. */
  bare?: boolean;
  /** The axes, where several charts are to share them. */
  domain?: { x: [number, number]; y: [number, number] };
}

export interface ChartEvent {
  x: number;
  y: number;
  colour: string;
  /** What happened, for the hover value. */
  title: string;
}

export interface Size {
  width: number;
  height: number;
}

export function drawLineChart(chart: LineChart, size: Size): Markup {
  const limit = Math.min(1000, Math.max(60, size.width * 2));
  const drawn = chart.series.map((s) => ({
    ...s,
    points: s.dots || s.step ? s.points : thin(s.points, limit),
  }));
  const all = drawn.flatMap((s) => s.points);
  const [low, high] = chart.domain?.y ?? rangeOf(all, chart);
  const labels = chart.endLabels ? endLabels(drawn, chart, low, high, size.height) : undefined;
  const ticks = Math.max(2, Math.round(size.width / 110));
  return plotSvg(
    {
      width: size.width,
      height: size.height,
      marginLeft: 16 + leftMargin(chart, low, high),
      marginRight: 14 + (labels?.width ?? 0),
      marginTop: marginTop(chart),
      marginBottom: marginBottom(chart),
      x: {
        label: null,
        ticks,
        tickFormat: chart.xFormat,
        tickSize: 4,
        ...(chart.domain === undefined ? xDomain(all) : { domain: chart.domain.x }),
      },
      y: {
        label: null,
        ticks: chart.log ? logTicks(low, high) : Math.max(3, Math.round(size.height / 50)),
        tickFormat: chart.yFormat,
        tickSize: 0,
        grid: true,
        ...(chart.log ? { type: 'log' as const, axis: null } : {}),
        domain: [low, high],
      },
      marks: [
        // A flat line of zeros needs its axis too, so the frame's foot is always drawn.
        Plot.frame({ anchor: 'bottom', stroke: 'currentColor', strokeOpacity: 0.35 }),
        // By itself a logarithmic axis leaves labels of some digits out, so these are written as text.
        ...(chart.log
          ? [
              Plot.axisY(logTicks(low, high), {
                text: (y: number) => chart.yFormat(y),
                label: null,
                tickSize: 0,
              }),
            ]
          : []),
        ...(chart.boundaries ?? []).flatMap(boundaryMarks),
        ...drawn.flatMap(bandMarks),
        ...drawn.flatMap(lineMarks),
        ...drawn.flatMap((s) => hoverMarks(s, chart, size)),
        ...eventMarks(chart.events ?? []),
        ...(labels?.marks ?? []),
        ...(chart.bare ? [] : axisNames(chart, low, high)),
      ],
    },
    { title: chart.title, description: describe(chart) },
  );
}

function marginBottom({ bare = false }: LineChart): number {
  return bare ? 20 : 34;
}

function marginTop({ boundaries = [], bare = false }: LineChart): number {
  return boundaries.length > 0 ? 38 : bare ? 8 : 24;
}

function axisNames(chart: LineChart, low: number, high: number): Plot.Markish[] {
  return [
    Plot.text([`↑ ${chart.yLabel}${chart.log ? ', log scale' : ''}`], {
      frameAnchor: 'top-left',
      textAnchor: 'start',
      dx: -(8 + leftMargin(chart, low, high)),
      dy: 5 - marginTop(chart),
      fontSize: chartFontSize - 1,
      fillOpacity: 0.7,
    }),
    Plot.text([`${chart.xLabel} →`], {
      frameAnchor: 'bottom-right',
      dy: 33,
      fontSize: chartFontSize - 1,
      fillOpacity: 0.7,
    }),
  ];
}

/** Round numbers inside the range, about six, each a legible step from the last. */
function logTicks(low: number, high: number): number[] {
  const ratio = (high / low) ** (1 / 7);
  const out: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 1.5, 2, 3, 4, 5, 6, 8]) {
      const tick = Number((digit * 10 ** power).toPrecision(2));
      if (tick >= low && tick <= high && (out.length === 0 || tick / out.at(-1)! >= ratio)) out.push(tick);
    }
  }
  return out;
}

function xDomain(points: readonly BandPoint[]): { domain?: [number, number] } {
  if (points.length === 0) return {};
  const xs = points.map((p) => p.x);
  const low = xs.reduce((a, b) => Math.min(a, b));
  const high = xs.reduce((a, b) => Math.max(a, b));
  return { domain: low === high ? [low - 1, high + 1] : [low, high] };
}

function rangeOf(points: readonly BandPoint[], chart: LineChart): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const p of points) {
    low = Math.min(low, p.y, p.low ?? p.y);
    high = Math.max(high, p.y, p.high ?? p.y);
  }
  if (low > high) return [0, 1];
  if (chart.log) return low === high ? [low / 2, high * 2] : [low, high];
  if (chart.zero !== false && low > 0) low = 0;
  if (chart.top !== undefined) high = Math.max(high, chart.top);
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, low * 1.2), Math.max(0, high * 1.2)];
  const room = (high - low) * 0.06;
  return [low === 0 || chart.top !== undefined ? low : low - room, chart.top === high ? high : high + room];
}

/** Room for the widest tick label, so that labels of any size are whole. */
function leftMargin(chart: LineChart, low: number, high: number): number {
  const samples = [low, high, (low + high) / 2, low + (high - low) * 0.2, low + (high - low) * 0.7];
  const widest = samples.reduce((w, v) => Math.max(w, chart.yFormat(Number(v.toPrecision(2))).length), 1);
  return Math.min(90, widest * chartFontSize * 0.6 + 4);
}

function boundaryMarks({ at, label }: { at: number; label: string }): Plot.Markish[] {
  return [
    Plot.ruleX([at], { stroke: 'currentColor', strokeOpacity: 0.55, strokeDasharray: '3 3' }),
    Plot.text([{ x: at }], {
      x: 'x',
      text: () => `${visibleControls(label)} →`,
      frameAnchor: 'top',
      textAnchor: 'start',
      dx: 4,
      dy: -14,
      fillOpacity: 0.8,
    }),
  ];
}

function bandMarks(series: LineSeries): Plot.Markish[] {
  if (series.faint) return [];
  const points = series.points.filter((p) => p.low !== undefined && p.high !== undefined);
  if (points.length < 2) return [];
  return [Plot.areaY(points, { x: 'x', y1: 'low', y2: 'high', fill: series.colour, fillOpacity: 0.16 })];
}

function lineMarks(series: LineSeries): Plot.Markish[] {
  const stroke = {
    x: 'x',
    y: 'y',
    stroke: series.colour,
    strokeWidth: series.faint ? (series.clear ? 1.1 : 0.8) : 1.8,
    strokeOpacity: series.faint ? (series.clear ? 0.6 : 0.4) : 1,
    ...(series.dash && !series.faint ? { strokeDasharray: series.dash } : {}),
  };
  const line = Plot.lineY(series.points, { ...stroke, curve: series.step ? 'step-after' : 'linear' });
  if (!series.dots && series.points.length > 1) return [line];
  return [line, Plot.dot(series.points, { x: 'x', y: 'y', r: 2.6, fill: series.colour })];
}

/** Invisible targets with a native tooltip: values on hover without a script. */
function hoverMarks(series: LineSeries, chart: LineChart, size: Size): Plot.Markish[] {
  if (series.faint || series.silent) return [];
  const targets = evenly(series.points, Math.round(size.width / 14));
  const title = (p: BandPoint): string => {
    const band =
      p.low === undefined || p.high === undefined
        ? ''
        : ` (${chart.yFormat(p.low)} to ${chart.yFormat(p.high)})`;
    return visibleControls(
      `${series.label}\n${p.note ?? `${chart.xLabel} ${chart.xFormat(p.x)}`}: ${chart.yFormat(p.y)}${band}`,
    );
  };
  return [Plot.dot(targets, { x: 'x', y: 'y', r: 7, fill: series.colour, fillOpacity: 0, title })];
}

function eventMarks(events: readonly ChartEvent[]): Plot.Markish[] {
  if (events.length === 0) return [];
  const at = { x: 'x', y: 'y' } as const;
  const title = (e: ChartEvent): string => visibleControls(e.title);
  return [
    // A ring of the page's colour keeps a cross legible on its line.
    Plot.dot(events, { ...at, r: 5, symbol: 'times', stroke: 'var(--page)', strokeWidth: 5 }),
    Plot.dot(events, {
      ...at,
      r: 5,
      symbol: 'times',
      stroke: (e: ChartEvent) => e.colour,
      strokeWidth: 2.2,
    }),
    Plot.dot(events, { ...at, r: 8, fill: 'var(--ink)', fillOpacity: 0, title }),
  ];
}

/** Texts in the right margin at the height of the lines' ends, at least a line of text apart. */
function endLabels(
  series: readonly LineSeries[],
  chart: LineChart,
  low: number,
  high: number,
  height: number,
): { width: number; marks: Plot.Markish[] } {
  const named = series.filter((s) => !s.silent && !s.unlisted && !s.faint && s.points.length > 0);
  const span = height - marginTop(chart) - marginBottom(chart);
  const place = (y: number): number => {
    const share = chart.log ? Math.log(high / y) / Math.log(high / low) : (high - y) / (high - low || 1);
    return share * span;
  };
  const spots = named.map((s) => ({ s, at: place(s.points.at(-1)!.y), to: 0 })).sort((a, b) => a.at - b.at);
  let floor = Number.NEGATIVE_INFINITY;
  for (const spot of spots) floor = (spot.to = Math.max(spot.at, floor)) + chartFontSize + 1;
  let roof = span + 4;
  for (const spot of [...spots].reverse()) roof = (spot.to = Math.min(spot.to, roof)) - chartFontSize - 1;
  const longest = named.reduce((w, { label }) => Math.max(w, label.length), 0);
  return {
    width: Math.min(210, longest * chartFontSize * 0.56 + 10),
    marks: spots.map(({ s, at, to }) =>
      Plot.text([s.points.at(-1)!], {
        y: 'y',
        frameAnchor: 'right',
        text: () => visibleControls(s.label),
        textAnchor: 'start',
        dx: 8,
        dy: to - at,
        fill: s.colour,
        fontWeight: 600,
      }),
    ),
  };
}

function describe(chart: LineChart): string {
  const lines = chart.series
    .filter((s) => !s.faint && !s.silent && s.points.length > 0)
    .slice(0, 8)
    .map((s) => {
      const first = s.points[0]!;
      const last = s.points.at(-1)!;
      return `${s.label}: ${chart.yFormat(first.y)} at ${chart.xLabel} ${chart.xFormat(first.x)}, ${chart.yFormat(last.y)} at ${chart.xFormat(last.x)}`;
    });
  return `${chart.yLabel} over ${chart.xLabel}. ${lines.join('; ')}.`;
}

/** The chart's numbers: one row per x among at most `rows`, one column per series. */
export function lineChartTable(
  chart: LineChart,
  rows = 24,
): { header: string[]; rows: string[][]; of: number } {
  const series = chart.series.filter((s) => !s.faint && !s.silent);
  const columns = series.map((s) => new Map(s.points.map((p) => [p.x, p])));
  const xs = [...new Set(columns.flatMap((c) => [...c.keys()]))].sort((a, b) => a - b);
  return {
    header: [chart.xLabel, ...series.map((s) => s.label)],
    rows: evenly(xs, rows).map((x) => [
      chart.xFormat(x),
      ...columns.map((c) => {
        const p = c.get(x);
        if (p === undefined) return '';
        return p.low === undefined || p.high === undefined
          ? chart.yFormat(p.y)
          : `${chart.yFormat(p.y)} (${chart.yFormat(p.low)} to ${chart.yFormat(p.high)})`;
      }),
    ]),
    of: xs.length,
  };
}
