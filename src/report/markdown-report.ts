/** The report as Markdown: the same facts as the page, tables and one-line curves instead of pictures. For a repository or an issue. */
import { sumCounts } from '../core/ledger.ts';
import type { BenchmarkFacts } from './benchmark-facts.ts';
import { benchmarkCaption, benchmarkTables } from './benchmark-section.ts';
import { resultInWords, statusOf } from './compare-section.ts';
import { comparableRuns, configDifferences } from './config-difference.ts';
import type { EvalFacts } from './eval-facts.ts';
import { evalCaption } from './eval-section.ts';
import { signatureNote } from './failure-signatures.ts';
import type { FilterFacts } from './filter-facts.ts';
import type { GrpoFacts } from './grpo-facts.ts';
import { clip } from './html.ts';
import { codeBlock, escapeMarkdown, markdownTable, sparkline } from './markdown.ts';
import type { MixFacts } from './mix-facts.ts';
import { compact, decimal, duration, percent, points, pointsRange, whole } from './number-format.ts';
import type { ReportData } from './report-data.ts';
import { metricPoints } from './report-run.ts';
import { commandOf } from './reproduce-section.ts';
import type { TrainFacts } from './train-facts.ts';

export function markdownReport(data: ReportData): string {
  const parts: (string | undefined)[] = [
    `# ${escapeMarkdown(data.title)}`,
    escapeMarkdown(data.headline.sentence),
    data.headline.numbers.length === 0
      ? undefined
      : markdownTable(
          ['', 'Result', 'Detail'],
          data.headline.numbers.map((n) => [n.label, n.value, n.detail]),
          [1, 2],
        ),
    compare(data),
    ...data.filters.map(filterPart),
    ...data.mixes.map(mixPart),
    trainPart(data.train),
    grpoPart(data.grpos),
    benchmarkPart(data.benchmarks),
    evalPart(data.evals),
    data.missing.length === 0
      ? undefined
      : `## What is not here\n\n${data.missing.map((m) => `- ${escapeMarkdown(m)}`).join('\n')}`,
    reproduce(data),
  ];
  return `${parts.filter((p) => p !== undefined && p !== '').join('\n\n')}\n`;
}

function evalPart(facts: EvalFacts | undefined): string | undefined {
  if (facts === undefined) return undefined;
  const header = ['Benchmark', ...facts.runs.map(({ label }) => label)];
  return [
    '## Evaluation',
    evalCaption,
    markdownTable(header, facts.rows),
    ...facts.notes.map(escapeMarkdown),
  ].join('\n\n');
}

function benchmarkPart(facts: BenchmarkFacts | undefined): string | undefined {
  if (facts === undefined) return undefined;
  const tables = benchmarkTables(facts).map(({ header, rows, text }) => markdownTable(header, rows, text));
  return ['## Problem sets', benchmarkCaption, ...tables].join('\n\n');
}

function compare(data: ReportData): string | undefined {
  if (data.runs.length < 2) return undefined;
  const rows = data.runs.map((run) => [
    run.label,
    run.record.command,
    statusOf(run),
    duration(run.record.seconds),
    resultInWords(run, data) ?? '–',
  ]);
  const differing = comparableRuns(data.runs).flatMap(({ name, runs }) => {
    const differences = configDifferences(runs);
    if (differences.length === 0) return [];
    const header = ['Setting', ...runs.map((run) => run.label)];
    return [
      `What differs between the ${escapeMarkdown(name)} runs:`,
      markdownTable(
        header,
        differences.map((d) => [d.key, ...d.values]),
      ),
    ];
  });
  return [
    '## Runs side by side',
    markdownTable(['Run', 'Step', 'Status', 'Time', 'Result'], rows, [1, 2, 4]),
    ...differing,
  ].join('\n\n');
}

function filterPart(facts: FilterFacts): string {
  const { ledger } = facts;
  const out = [`## Filter: ${escapeMarkdown(facts.run.label)}`];
  if (ledger !== undefined) {
    out.push(
      `${whole(ledger.in)} documents in, ${whole(ledger.kept)} kept (${percent(ledger.in === 0 ? undefined : ledger.kept / ledger.in)}).`,
    );
    if (facts.reasons.length > 0) {
      out.push(
        markdownTable(
          ['Reason', 'Documents', 'Share'],
          facts.reasons.map((r) => [
            r.kind === 'failed' ? `failed: ${r.name}` : r.name,
            whole(r.count),
            percent(r.count / Math.max(1, ledger.in)),
          ]),
        ),
      );
    }
  }
  if (facts.stages.length > 1) {
    out.push(
      markdownTable(
        ['Stage', 'In', 'Dropped', 'Failed', 'Kept'],
        facts.stages.map(({ name, ledger: own }) => [
          clip(name, 60),
          whole(own.in),
          whole(sumCounts(own.dropped)),
          whole(sumCounts(own.failed)),
          whole(own.kept),
        ]),
      ),
    );
  }
  if (facts.benchmarks.length > 0) {
    out.push(
      markdownTable(
        ['Benchmark', 'Items', 'Items found', 'In documents', 'Items nearly found', 'In documents'],
        facts.benchmarks.map((b) =>
          [clip(b.benchmark, 60)].concat(
            [b.items, b.exact.items, b.exact.documents, b.near.items, b.near.documents].map(whole),
          ),
        ),
      ),
    );
  }
  if (facts.failures.length > 0) {
    const shown = facts.failures.slice(0, 20);
    out.push(
      markdownTable(
        ['File', 'Place', 'Problem'],
        shown.map((f) => [clip(f.file, 160), clip(f.place ?? '', 100), clip(f.problem, 200)]),
        [1, 2],
      ),
    );
    if (facts.failures.length > shown.length)
      out.push(`${whole(facts.failures.length - shown.length)} more failures are in run.json.`);
  }
  out.push(...list(facts.notes));
  return out.join('\n\n');
}

