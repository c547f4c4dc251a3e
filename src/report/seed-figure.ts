/**
 * Comparisons over seeds as one picture and one table: for each pair the difference of every seed as a point, the mean, the interval of that comparison
 * (thick) and the one that holds for all of them together (thin), and a line at none. Beside it the sentences that they allow (src/core/claim.ts), each with
 * its warnings. Pure.
 */
import { type Claim, type ClaimOptions, claimOf } from '../core/claim.ts';
import type { SeedComparison } from '../core/compare-seeds.ts';
import { dataTable, figure } from './figure.ts';
import { html, type Markup, visibleControls } from './html.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { chartFontSize, Plot, plotSvg } from './plot-svg.ts';

export interface SeedFigureOptions extends ClaimOptions {
  /** Under the axis: `difference in accuracy, points`. */
  axis: string;
}

/** The picture with its table, and the claims. */
export function seedFigure(comparisons: readonly SeedComparison[], options: SeedFigureOptions): Markup {
  return html`${seedPicture(comparisons, options)}${comparisons.map((c) => claimMarkup(claimOf(c, options)))}`;
}

/** The picture with its table alone, where claims are made elsewhere. */
export function seedPicture(
  comparisons: readonly SeedComparison[],
  options: Pick<SeedFigureOptions, 'what' | 'show' | 'axis'>,
): Markup {
  const { header, rows } = seedTable(comparisons, options.show);
  const several = (comparisons[0]?.comparisons ?? comparisons.length) > 1;
  return figure({
    title: `${capital(options.what)}, by seed`,
    caption: `Points: the difference of each seed. Diamond: the mean of two and more. Thick line: ${levelOf(comparisons)} % interval of the comparison${
      several
        ? `; thin line: the same for all ${comparisons[0]!.comparisons} together, cut where it leaves the picture`
        : ''
    }.`,
    picture: [
      html`<div class="wide">${picture(comparisons, options, 1060)}</div>`,
      html`<div class="narrow">${picture(comparisons, options, 460)}</div>`,
    ],
    table: dataTable(header, rows),
    wide: true,
  });
}

/** The same as Markdown: the claims with their warnings, and the table. */
export function seedMarkdown(comparisons: readonly SeedComparison[], options: SeedFigureOptions): string {
  const { header, rows } = seedTable(comparisons, options.show);
  const lines = comparisons.flatMap((c) => {
    const { text, warnings } = claimOf(c, options);
    return [`- ${escapeMarkdown(text)}`, ...warnings.map((w) => `  - ${escapeMarkdown(w)}`)];
  });
  return [lines.join('\n'), markdownTable(header, rows)].join('\n\n');
}

function claimMarkup({ verdict, text, warnings }: Claim): Markup {
  const said = verdict === 'higher' || verdict === 'lower' || verdict === 'same';
  return html`<p>${said ? html`<strong>${text}</strong>` : text}</p>${
    warnings.length > 0 && html`<ul class="missing">${warnings.map((w) => html`<li>${w}</li>`)}</ul>`
  }`;
}

const nameOf = (c: SeedComparison): string => `${c.second} against ${c.first}`;

/** The differences of every seed with their intervals, as header and rows. */
export function seedTable(
  comparisons: readonly SeedComparison[],
  show: SeedFigureOptions['show'],
): { header: string[]; rows: string[][] } {
  const range = (low: number, high: number): string =>
    Number.isNaN(low) || Number.isNaN(high) ? '–' : `${show(low)} to ${show(high)}`;
  const p = (value: number): string =>
    Number.isNaN(value) ? '–' : value < 0.001 ? '<0.001' : value.toPrecision(2);
  const level = levelOf(comparisons);
  return {
    header: [
      'Comparison',
      'Seeds',
      'Difference by seed',
      'Mean',
      `${level} % interval`,
      `${level} %, all together`,
      'p, after Holm',
    ],
    rows: comparisons.map((c) => [
      nameOf(c),
      String(c.pairs.length),
      c.pairs.map(({ seed, difference }) => `${seed}: ${show(difference)}`).join(', '),
      c.pairs.length === 0 ? '–' : show(c.mean),
      range(c.low, c.high),
      range(c.together.low, c.together.high),
      p(c.adjustedP),
    ]),
  };
}

