/** The HTML page of a report, from its data. Loaded only when a page is made: it brings the chart library with it. */
import { benchmarkSection } from './benchmark-section.ts';
import { compareSection } from './compare-section.ts';
import { evalSection } from './eval-section.ts';
import { filterSection } from './filter-section.ts';
import { flowSection } from './flow-section.ts';
import { grpoSection } from './grpo-section.ts';
import { html, type Markup } from './html.ts';
import { mixSection } from './mix-section.ts';
import { page } from './page.ts';
import type { ReportData } from './report-data.ts';
import { reproduceSection } from './reproduce-section.ts';
import { trainSection } from './train-section.ts';

export function htmlReport(data: ReportData): string {
  const sections = [
    { id: 'way', name: 'The whole way', body: flowSection(data) },
    { id: 'runs', name: 'Runs side by side', body: compareSection(data) },
    { id: 'filter', name: 'Filter', body: filterSection(data.filters) },
    { id: 'mix', name: 'Mix', body: mixSection(data.mixes) },
    { id: 'train', name: 'Train', body: trainSection(data.train) },
    {
      id: 'grpo',
      name: 'Reinforcement learning',
      body: grpoSection(data.grpos, data.benchmarks !== undefined),
    },
    { id: 'benchmarks', name: 'Problem sets', body: benchmarkSection(data.benchmarks) },
    { id: 'eval', name: 'Evaluation', body: evalSection(data.evals) },
    { id: 'missing', name: 'What is not here', body: missingSection(data.missing) },
    { id: 'reproduce', name: 'How to make this again', body: reproduceSection(data) },
  ];
  return page({
    title: data.title,
    headline: data.headline,
    sections,
    footer: html`<p>Made by midtrain from ${madeFrom(data)}. All numbers were measured in these runs; nothing on this page is fetched and no script runs.</p>`,
  });
}

/** `one run record`, `3 run records`, `14 logged runs`, `2 run records and one logged run`. */
function madeFrom({ runs }: ReportData): string {
  const logs = runs.filter(({ log }) => log !== undefined).length;
  const count = (n: number, what: string): string[] =>
    n === 0 ? [] : [n === 1 ? `one ${what}` : `${n} ${what}s`];
  return [...count(runs.length - logs, 'run record'), ...count(logs, 'logged run')].join(' and ');
}

function missingSection(missing: readonly string[]): Markup | undefined {
  if (missing.length === 0) return undefined;
  return html`<section id="missing"><h2>What is not here</h2><ul class="missing">${missing.map((m) => html`<li>${m}</li>`)}</ul></section>`;
}
