/** A measure's values by arm: every seed as a point, the mean as a bar, one row an arm. What was measured, before anything is compared. */
import type { AblationMeasure } from './ablation-data.ts';
import { type AblationView, meanOf, valuesOf } from './ablation-view.ts';
import { dataTable, figure } from './figure.ts';
import { html, type Markup, visibleControls } from './html.ts';
import { showValue } from './measure-format.ts';
import { decimal, percent } from './number-format.ts';
import { chartFontSize, Plot, plotSvg } from './plot-svg.ts';

const rowHeight = 28;

function seedOffset(i: number, seeds: number): number {
  const step = Math.min(5, (rowHeight - 12) / Math.max(1, seeds - 1));
  return (i - (seeds - 1) / 2) * step;
}

/** Without the unit, which the caption has, and without decimals where the axis is wide. */
function tickText(unit: AblationMeasure['unit'], value: number, range: number): string {
  return unit === 'share' ? percent(value, range > 0.08 ? 0 : 1) : decimal(value);
}

/** Nothing where no cell has a value. */
export function stripFigure(
  view: Pick<AblationView, 'arms' | 'input'>,
  measure: AblationMeasure,
): Markup | undefined {
  const { unit, label } = measure;
  const rows = view.arms.map((arm, i) => ({ arm, y: String(i), values: valuesOf(arm, measure) }));
  const all = rows.flatMap(({ values }) => values.map(({ value }) => value));
  if (all.length === 0) return undefined;
  const show = (value: number): string => showValue(unit, value);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || (unit === 'share' ? 0.05 : 1);
  // What cannot be below nothing has no axis there.
  const from = low >= 0 ? Math.max(0, low - room) : low - room;
  const dots = rows.flatMap(({ arm, y, values }) =>
    values.map(({ seed, value }) => ({
      x: value,
      y,
      seed,
      colour: arm.colour,
      title: visibleControls(`${arm.label}\nseed ${seed}: ${show(value)}`),
    })),
  );
  const means = rows.flatMap(({ arm, y, values }) => {
    const x = meanOf(values);
    return x === undefined
      ? []
      : [{ x, y, colour: arm.colour, title: visibleControls(`${arm.label}\nmean: ${show(x)}`) }];
  });
  const widest = rows.reduce((w, { arm }) => Math.max(w, arm.label.length), 0);
  const draw = (width: number): Markup =>
    plotSvg(
      {
        width,
        height: 46 + rowHeight * rows.length,
        marginLeft: Math.min(width * 0.4, 24 + 7.2 * widest),
        marginRight: 84,
        marginTop: 8,
        marginBottom: 32,
        x: {
          label: null,
          domain: [from, high + room],
          tickFormat: (value: number) => tickText(unit, value, high - low),
          grid: true,
          ticks: width < 600 ? 4 : 7,
        },
        y: {
          label: null,
          type: 'band',
          domain: rows.map(({ y }) => y),
          tickSize: 0,
          tickFormat: (y: string) => visibleControls(rows[Number(y)]!.arm.label),
        },
        marks: [
          Plot.tickX(means, {
            x: 'x',
            y: 'y',
            stroke: (d: (typeof means)[number]) => d.colour,
            strokeWidth: 3,
            insetTop: 2,
            insetBottom: 2,
            title: 'title',
          }),
          // A seed has its own height in every row: points on each other stay apart, and a pair can be followed.
          ...view.input.seeds.map((seed, i) =>
            Plot.dot(
              dots.filter((dot) => dot.seed === seed),
              {
                x: 'x',
                y: 'y',
                dy: seedOffset(i, view.input.seeds.length),
                r: 3.8,
                fill: (d: (typeof dots)[number]) => d.colour,
                stroke: 'var(--page)',
                strokeWidth: 1,
                title: 'title',
              },
            ),
          ),
          Plot.text(rows, {
            y: 'y',
            text: ({ values }: (typeof rows)[number]) =>
              values.length === 0 ? 'no value' : show(meanOf(values)!),
            frameAnchor: 'right',
            textAnchor: 'start',
            dx: 12,
            fontSize: chartFontSize,
            fontWeight: 600,
          }),
        ],
      },
      {
        title: `${label} by arm`,
        description: rows
          .map(({ arm, values }) => `${arm.label}: mean ${show(meanOf(values) ?? Number.NaN)}`)
          .join('; '),
      },
    );
  return figure({
    title: `${label}, by arm`,
    caption: `Points: each seed, in the same order from top to bottom in every row. Bar and figure: their mean. ${measure.about}`,
    wide: true,
    picture: [html`<div class="wide">${draw(1060)}</div>`, html`<div class="narrow">${draw(460)}</div>`],
    table: dataTable(
      ['Arm', 'Mean', ...view.input.seeds.map((seed) => `Seed ${seed}`)],
      rows.map(({ arm, values }) => [
        arm.label,
        show(meanOf(values) ?? Number.NaN),
        ...view.input.seeds.map((seed) => show(values.find((v) => v.seed === seed)?.value ?? Number.NaN)),
      ]),
    ),
  });
}
