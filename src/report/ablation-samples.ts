/**
 * What the arms wrote to the same problem at the same step, side by side. Runs of one seed draw the same problems, and store a few responses of each step; so
 * of the first seed that most arms have, problems that the arms have in common are shown at the first, a middle and the last step that all of them stored.
 * Where arms draw other problems (another problem set), each shows its own, and the page says so.
 */
import { armName } from './ablation-figures.ts';
import type { AblationView, ArmView } from './ablation-view.ts';
import { clip, html, type Markup } from './html.ts';
import { decimal, whole } from './number-format.ts';
import type { RolloutRow } from './report-run.ts';
import { evenly } from './thin.ts';

const shownSteps = 4;
const shownPrompts = 2;
const longestPrompt = 600;
const longestCompletion = 1200;

interface SampleRow {
  /** Undefined where arms did not draw the same problem. */
  prompt: string | undefined;
  expected: string | undefined;
  /** One an arm; undefined where nothing is stored for it. */
  responses: (RolloutRow | undefined)[];
}

interface SampleStep {
  step: number;
  rows: SampleRow[];
}

interface SideBySide {
  seed: string;
  arms: ArmView[];
  steps: SampleStep[];
}

export function sideBySide(view: AblationView): SideBySide | undefined {
  let best: { seed: string; of: { arm: ArmView; rollouts: readonly RolloutRow[] }[] } | undefined;
  for (const seed of view.input.seeds) {
    const of = view.arms.flatMap((arm) => {
      const cell = arm.cells.find((c) => c.seed === seed);
      const rollouts = (cell === undefined ? undefined : view.runOf(cell, 'grpo'))?.rollouts ?? [];
      return rollouts.length === 0 ? [] : [{ arm, rollouts }];
    });
    if (of.length > (best?.of.length ?? 0)) best = { seed, of };
  }
  if (best === undefined) return undefined;
  const steps = best.of.map(({ rollouts }) => new Set(rollouts.map(({ step }) => step)));
  const common = [...steps[0]!].filter((step) => steps.every((own) => own.has(step))).sort((a, b) => a - b);
  if (common.length === 0) return undefined;
  return {
    seed: best.seed,
    arms: best.of.map(({ arm }) => arm),
    steps: evenly(common, shownSteps).map((step) => ({
      step,
      rows: rowsOf(best.of.map(({ rollouts }) => rollouts.filter((row) => row.step === step))),
    })),
  };
}

function rowsOf(byArm: readonly (readonly RolloutRow[])[]): SampleRow[] {
  const prompts = [...new Set(byArm.flatMap((rows) => rows.map(({ prompt }) => prompt)))];
  const shared = prompts.filter(
    (prompt) => byArm.filter((rows) => rows.some((row) => row.prompt === prompt)).length > 1,
  );
  if (shared.length === 0)
    return [{ prompt: undefined, expected: undefined, responses: byArm.map((rows) => rows[0]) }];
  // Those that most arms have come first.
  const arms = (prompt: string): number =>
    byArm.filter((rows) => rows.some((row) => row.prompt === prompt)).length;
  return [...shared]
    .sort((a, b) => arms(b) - arms(a))
    .slice(0, shownPrompts)
    .map((prompt) => {
      const responses = byArm.map((rows) => rows.find((row) => row.prompt === prompt));
      return { prompt, expected: responses.find((row) => row?.expected !== undefined)?.expected, responses };
    });
}

export function samplesSection(view: AblationView): Markup | undefined {
  const samples = sideBySide(view);
  if (samples === undefined) return undefined;
  const { seed, arms, steps } = samples;
  const apart = steps.some(({ rows }) => rows.some(({ prompt }) => prompt === undefined));
  const absent = view.arms.length - arms.length;
  return html`<section id="samples"><h2>Samples side by side</h2><p class="hint">Responses of seed ${seed} that the RL runs stored, the same problem at the same step${
    apart ? ' where the arms drew the same' : ''
  }. Runs store right and wrong responses in turn where a step has both, so right ones here are not the accuracy.${
    absent > 0 && ` ${absent} of ${view.arms.length} arms have none for this seed.`
  }</p>${steps.map(
    ({ step, rows }) =>
      html`<details class="more samples"><summary>Step ${whole(step)}</summary>${rows.map((row) => sampleRow(row, arms))}</details>`,
  )}</section>`;
}

function sampleRow({ prompt, expected, responses }: SampleRow, arms: readonly ArmView[]): Markup {
  return html`${
    prompt === undefined
      ? html`<p class="hint">The arms drew different problems here; each shows its first.</p>`
      : html`<p class="sample-prompt"><span class="hint">Problem</span></p><pre>${clip(prompt, longestPrompt)}</pre>${expected !== undefined && html`<p class="hint">Right answer: <code>${clip(expected, 200)}</code></p>`}`
  }<div class="sample-columns">${arms.map((arm, i) => sampleCell(arm, responses[i], prompt === undefined))}</div>`;
}

function sampleCell(arm: ArmView, row: RolloutRow | undefined, own: boolean): Markup {
  if (row === undefined)
    return html`<div class="sample"><h5>${armName(arm)}</h5><p class="hint">nothing stored</p></div>`;
  const right = row.reward > 0;
  const marks = [
    `reward ${decimal(row.reward)}`,
    ...(row.length === undefined ? [] : [`${whole(row.length)} tokens`]),
    ...(row.truncated === true ? ['truncated'] : []),
  ];
  return html`<div class="sample"><h5>${armName(arm)}</h5><p class="hint"><span class="badge ${right ? 'ok' : 'no'}">${right ? 'right' : 'wrong'}</span> ${marks.join(', ')}</p>${
    own && html`<pre>${clip(row.prompt, longestPrompt)}</pre>`
  }<pre>${clip(row.completion, longestCompletion)}</pre></div>`;
}
