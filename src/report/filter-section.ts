/** What was filtered and why: reasons with examples, signal histograms with their thresholds, files that failed. */
import { sumCounts } from '../core/ledger.ts';
import { figure, halfSize, swatchLegend, table } from './figure.ts';
import type { FilterExample, FilterFacts, Reason, SignalHistogram } from './filter-facts.ts';
import { drawHistogram, histogramInWords, histogramTable } from './histogram-chart.ts';
import { breakable, type Content, clip, html, type Markup } from './html.ts';
import { bytes, compact, decimal, percent, whole } from './number-format.ts';
import { shellWord } from './shell-word.ts';

const shownSignals = 8;
const fewestSignals = 2;
/** Rules of a table that stands open. */
const openRules = 12;
const shownFailures = 50;
/** Reasons of the table that compares runs. */
const shownReasons = 40;

export function filterSection(filters: readonly FilterFacts[]): Markup | undefined {
  if (filters.length === 0) return undefined;
  const several = filters.length > 1;
  return html`<section id="filter"><h2>Filter</h2>${several && compareFilters(filters)}${filters.map(
    (facts, i) =>
      several
        ? html`<details class="run"${i === 0 ? html` open` : html``}><summary>${facts.run.label}</summary>${oneFilter(facts)}</details>`
        : oneFilter(facts),
  )}</section>`;
}

function oneFilter(facts: FilterFacts): Markup {
  const { ledger } = facts;
  return html`${ledger !== undefined && summaryLine(facts)}${notes(facts.notes)}${
    facts.stages.length > 1 && stageTable(facts)
  }${facts.reasons.length > 0 && reasonBars(facts)}${facts.keptExamples.length > 0 && keptExamples(facts.keptExamples)}${facts.sources.length > 1 && sourceTable(facts)}${
    facts.rules.length > 0 && ruleTable(facts)
  }${facts.benchmarks.length > 0 && benchmarkTable(facts)}${facts.signals.length > 0 && signalGrid(facts)}${facts.failures.length > 0 && failureTable(facts)}`;
}

function summaryLine(facts: FilterFacts): Markup {
  const ledger = facts.ledger!;
  const parts = [
    `${whole(ledger.in)} documents in, ${whole(ledger.kept)} kept (${percent(ledger.in === 0 ? undefined : ledger.kept / ledger.in)})`,
    ...(facts.bytesIn === undefined ? [] : [`${bytes(facts.bytesIn)} read`]),
    ...(facts.bytesOut === undefined ? [] : [`${bytes(facts.bytesOut)} written`]),
    ...(facts.documentsPerSecond === undefined
      ? []
      : [`${compact(facts.documentsPerSecond)} documents per second`]),
  ];
  return html`<p class="lead">${parts.join('; ')}.</p>`;
}

export function notes(list: readonly string[]): Markup | undefined {
  return list.length === 0 ? undefined : html`<ul class="notes">${list.map((n) => html`<li>${n}</li>`)}</ul>`;
}

/** A bar per reason; those with examples fold open. */
function reasonBars(facts: FilterFacts): Markup {
  const total = facts.ledger!.in;
  const largest = Math.max(1, ...facts.reasons.map((r) => r.count));
  return html`<h3>Why documents were dropped</h3><p class="hint">The first rule that fails gives the reason. Open a reason to read examples.</p><div class="bars">${facts.reasons.map(
    (reason) => {
      const line = reasonLine(reason, reason.count / largest, total);
      return reason.examples.length === 0
        ? html`<div class="bar-row">${line}</div>`
        : html`<details class="bar-row"><summary>${line}</summary><div class="examples">${reason.examples.slice(0, 5).map(example)}</div></details>`;
    },
  )}</div>`;
}

function reasonLine(reason: Reason, share: number, total: number): Content {
  const colour = reason.kind === 'failed' ? 'var(--failed)' : 'var(--dropped)';
  return html`<span class="bar-label">${reason.kind === 'failed' && html`<span class="badge failed">failed</span> `}<code>${clip(reason.name, 60)}</code></span><span class="bar-track"><span class="bar-fill" style="width:${(
    share * 100
  ).toFixed(
    2,
  )}%;background:${colour}"></span></span><span class="bar-value">${whole(reason.count)} <small>${percent(reason.count / Math.max(1, total))}</small></span>`;
}

