/** Runs side by side: every run with its key figures, and for runs of one kind the settings in which they differ. */
import { comparableRuns, configDifferences } from './config-difference.ts';
import { table } from './figure.ts';
import { breakable, type Content, html, type Markup } from './html.ts';
import { compact, decimal, duration, percent, points, whole } from './number-format.ts';
import type { ReportData } from './report-data.ts';
import type { PreparedRun, RunKind } from './report-run.ts';

const kindNames: Record<RunKind, string> = {
  filter: 'Filter',
  mix: 'Mix',
  train: 'Train',
  grpo: 'RL',
  other: 'Other',
};

export function compareSection(data: ReportData): Markup | undefined {
  if (data.runs.length < 2) return undefined;
  const differing = comparableRuns(data.runs).flatMap(({ name, runs }) => {
    const differences = configDifferences(runs);
    return differences.length === 0 ? [] : [{ name, runs, differences }];
  });
  return html`<section id="runs"><h2>Runs side by side</h2>${table(
    ['Run', 'Step', 'Status', 'Time', 'Result'],
    data.runs.map((run) => [
      run.label,
      run.record.command === 'eval' ? 'Eval' : kindNames[run.kind],
      statusBadge(run),
      duration(run.record.seconds),
      resultOf(run, data),
    ]),
    [1, 2, 4],
  )}${differing.map(
    ({ name, runs, differences }) =>
      html`<h3>What differs between the ${name} runs</h3>${table(
        ['Setting', ...runs.map((run) => run.label)],
        differences.map((d) => [
          html`<code class="key">${breakable(d.key)}</code>`,
          ...d.values.map((v) => html`<code>${v}</code>`),
        ]),
        runs.map((_, i) => i + 1),
      )}`,
  )}</section>`;
}

/** What is known of how a run ended; of a log, nothing. */
export function statusOf({ record, log }: PreparedRun): string {
  return log === undefined ? record.status : 'log';
}

export function statusBadge(run: PreparedRun): Markup {
  const status = statusOf(run);
  return html`<span class="badge ${status === 'done' ? 'ok' : status}">${status}</span>`;
}

/** The one figure of a run that its kind is judged by. */
export function resultInWords(run: PreparedRun, data: ReportData): string | undefined {
  const filter = data.filters.find((f) => f.run === run)?.ledger;
  if (filter !== undefined) return `${whole(filter.kept)} of ${whole(filter.in)} documents kept`;
  const mix = data.mixes.find((m) => m.run === run);
  if (mix !== undefined) return `${compact(mix.totalTokens)} tokens, QA share ${percent(mix.qaShare)}`;
  const grpo = data.grpos.find((g) => g.run === run);
  if (grpo?.start !== undefined && grpo.end !== undefined) {
    const change = points(grpo.end.accuracy! - grpo.start.accuracy!);
    return `accuracy ${percent(grpo.start.accuracy)} → ${percent(grpo.end.accuracy)} (${change}). ${grpo.verdict}`;
  }
  if (grpo !== undefined)
    return `reward ${decimal(grpo.firstReward)} → ${decimal(grpo.lastReward)}. ${grpo.verdict}`;
  const segment = data.train?.segments.find((s) => s.run === run);
  if (segment !== undefined) {
    const values = (name: string): number[] =>
      segment.run.rows
        .map((row) => row[name])
        .filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
    const held = values('eval_loss');
    const loss = values('loss');
    const parts = [
      ...(loss.length > 0 ? [`loss ${decimal(loss[0])} → ${decimal(loss.at(-1))}`] : []),
      ...(held.length > 0 ? [`held out ${decimal(held[0])} → ${decimal(held.at(-1))}`] : []),
    ];
    return parts.length > 0 ? parts.join(', ') : undefined;
  }
  const place = data.evals?.runs.indexOf(run) ?? -1;
  const first = data.evals?.rows[0];
  return place < 0 ? undefined : `${first![0]!}: ${first![place + 1]!}`;
}

function resultOf(run: PreparedRun, data: ReportData): Content {
  return resultInWords(run, data) ?? '–';
}
