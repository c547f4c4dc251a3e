/** What the model wrote: responses of the first, the middle and the last stored step, right and wrong ones, behind folds. */
import type { GrpoFacts } from './grpo-facts.ts';
import { clip, html, type Markup } from './html.ts';
import { decimal, whole } from './number-format.ts';
import type { RolloutRow } from './report-run.ts';

const shownPrompt = 1200;
const shownCompletion = 2400;

export function rolloutCards(grpos: readonly GrpoFacts[]): Markup | undefined {
  const withSamples = grpos.filter((g) => g.samples.length > 0);
  if (withSamples.length === 0) return undefined;
  return html`<h3>Sample responses</h3><p class="hint">From the stored rollouts: first, middle and last step; right means a reward above zero. Runs store right and wrong responses in turn where a step has both, so their share here is not the accuracy.</p>${withSamples.map(
    (g) =>
      html`${grpos.length > 1 && html`<h4 class="rollout-run">${g.run.label}</h4>`}<div class="rollout-steps">${g.samples.map(
        (s) =>
          html`<div class="rollout-step"><h5>Step ${whole(s.step)} <small>${whole(s.stored)} ${s.stored === 1 ? 'response' : 'responses'} stored</small></h5>${[...s.right.map((r, i) => card(r, true, i === 0)), ...s.wrong.map((r, i) => card(r, false, i === 0 && s.right.length === 0))]}</div>`,
      )}</div>`,
  )}`;
}

function card(row: RolloutRow, right: boolean, open: boolean): Markup {
  const marks = [
    `reward ${decimal(row.reward)}`,
    ...(row.length === undefined ? [] : [`${whole(row.length)} tokens`]),
    ...(row.truncated === true ? ['truncated'] : []),
  ];
  return html`<details class="rollout ${right ? 'right' : 'wrong'}"${open ? html` open` : html``}><summary><span class="badge ${right ? 'ok' : 'no'}">${
    right ? 'right' : 'wrong'
  }</span> <span class="first-words">${clip(row.prompt.trim(), 90).split(' … (')[0]}</span> <small>${marks.join(', ')}</small></summary><dl><dt>Prompt</dt><dd><pre>${clip(
    row.prompt,
    shownPrompt,
  )}</pre></dd><dt>Response</dt><dd><pre>${clip(row.completion, shownCompletion)}</pre></dd><dt>Answer</dt><dd>${
    row.answer == null ? html`<em>none found</em>` : html`<code>${clip(row.answer, 200)}</code>`
  }${row.expected !== undefined && html`, expected <code>${clip(row.expected, 200)}</code>`}</dd></dl></details>`;
}
