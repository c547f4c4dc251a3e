/**
 * Observable Plot to an SVG string, in Node, through linkedom's DOM: nothing of it runs in the page. Labels reach the SVG as DOM
 * text, so the serialiser escapes them. Colours are CSS variables of the page, so one picture serves light, dark and print.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, type Markup, trusted } from './html.ts';

export interface PictureText {
  /** Read by screen readers and shown by nothing else. */
  title: string;
  /** What is to be seen, in a sentence with numbers. */
  description: string;
}

/** The page's font size for charts, in SVG units; charts are drawn close to the width they are shown at. */
export const chartFontSize = 12;

export function plotSvg(options: Plot.PlotOptions, text: PictureText): Markup {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    ...options,
    document: document as unknown as Document,
    style: { fontSize: `${chartFontSize}px`, background: 'none', color: 'inherit', fontFamily: 'inherit' },
  });
  // Plot's own sheet is in the page's style sheet once, instead of in every picture.
  for (const style of svg.querySelectorAll('style')) style.remove();
  // Our own texts are put in by our own escaping, not by the DOM's.
  const serialised = svg.outerHTML;
  const label = html`<svg role="img" aria-label="${`${text.title}. ${text.description}`}" `;
  const open = serialised.indexOf('>') + 1;
  return trusted(
    `${label}${serialised.slice('<svg '.length, open)}${html`<title>${text.title}</title><desc>${text.description}</desc>`}${serialised.slice(open)}`,
  );
}

export { Plot };
