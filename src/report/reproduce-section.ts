/** All one needs to make these numbers again: settings, versions, device, fingerprints, parents, commands. */
import { statusBadge } from './compare-section.ts';
import { evidenceBadge, evidenceLegend, valueInWords } from './evidence-badge.ts';
import { table } from './figure.ts';
import { notes } from './filter-section.ts';
import { type Content, clip, html, type Markup } from './html.ts';
import { bytes, duration, whole } from './number-format.ts';
import type { ReportData } from './report-data.ts';
import type { LogSource, PreparedRun } from './report-run.ts';
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
  if (run.log !== undefined) return oneLog(run.log, run);
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

/** A log says neither how it was made nor with which settings. */
function oneLog({ files, missing }: LogSource, { rows, record }: PreparedRun): Markup {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  names.delete('step');
  return html`<dl class="facts"><dt>Read from</dt><dd>a log of another tool</dd><dt>Steps</dt><dd>${whole(rows.length)}, ${whole(rows[0]?.step)} to ${whole(rows.at(-1)?.step)}</dd><dt>Allowed length</dt><dd>${
    (record.config as { max_completion_length?: number }).max_completion_length ?? 'not known'
  }</dd><dt>Not in it</dt><dd>${missing.length === 0 ? 'nothing that this report looks for' : missing.join(', ')}</dd></dl>${table(
    ['File', 'Size'],
    files
      .slice(0, shownInputs)
      .map(({ path, bytes: size }) => [html`<code>${clip(path, 200)}</code>`, bytes(size)]),
  )}<h4>Metrics</h4><pre>${clip([...names].sort().join('\n'), 4000)}</pre>`;
}