function mixPart(m: MixFacts): string {
  return [
    `## Mix: ${escapeMarkdown(m.run.label)}`,
    `${whole(m.totalTokens)} tokens, QA share ${percent(m.qaShare)} (the paper's band is 30 to 40 %).`,
    markdownTable(
      ['Source', 'Role', 'Weight', 'Evidence', 'Requested', 'Achieved', 'Share', 'Repeats'],
      m.sources.map((s) => [
        clip(s.name, 80),
        s.role,
        s.weight == null ? '–' : decimal(s.weight),
        s.evidence ?? '–',
        whole(s.requestedTokens ?? undefined),
        whole(s.achievedTokens),
        percent(s.achievedShare),
        s.repeats == null ? '–' : s.repeats.toFixed(2),
      ]),
      [1, 3],
    ),
    ...list([...m.warnings, ...m.notes]),
  ].join('\n\n');
}

function trainPart(train: TrainFacts | undefined): string | undefined {
  if (train === undefined) return undefined;
  return [
    '## Train',
    markdownTable(
      [
        'Model',
        'Steps',
        'Tokens',
        'Loss, first',
        'Loss, last',
        'Held out, first',
        'Held out, last',
        'Loss curve',
      ],
      train.chains.map((c) => [
        c.label,
        whole(c.steps),
        compact(c.tokens),
        decimal(c.firstLoss),
        decimal(c.lastLoss),
        decimal(c.firstHeldOut),
        decimal(c.lastHeldOut),
        sparkline(c.segments.flatMap((s) => metricPoints(s.run.rows, 'loss').map((p) => p.y))),
      ]),
      [7],
    ),
    ...list(train.notes),
  ].join('\n\n');
}

function grpoPart(grpos: readonly GrpoFacts[]): string | undefined {
  if (grpos.length === 0) return undefined;
  return [
    '## Reinforcement learning',
    markdownTable(
      ['Run', 'Accuracy, start', 'end', 'Change', '95 % interval of the change', 'Reward curve'],
      grpos.map((g) => [
        g.run.label,
        percent(g.start?.accuracy),
        percent(g.end?.accuracy),
        g.start === undefined || g.end === undefined ? '–' : points(g.end.accuracy! - g.start.accuracy!),
        g.changeInterval === undefined
          ? 'not recorded'
          : `${pointsRange(g.changeInterval.low, g.changeInterval.high)}`,
        sparkline(metricPoints(g.run.rows, 'reward').map((p) => p.y)),
      ]),
      [4, 5],
    ),
    ...grpos.map(
      (g) =>
        `**${escapeMarkdown(g.run.label)}**: ${escapeMarkdown(g.verdict)}\n\n${g.signatures.map((s) => `- ${escapeMarkdown(s.words)}`).join('\n')}`,
    ),
    escapeMarkdown(signatureNote),
    ...grpos.flatMap(samples),
  ].join('\n\n');
}

function samples(g: GrpoFacts): string[] {
  return g.samples.flatMap((s) => {
    const row = s.right[0] ?? s.wrong[0];
    if (row === undefined) return [];
    const title = `Step ${whole(s.step)} of ${g.run.label}, ${s.right.length > 0 ? 'a right' : 'a wrong'} response, reward ${decimal(row.reward)}:`;
    return [escapeMarkdown(title), codeBlock(`${clip(row.prompt, 600)}\n---\n${clip(row.completion, 1000)}`)];
  });
}

function reproduce(data: ReportData): string {
  const commands = [
    ...data.runs.flatMap((run) => commandOf(run) ?? []),
    ...(data.command === undefined ? [] : [data.command]),
  ];
  return [
    '## How to make this again',
    ...(commands.length === 0 ? [] : [codeBlock(commands.join('\n'), 'sh')]),
    markdownTable(
      ['Run', 'Folder', 'Settings fingerprint', 'midtrain'],
      data.runs.map((run) => [
        run.label,
        run.folder,
        run.log === undefined ? run.record.fingerprint : 'a log',
        run.record.versions.midtrain ?? '–',
      ]),
      [1, 2, 3],
    ),
  ].join('\n\n');
}

function list(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [lines.map((line) => `- ${escapeMarkdown(line)}`).join('\n')];
}
