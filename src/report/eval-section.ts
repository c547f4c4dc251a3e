/** Evaluations side by side: a table of benchmarks by run. */
import type { EvalFacts } from './eval-facts.ts';
import { table } from './figure.ts';
import { html, type Markup } from './html.ts';

export const evalCaption =
  'Share of right answers with 95 % intervals: Wilson where a problem counts once, else a bootstrap over problems.';

export function evalSection(facts: EvalFacts | undefined): Markup | undefined {
  if (facts === undefined) return undefined;
  const header = ['Benchmark', ...facts.runs.map(({ label }) => label)];
  return html`<section id="eval"><h2>Evaluation</h2><p>${evalCaption}</p>${table(header, facts.rows)}${facts.notes.map((note) => html`<p>${note}</p>`)}</section>`;
}
