/** Small labelled marks that say how well a figure from the paper is known. (src/core/evidence.ts) */
import { type Evidence, evidenceTags } from '../core/evidence.ts';
import { clip, html, type Markup } from './html.ts';
import type { PreparedRun } from './report-run.ts';

const evidenceMeaning: Record<Evidence, string> = {
  confirmed: "read in the authors' own code, data or text",
  summary: "from a third party's summary of the paper",
  recalled: 'a table that could only be remembered, not read',
  unknown: 'not found anywhere; a stand-in',
  own: "not the paper's: chosen here or by the user",
};

export function evidenceBadge(tag: Evidence | null | undefined): Markup | undefined {
  if (tag === null || tag === undefined) return undefined;
  return html`<span class="badge ev-${tag}" title="${evidenceMeaning[tag]}">${tag}</span>`;
}

/** The legend of the tags that occur. */
export function evidenceLegend(used: readonly Evidence[]): Markup | undefined {
  const tags = evidenceTags.filter((tag) => used.includes(tag));
  if (tags.length === 0) return undefined;
  return html`<p class="ev-legend"><span>How well each figure is known:</span> ${tags.map(
    (tag) => html`<span class="ev-item">${evidenceBadge(tag)} ${evidenceMeaning[tag]}</span>`,
  )}</p>`;
}

/** The figures that the records of these runs carry with their standing: "learning_rate 0.003 own". Each once. */
export function evidenceFigures(runs: readonly PreparedRun[]): Markup | undefined {
  const seen = new Set<string>();
  const distinct = runs
    .flatMap((run) => run.record.evidence)
    .filter((e) => {
      const key = JSON.stringify([e.name, e.value, e.evidence]);
      return seen.has(key) ? false : seen.add(key);
    });
  if (distinct.length === 0) return undefined;
  return html`<p class="ev-figures">${distinct
    .slice(0, 24)
    .map(
      (e) =>
        html`<span title="${e.note ?? ''}"><code>${clip(e.name, 80)}</code> ${clip(valueInWords(e.value), 80)} ${evidenceBadge(e.evidence)}</span>`,
    )}</p>`;
}

export function valueInWords(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');
}
