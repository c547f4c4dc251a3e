/**
 * The report of an ablation: one page and the same as Markdown, from what was collected (ablation-data.ts) and nothing else. Pure: the same input gives the
 * same bytes. It brings the chart library with it, so commands load it late.
 */
import { answerOf } from './ablation-answer.ts';
import { ablationClaims } from './ablation-claims.ts';
import type { AblationInput } from './ablation-data.ts';
import { filterPart } from './ablation-filter.ts';
import { ablationHeadline, answerSection } from './ablation-head.ts';
import { ablationMarkdown } from './ablation-markdown.ts';
import { mixPart } from './ablation-mix.ts';
import { outcomeSection } from './ablation-outcome.ts';
import { resultsSection } from './ablation-results.ts';
import { rlSection } from './ablation-rl.ts';
import { samplesSection } from './ablation-samples.ts';
import { missingSection, rerunSection, stepsSection } from './ablation-steps.ts';
import { trainingSection } from './ablation-train.ts';
import { type AblationView, ablationView } from './ablation-view.ts';
import { html, type Markup } from './html.ts';
import { page } from './page.ts';

export interface AblationReport {
  html: string;
  markdown: string;
}

export function renderAblation(input: AblationInput): AblationReport {
  const view = ablationView(input);
  const claims = ablationClaims(input);
  const answer = answerOf(input, claims);
  const sections = [
    { id: 'answer', name: 'Answer', body: answerSection(view, answer) },
    { id: 'results', name: 'Results', body: resultsSection(view, claims) },
    { id: 'outcome', name: 'From data to score', body: outcomeSection(view) },
    { id: 'data', name: 'Data', body: dataSection(view) },
    { id: 'train', name: 'Training', body: trainingSection(view) },
    { id: 'rl', name: 'Reinforcement learning', body: rlSection(view) },
    { id: 'samples', name: 'Samples', body: samplesSection(view) },
    { id: 'steps', name: 'Steps', body: stepsSection(view) },
    { id: 'missing', name: 'What is missing', body: missingSection(view) },
    { id: 'rerun', name: 'Run it again', body: rerunSection(view) },
  ];
  return {
    html: page({
      title: input.title,
      headline: ablationHeadline(view),
      sections,
      footer: html`<p>Made by midtrain from the records of ${input.runs.length} runs. All numbers but the paper’s were measured in these runs; nothing on this page is fetched and no script runs.</p>`,
    }),
    markdown: ablationMarkdown(view, claims, answer),
  };
}

function dataSection(view: AblationView): Markup | undefined {
  const parts = [filterPart(view), mixPart(view)];
  return parts.every((part) => part === undefined)
    ? undefined
    : html`<section id="data"><h2>Data</h2>${parts}</section>`;
}
