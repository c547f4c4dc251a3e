/** All one needs to make these numbers again: settings, versions, device, fingerprints, parents, commands. */
import { statusBadge } from './compare-section.ts';
import { evidenceBadge, evidenceLegend, valueInWords } from './evidence-badge.ts';
import { table } from './figure.ts';
import { notes } from './filter-section.ts';
import { type Content, clip, html, type Markup } from './html.ts';
import { bytes, duration } from './number-format.ts';
import type { ReportData } from './report-data.ts';
import type { PreparedRun } from './report-run.ts';
import { shellWord } from './shell-word.ts';

const shownInputs = 30;

export function reproduceSection(data: ReportData): Markup {
  const commands = data.runs.map((run) => commandOf(run)).filter((c) => c !== undefined);
  return html`<section id="reproduce"><h2>How to make this again</h2>${
    commands.length > 0 &&
    html`<p class="lead">The commands, in the order of the work:</p><pre>${[...commands, ...(data.command === undefined ? [] : [data.command])].join('\n')}</pre>`
  }${commands.length === 0 && data.command !== undefined && html`<p class="lead">This report:</p><pre>${data.command}</pre>`}${data.runs.map(
    (run) =>
      html`<details class="run"><summary>${run.label} <small>${run.record.command}</small></summary>${oneRun(run)}</details>`,
  )}${evidenceLegend(data.runs.flatMap((run) => run.record.evidence.map((e) => e.evidence)))}</section>`;
}

/** The command line of a run, where its record has one. */
export function commandOf(run: PreparedRun): string | undefined {
  for (const source of [
    run.record as Record<string, unknown>,
    run.record.summary,
    run.record.config as Record<string, unknown> | null,
  ]) {
    const line = source?.commandLine;
    if (typeof line === 'string' && line !== '') return line;
    if (Array.isArray(line) && line.length > 0 && line.every((part) => typeof part === 'string'))
      return line.map(shellWord).join(' ');
  }
  return undefined;
}

function oneRun(run: PreparedRun): Markup {
  const { record } = run;
  const rows: [string, Content][] = [
    ['Status', statusBadge(run)],
    ['Folder', html`<code>${run.folder}</code>`],
    [
      'Command',
      html`<code>${commandOf(run) ?? `midtrain ${record.command} (its command line was not recorded; the settings below are the resolved ones)`}</code>`,
    ],
    ['Started', record.startedAt],
    ['Took', duration(record.seconds)],
    ['Settings fingerprint', html`<code>${record.fingerprint}</code>`],
    [
      'Made from',
      record.parents.length === 0 ? 'nothing recorded' : html`<code>${record.parents.join(', ')}</code>`,
    ],
    [
      'Versions',
      Object.entries(record.versions)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ...(record.device === undefined
      ? []
      : [
          [
            'Device',
            Object.entries(record.device)
              .map(([k, v]) => `${k}: ${typeof v === 'string' ? v : JSON.stringify(v)}`)
              .join(', '),
          ] as [string, Content],
        ]),
  ];
  const inputs = record.inputs.slice(0, shownInputs);
  return html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${notes(record.warnings)}${
    record.evidence.length > 0 &&
    table(
      ['Figure', 'Value', 'Evidence', 'Note'],
      record.evidence.map((e) => [
        clip(e.name, 120),
        html`<code>${clip(valueInWords(e.value), 120)}</code>`,
        evidenceBadge(e.evidence),
        clip(e.note ?? '', 300),
      ]),
      [1, 2, 3],
    )
  }${
    inputs.length > 0 &&
    html`<h4>Inputs</h4>${table(
      ['Path', 'Size', 'Fingerprint'],
      inputs.map((i) => [
        html`<code>${clip(i.path, 200)}</code>`,
        bytes(i.bytes),
        html`<code>${clip(i.fingerprint ?? '–', 80)}</code>`,
      ]),
    )}${record.inputs.length > inputs.length && html`<p class="hint">${record.inputs.length - inputs.length} more are in run.json.</p>`}`
  }<h4>Settings</h4><pre>${clip(JSON.stringify(record.config, null, 2) ?? 'none', 20_000)}</pre>`;
}
