/**
 * The page around the sections: one file, no script, nothing fetched. The policy in its head forbids scripts and every request, so
 * even a mistake in escaping could not run anything; the icon is empty so that a browser asks no server for one.
 */

import type { Headline } from './headline.ts';
import { type Content, html, type Markup, trusted } from './html.ts';
import { styleSheet } from './style-sheet.ts';

const contentSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export interface PageParts {
  title: string;
  headline: Headline;
  /** One without a body is left out, of the page and of its list of sections. */
  sections: readonly { id: string; name: string; body: Markup | undefined }[];
  footer: Content;
}

/** Keeps a number and its unit on one line. */
function unbroken(text: string): string {
  return text.replace(/(\d) (?=[%kMBT](?!\w))/g, '$1\u00a0');
}

export function page(parts: PageParts): string {
  const { title, headline } = parts;
  const sections = parts.sections.filter(({ body }) => body !== undefined);
  return html`${trusted('<!doctype html>')}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(contentSecurityPolicy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${trusted(styleSheet)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="sentence">${headline.sentence}</p>
${
  headline.numbers.length > 0 &&
  html`<dl class="tiles">${headline.numbers.map(
    (n) =>
      html`<div class="tile ${n.tone ?? ''}"><dt>${n.label}</dt><dd class="value">${unbroken(n.value)}</dd><dd class="detail">${n.detail}</dd></div>`,
  )}</dl>`
}
<nav aria-label="Sections">${sections.map((s) => html`<a href="#${s.id}">${s.name}</a>`)}</nav>
</header>
<main>
${sections.map((s) => html`${s.body}\n`)}</main>
<footer>${parts.footer}</footer>
</body>
</html>
`.text;
}