function example(e: FilterExample): Markup {
  const name = e.url ?? e.id ?? '';
  const decided =
    e.signal == null || e.value == null
      ? ''
      : ` · ${e.signal} ${decimal(e.value)}${e.bound == null ? '' : `, bound ${decimal(e.bound)}`}`;
  return html`<article class="example"><p class="source">${clip(name, 200)}${decided}</p><pre>${clip(e.excerpt, 700)}</pre></article>`;
}

function keptExamples(examples: readonly FilterExample[]): Markup {
  return html`<details class="kept-examples"><summary>Read examples of kept documents</summary><div class="examples">${examples
    .slice(0, 5)
    .map(example)}</div></details>`;
}

function sourceTable({ sources }: FilterFacts): Markup {
  const rows = sources
    .slice(0, 20)
    .map(({ name, ledger }) => [
      clip(name, 120),
      whole(ledger.in),
      whole(ledger.kept),
      percent(ledger.in === 0 ? undefined : ledger.kept / ledger.in),
      largest(ledger.dropped),
    ]);
  return html`<h3>By input</h3>${table(['Input', 'Documents', 'Kept', 'Share', 'Most frequent reason'], rows, [4])}`;
}

function largest(counts: Readonly<Record<string, number>>): string {
  const [first] = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return first === undefined ? '–' : `${clip(first[0], 60)} (${whole(first[1])})`;
}

/** What went into each stage and what was left; for dedup steps also the clusters. */
function stageTable({ run, stages, dedup }: FilterFacts): Markup {
  const look = dedup.some((step) => step.clusters > 0);
  return html`<h3>Stage by stage</h3>${look && html`<p class="hint">The clusters, with the copy that stays of each: <code>midtrain inspect ${shellWord(run.folder)} --clusters</code></p>`}${table(
    ['Stage', 'In', 'Dropped', 'Failed', 'Kept', 'Clusters', 'Documents in them', 'Largest'],
    stages.map(({ name, ledger }) => {
      const step = dedup.find(({ step }) => name === `dedup ${step}`);
      return [
        clip(name, 60),
        whole(ledger.in),
        whole(sumCounts(ledger.dropped)),
        whole(sumCounts(ledger.failed)),
        whole(ledger.kept),
        whole(step?.clusters),
        whole(step?.members),
        whole(step?.largest),
      ];
    }),
  )}`;
}

/** A ledger names the first rule that failed; this says what each rule would do by itself and what only it does. */
function ruleTable({ rules, keptByMasking }: FilterFacts): Markup {
  const masked = keptByMasking !== undefined;
  const about = masked
    ? ` Without masking: documents it would have failed with formulas left as they are; all rules together would have dropped ${whole(keptByMasking)} more.`
    : '';
  return html`<details class="more"${rules.length <= openRules ? html` open` : html``}><summary>What each threshold does (${rules.length} rules)</summary><p class="hint">Failing: documents below or above the bound, whatever else they fail. Only this one: documents that would be kept without it.${about}</p>${table(
    ['Signal', 'Bound', 'Reason', 'Failing', 'Only this one', ...(masked ? ['Without masking'] : [])],
    rules.map((r) => [
      html`<code>${breakable(clip(r.signal, 80))}</code>`,
      `${r.side === 'min' ? 'at least' : 'at most'} ${decimal(r.bound)}`,
      html`<code>${breakable(clip(r.reason, 80))}</code>`,
      whole(r.failing),
      whole(r.alone),
      ...(masked ? [whole(r.unmasked ?? undefined)] : []),
    ]),
    [1, 2],
  )}</details>`;
}

/** Benchmark items found in the documents, by benchmark. */
function benchmarkTable({ benchmarks }: FilterFacts): Markup {
  return html`<h3>Benchmark items found</h3><p class="hint">Exact: the document has an n-gram of the item. Near: it has most of the item, changed. contamination.jsonl in the run folder lists them.</p>${table(
    ['Benchmark', 'Items', 'Items found', 'In documents', 'Items nearly found', 'In documents'],
    benchmarks.map((b) => [
      clip(b.benchmark, 60),
      whole(b.items),
      whole(b.exact.items),
      whole(b.exact.documents),
      whole(b.near.items),
      whole(b.near.documents),
    ]),
  )}`;
}