function levelOf(comparisons: readonly SeedComparison[]): number {
  return Number((100 * (comparisons[0]?.level ?? 0.95)).toPrecision(4));
}

function picture(
  comparisons: readonly SeedComparison[],
  { show, axis, what }: Pick<SeedFigureOptions, 'what' | 'show' | 'axis'>,
  width: number,
): Markup {
  // By place, since two comparisons may be called the same.
  const rows = comparisons.map((c, i) => ({ c, y: String(i) }));
  // Below three seeds an interval says nothing, and its width would hide all else.
  const known = rows.filter(
    ({ c }) => Number.isFinite(c.low) && Number.isFinite(c.high) && c.obstacle !== 'too few seeds',
  );
  // The axis holds every point and every interval of a comparison alone; the wider ones of all together are cut at its edge.
  const xs = [
    0,
    ...known.flatMap(({ c }) => [c.low, c.high]),
    ...comparisons.flatMap(({ pairs }) => pairs.map(({ difference }) => difference)),
  ];
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  let room = (high - low) * 0.06 || 1;
  // Differences smaller than figures are written to would get ticks that all read the same.
  for (let i = 0; i < 6 && show(low - room) === show(high + room); i++) room *= 10;
  const within = (x: number): number => Math.max(low - room, Math.min(high + room, x));
  const points = rows.flatMap(({ c, y }) =>
    c.pairs.map(({ seed, difference }) => ({
      y,
      x: difference,
      title: visibleControls(`${nameOf(c)}\nseed ${seed}: ${show(difference)}`),
    })),
  );
  const letters = width < 600 ? 22 : 42;
  const longest = Math.max(0, ...comparisons.map((c) => nameOf(c).length));
  const widest = 24 + 7 * Math.min(letters, longest);
  const bar = (low: (c: SeedComparison) => number, high: (c: SeedComparison) => number, width: number) =>
    Plot.ruleY(known, {
      y: 'y',
      x1: ({ c }: (typeof known)[number]) => low(c),
      x2: ({ c }: (typeof known)[number]) => high(c),
      stroke: 'var(--s1)',
      strokeWidth: width,
      strokeOpacity: width > 2 ? 0.35 : 1,
    });
  const words = comparisons.map((c) => (c.pairs.length === 0 ? '' : `${nameOf(c)}: ${show(c.mean)}`));
  return plotSvg(
    {
      width,
      height: 60 + 34 * Math.max(1, comparisons.length),
      marginLeft: widest,
      marginRight: 24,
      marginBottom: 38,
      x: {
        label: null,
        domain: [low - room, high + room],
        tickFormat: (value: number) => show(value).replace(/(\.0)? (?:points|tokens|steps|nats)$/, ''),
        grid: true,
        ticks: width < 600 ? 4 : 6,
      },
      y: {
        label: null,
        type: 'band',
        domain: rows.map(({ y }) => y),
        tickSize: 0,
        tickFormat: (y: string) => shortened(visibleControls(nameOf(comparisons[Number(y)]!)), letters),
      },
      marks: [
        Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.6 }),
        bar(
          (c) => within(c.together.low),
          (c) => within(c.together.high),
          1.2,
        ),
        bar(
          (c) => c.low,
          (c) => c.high,
          7,
        ),
        Plot.dot(
          rows.filter(({ c }) => c.pairs.length > 1),
          { x: ({ c }: (typeof rows)[number]) => c.mean, y: 'y', r: 6, symbol: 'diamond', fill: 'var(--s1)' },
        ),
        Plot.dot(points, {
          x: 'x',
          y: 'y',
          r: 3.5,
          fill: 'var(--s2)',
          stroke: 'var(--page)',
          strokeWidth: 1,
          title: 'title',
        }),
        Plot.text([`${visibleControls(axis).replaceAll('\n', ' ')} →`], {
          frameAnchor: 'bottom-right',
          dy: 36,
          fontSize: chartFontSize - 1,
          fillOpacity: 0.7,
        }),
      ],
    },
    { title: `${capital(what)} by seed`, description: words.filter((text) => text !== '').join('; ') },
  );
}

/** A label that fits beside the picture; the table has it whole. */
function shortened(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
