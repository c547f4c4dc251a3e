/** A picture with its title, caption, legend, and its numbers as a table behind a fold. */
import { type Content, html, type Markup } from './html.ts';
import { drawLineChart, type LineChart, type LineSeries, lineChartTable, type Size } from './line-chart.ts';

/** Half of the page's width on a desktop, the whole of a phone's. */
export const halfSize: Size = { width: 460, height: 230 };
const wideSize: Size = { width: 1060, height: 300 };

/**
 * A line chart as a figure; nothing when no series has a point. `wide` charts are drawn twice, for desktops and for phones. `legend: false` where one legend
 * serves several.
 */
export function lineFigure(
  chart: LineChart,
  options: { wide?: boolean; height?: number; legend?: boolean } = {},
): Markup | undefined {
  const shown: LineChart = { ...chart, series: chart.series.filter((s) => s.points.length > 0) };
  if (shown.series.length === 0) return undefined;
  const height = (size: Size): Size =>
    options.height === undefined ? size : { ...size, height: options.height };
  const picture = options.wide
    ? [
        html`<div class="wide">${drawLineChart(shown, height(wideSize))}</div>`,
        html`<div class="narrow">${drawLineChart({ ...shown, endLabels: false }, halfSize)}</div>`,
      ]
    : drawLineChart(shown, height(halfSize));
  const table = lineChartTable(shown);
  return figure({
    title: chart.title,
    caption: chart.caption,
    legend:
      options.legend === false ? undefined : lineLegend(shown.series.filter((s) => !s.silent && !s.unlisted)),
    picture,
    table: dataTable(
      table.header,
      table.rows,
      table.of > table.rows.length ? `${table.rows.length} of ${table.of} points` : undefined,
    ),
    wide: options.wide ?? false,
  });
}

export function figure(parts: {
  title: string;
  caption?: string | undefined;
  legend?: Content;
  picture: Content;
  table?: Content;
  wide?: boolean;
}): Markup {
  return html`<figure class="chart${parts.wide ? ' span' : ''}"><figcaption><h4>${parts.title}</h4>${
    parts.caption === undefined ? '' : html`<p>${parts.caption}</p>`
  }</figcaption>${parts.legend}${parts.picture}${parts.table}</figure>`;
}

/** Only where there is something to tell apart. */
function lineLegend(series: readonly LineSeries[]): Markup | undefined {
  if (series.length < 2) return undefined;
  return html`<ul class="legend">${series.map(
    (s) =>
      html`<li><svg width="26" height="10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5" stroke="${s.colour}" stroke-width="${
        s.faint ? 1 : 2.4
      }" stroke-opacity="${s.faint ? 0.45 : 1}" stroke-dasharray="${s.dash ?? ''}"/></svg>${s.label}</li>`,
  )}</ul>`;
}

export function swatchLegend(entries: readonly { label: string; colour: string }[]): Markup {
  return html`<ul class="legend">${entries.map(
    (e) => html`<li><span class="swatch" style="background:${e.colour}"></span>${e.label}</li>`,
  )}</ul>`;
}

/** A table behind a fold: the text alternative of a picture. */
export function dataTable(
  header: readonly Content[],
  rows: readonly (readonly Content[])[],
  note?: string,
): Markup {
  return html`<details class="data"><summary>Table${note === undefined ? '' : html` <span class="note">(${note})</span>`}</summary>${table(header, rows)}</details>`;
}

/** `text` names the columns that are words and not numbers; the first always is. */
export function table(
  header: readonly Content[],
  rows: readonly (readonly Content[])[],
  text: readonly number[] = [],
): Markup {
  const of = (i: number): Markup => (i === 0 || text.includes(i) ? html`` : html` class="n"`);
  return html`<div class="scroll"><table><thead><tr>${header.map((h, i) => html`<th scope="col"${of(i)}>${h}</th>`)}</tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td${of(i)}>${cell}</td>`))}</tr>`,
  )}</tbody></table></div>`;
}