/** Signals whose thresholds fail the most documents first, those without a threshold last. */
function signalGrid({ signals, rules }: FilterFacts): Markup {
  const decides = (s: SignalHistogram): number =>
    s.min === undefined && s.max === undefined
      ? -1
      : rules.reduce((sum, rule) => sum + (rule.signal === s.name ? rule.failing : 0), 0);
  const sorted = [...signals].sort((a, b) => decides(b) - decides(a));
  // Pictures with nothing on the wrong side of a bound say little: they are folded away with those without a bound.
  const shown = Math.min(shownSignals, Math.max(fewestSignals, sorted.filter((s) => decides(s) > 0).length));
  const figures = sorted.map((signal) =>
    figure({
      title: signal.name,
      caption: `${signal.description === undefined ? '' : `${sentence(signal.description)} `}${histogramInWords(signal)}`,
      picture: drawHistogram(signal, { ...halfSize, height: 190 }),
      table: histogramTable(signal),
    }),
  );
  return html`<h3>Signals and thresholds</h3><p class="hint">Documents by measured value. A document that passes this threshold may be dropped by another rule, so both colours appear on both sides of the line.</p>${swatchLegend(
    [
      { label: 'kept', colour: 'var(--kept)' },
      { label: 'dropped', colour: 'var(--dropped)' },
    ],
  )}<div class="grid">${figures.slice(0, shown)}</div>${
    figures.length > shown &&
    html`<details class="more"><summary>${figures.length - shown} more signals</summary><div class="grid">${figures.slice(shown)}</div></details>`
  }`;
}

function sentence(text: string): string {
  const t = text.trim();
  return `${t.charAt(0).toUpperCase()}${t.slice(1)}${/[.!?]$/.test(t) ? '' : '.'}`;
}

function failureTable(facts: FilterFacts): Markup {
  const { failures } = facts;
  const shown = failures.slice(0, shownFailures);
  return html`<h3>Files and documents that could not be read</h3>${table(
    ['File', 'Place', 'Problem'],
    shown.map((f) => [
      html`<code>${clip(f.file, 160)}</code>`,
      clip(f.place ?? '', 120),
      clip(f.problem, 300),
    ]),
    [1, 2],
  )}${failures.length > shown.length && html`<p class="hint">${whole(failures.length - shown.length)} more are in run.json.</p>`}`;
}

/** A column a run, a row a reason: the ledgers beside each other. */
function compareFilters(filters: readonly FilterFacts[]): Markup {
  const counts = new Map<string, number[]>();
  filters.forEach(({ reasons }, i) => {
    for (const { name, count } of reasons) {
      const row = counts.get(name) ?? filters.map(() => 0);
      row[i] = count;
      counts.set(name, row);
    }
  });
  const most = [...counts].sort(([a, x], [b, y]) => Math.max(...y) - Math.max(...x) || (a < b ? -1 : 1));
  const share = ({ ledger }: FilterFacts): string =>
    percent(ledger === undefined || ledger.in === 0 ? undefined : ledger.kept / ledger.in);
  const left = most.length - shownReasons;
  return html`<h3>Side by side</h3>${table(
    ['', ...filters.map((f) => f.run.label)],
    [
      ['documents', ...filters.map((f) => whole(f.ledger?.in))],
      [
        'kept',
        ...filters.map(
          (f) => html`<span class="strong">${whole(f.ledger?.kept)}</span> <small>${share(f)}</small>`,
        ),
      ],
      ...most
        .slice(0, shownReasons)
        .map(([name, row]) => [
          html`<code>${breakable(clip(name, 60))}</code>`,
          ...row.map((n) => (n === 0 ? '' : whole(n))),
        ]),
    ],
  )}${left > 0 && html`<p class="hint">${left} more reasons, each with fewer documents.</p>`}`;
}
