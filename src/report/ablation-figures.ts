/**
 * Charts of arms over seeds. One picture lays the arms' means over each other, each in the colour it has on the whole page, with every seed's curve pale behind
 * where that can still be read; for more arms a strip of small pictures shows each arm with its seeds, and the other means in grey.
 */
import type { ArmCurves } from './ablation-curves.ts';
import type { ArmView } from './ablation-view.ts';
import { lineFigure } from './figure.ts';
import { html, type Markup } from './html.ts';
import { type ChartEvent, drawLineChart, type LineChart, type LineSeries } from './line-chart.ts';
import { smooth, smoothingWindow } from './smooth.ts';
import { type Point, thin } from './thin.ts';

/** More seeds' curves than this in one picture hide each other. */
const mostPale = 16;
/** Points of a seed's curve; more are not seen at this width. */
const palePoints = 240;
/** More steps than this are drawn as a moving mean for each seed too. */
const noisyPoints = 80;
const smallSize = { width: 236, height: 128 };

export interface ArmChart
  extends Pick<
    LineChart,
    'title' | 'caption' | 'yLabel' | 'yFormat' | 'xLabel' | 'xFormat' | 'zero' | 'top' | 'log'
  > {
  curves: readonly ArmCurves[];
  /** Few points, each of which counts: drawn as dots and not smoothed. */
  dots?: boolean;
  /** Limits and shared curves, drawn beside the arms. */
  extra?: readonly LineSeries[];
  events?: readonly (ChartEvent & { arm: ArmView })[];
  wide?: boolean;
  /** The strip of small pictures open, not behind a fold. */
  open?: boolean;
  boundaries?: LineChart['boundaries'];
}

/** Nothing where no arm has a point. */
export function armFigure(chart: ArmChart): Markup | undefined {
  const curves = chart.curves.filter(({ seeds }) => seeds.length > 0);
  const extra = chart.extra ?? [];
  if (curves.length === 0 && extra.every(({ points }) => points.length === 0)) return undefined;
  const lines = curves.reduce((sum, { seeds }) => sum + seeds.length, 0);
  const pale = lines <= mostPale;
  const base = {
    xLabel: chart.xLabel,
    yLabel: chart.yLabel,
    xFormat: chart.xFormat,
    yFormat: chart.yFormat,
    zero: chart.zero ?? true,
    log: chart.log ?? false,
    ...(chart.top === undefined ? {} : { top: chart.top }),
    ...(chart.boundaries === undefined ? {} : { boundaries: chart.boundaries }),
  };
  const whole: LineChart = {
    ...base,
    title: chart.title,
    ...(chart.caption === undefined ? {} : { caption: chart.caption }),
    series: [
      ...(pale ? curves.flatMap((c) => (c.seeds.length < 2 ? [] : paleSeries(c, chart))) : []),
      ...extra,
      ...curves.map((c) => meanSeries(c, chart)),
    ],
    events: chart.events ?? [],
    ...(chart.wide ? { endLabels: true } : {}),
  };
  const picture = lineFigure(whole, { wide: chart.wide ?? false, legend: false });
  if (pale || curves.length < 2) return picture;
  const strip = html`<div class="strip">${curves.map((own) => smallPicture(own, curves, chart, base))}</div>`;
  return chart.open
    ? html`${picture}<figure class="chart span"><figcaption><h4>${chart.title}, arm by arm</h4><p>Thick: mean of the arm. Thin: its seeds. Grey: the means of the others.</p></figcaption>${strip}</figure>`
    : html`<div>${picture}<details class="more"><summary>Arm by arm, with every seed</summary>${strip}</details></div>`;
}

/** Every seed, as measured; of long runs a moving mean, since the noise of several would hide all. */
function paleSeries({ arm, seeds }: ArmCurves, { dots = false }: ArmChart): LineSeries[] {
  return seeds.map(({ seed, points }) => ({
    label: `${arm.label}, seed ${seed}`,
    colour: arm.colour,
    points: thin(points.length > noisyPoints && !dots ? smoothed(points, false) : points, palePoints),
    faint: true,
    silent: true,
    clear: dots || points.length > noisyPoints,
  }));
}

function meanSeries(curves: ArmCurves, chart: ArmChart): LineSeries {
  const { arm, seeds, mean } = curves;
  const drawn = smoothed(mean, chart.dots ?? false);
  const bySeed = seeds.map(({ seed, points }) => ({
    seed,
    at: new Map(points.map(({ x, y }) => [x, y])),
  }));
  return {
    label: arm.label,
    colour: arm.colour,
    dash: arm.dash,
    dots: chart.dots ?? false,
    points: drawn.map((p) => ({
      ...p,
      note: `${chart.xLabel} ${chart.xFormat(p.x)}${
        bySeed.length < 2
          ? ''
          : ` (${bySeed.map(({ seed, at }) => `seed ${seed} ${at.has(p.x) ? chart.yFormat(at.get(p.x)!) : '–'}`).join(', ')})`
      }`,
    })),
  };
}

/** Few points are left as they are, and so are evaluations. */
function smoothed(points: readonly Point[], raw: boolean): Point[] {
  if (raw || points.length < 30) return [...points];
  // Arms are told apart by their level: of long runs a wider mean than a single run's picture has.
  const window =
    points.length > noisyPoints
      ? 2 * Math.floor(points.length / 24) + 1
      : Math.max(5, smoothingWindow(points.length));
  return thin(smooth(points, window), 2 * palePoints);
}

function smallPicture(
  own: ArmCurves,
  all: readonly ArmCurves[],
  chart: ArmChart,
  base: Omit<LineChart, 'title' | 'series'>,
): Markup {
  const points = all.flatMap(({ seeds }) => seeds.flatMap((seed) => seed.points));
  const series: LineSeries[] = [
    ...all
      .filter((other) => other !== own)
      .map((other) => ({
        label: other.arm.label,
        colour: 'var(--muted)',
        points: thin(smoothed(other.mean, chart.dots ?? false), 80),
        faint: true,
        silent: true,
      })),
    ...paleSeries(own, chart),
    { ...meanSeries(own, chart), dash: '', dots: false },
  ];
  const small: LineChart = {
    ...base,
    boundaries: [],
    bare: true,
    title: `${chart.title}: ${own.arm.label}`,
    series,
    events: (chart.events ?? []).filter(({ arm }) => arm === own.arm),
    domain: domainOf(points, base),
  };
  return html`<div><p class="strip-name" style="color:${own.arm.colour}">${own.arm.label}</p>${drawLineChart(small, smallSize)}</div>`;
}

function domainOf(
  points: readonly Point[],
  { zero, log, top }: Omit<LineChart, 'title' | 'series'>,
): { x: [number, number]; y: [number, number] } {
  const of = (pick: (p: Point) => number): [number, number] => [
    points.reduce((low, p) => Math.min(low, pick(p)), Number.POSITIVE_INFINITY),
    points.reduce((high, p) => Math.max(high, pick(p)), Number.NEGATIVE_INFINITY),
  ];
  const x = of((p) => p.x);
  const [low, high] = of((p) => p.y);
  const from = zero && !log ? Math.min(0, low) : low;
  const to = Math.max(high, top ?? high);
  return { x: x[0] === x[1] ? [x[0] - 1, x[1] + 1] : x, y: from === to ? [from - 1, to + 1] : [from, to] };
}

/** Which colour is which arm: once a section, and in sight while it is read. */
export function armKey(arms: readonly ArmView[]): Markup {
  return html`<ul class="legend arm-key">${arms.map(
    ({ label, colour, dash, baseline }) =>
      html`<li><svg width="26" height="10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5" stroke="${colour}" stroke-width="2.6" stroke-dasharray="${dash}"/></svg>${label}${
        baseline && html` <small>(compared with)</small>`
      }</li>`,
  )}</ul>`;
}

/** An arm's name with its colour, for tables. */
export function armName({ label, colour }: ArmView): Markup {
  return html`<span class="swatch" style="background:${colour}"></span>${label}`;
}
