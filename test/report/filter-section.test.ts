/** The filter part of a report: stages, rules with and without masking, benchmarks, many signals, and several runs beside each other. */
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/report.ts';
import type { ReportRun } from '../../src/report/report-run.ts';
import { filterRun } from './make-run-records.ts';

/** Says what is missing, and not the whole page. */
function expectMatch(page: string, what: RegExp | string): void {
  expect([what, typeof what === 'string' ? page.includes(what) : what.test(page)]).toEqual([what, true]);
}

/** A filter run with these parts of the summary and of the config changed. */
function changed(id: string, summary: object, config: object = {}): ReportRun {
  const run = filterRun(id);
  const { record } = run;
  return {
    ...run,
    id,
    record: {
      ...record,
      name: id.replace(/^.*\//, ''),
      config: { ...(record.config as object), ...config },
      summary: { ...record.summary, ...summary },
    },
  };
}

const stages = [
  { name: 'rules', ledger: { in: 100, kept: 60, dropped: { low_math: 40 }, failed: {} } },
  { name: 'dedup minhash', ledger: { in: 60, kept: 50, dropped: { duplicate_minhash: 10 }, failed: {} } },
];
const dedup = [{ step: 'minhash', clusters: 7, members: 23, largest: 9 }];
const benchmarks = [
  {
    benchmark: 'gsm8k-test',
    items: 1319,
    exact: { items: 12, documents: 3 },
    near: { items: 2, documents: 1 },
  },
];

describe('the filter section', () => {
  it('shows stages with clusters, how to look at them, and benchmarks, on the page and in Markdown', async () => {
    const run = changed('/runs/a b', { stages, dedup, contamination: { benchmarks } });
    const { html, markdown } = await renderReport([run]);
    expectMatch(html, /dedup minhash.*?60.*?10.*?50.*?7.*?23.*?9/s);
    expectMatch(html, 'midtrain inspect &#39;/runs/a b&#39; --clusters');
    expectMatch(html, /gsm8k-test.*?1,319.*?12.*?3.*?2.*?1/s);
    expectMatch(markdown, '| dedup minhash | 60 | 10 | 0 | 50 |');
    expectMatch(markdown, '| gsm8k-test | 1,319 | 12 | 3 | 2 | 1 |');
  });

  it('says what each rule would have failed without masking, and opens a short table of rules', async () => {
    const rule = { signal: 'a.b', side: 'min', bound: 1, reason: 'r', failing: 5, alone: 2, unmasked: 31 };
    const few = await renderReport([changed('/runs/a', { rules: [rule], keptByMasking: 26 })]);
    expectMatch(few.html, 'would have dropped 26 more');
    expectMatch(few.html, /<details class="more" open><summary>What each threshold does \(1 rules\)/);
    const rules = Array.from({ length: 30 }, (_, i) => ({ ...rule, reason: `r_${i}` }));
    const many = await renderReport([changed('/runs/a', { rules })]);
    expectMatch(many.html, /<details class="more"><summary>What each threshold does \(30 rules\)/);
  });

  it('folds away signals that decide nothing', async () => {
    const histogram = { edges: [0, 1, 2], counts: [5, 5], keptCounts: [5, 0] };
    const signals = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `family.signal_${i}`,
        { description: 'd', histogram, ...(i < 20 ? { threshold: { min: 1 } } : {}) },
      ]),
    );
    const rules = [1, 2, 3].map((i) => ({
      signal: `family.signal_${i}`,
      side: 'min',
      bound: 1,
      reason: `r${i}`,
      failing: 10 * i,
      alone: 0,
    }));
    const { html } = await renderReport([changed('/runs/a', { signals, rules })]);
    const [open = '', folded = ''] = html.split('57 more signals');
    for (const i of [1, 2, 3]) expectMatch(open, `<h4>family.signal_${i}</h4>`);
    expect(open.includes('<h4>family.signal_4</h4>')).toBe(false);
    expectMatch(folded, '<h4>family.signal_59</h4>');
  });

  it('draws bins of equal ratio with a bound of 0 so that they can be seen', async () => {
    const edges = Array.from({ length: 41 }, (_, i) => 1000 ** (i / 40));
    const counts = edges.slice(1).map((_, i) => (i === 0 ? 90 : 0));
    const signals = {
      'contamination.exact': { histogram: { edges, counts, keptCounts: counts }, threshold: { max: 0 } },
    };
    const { html } = await renderReport([changed('/runs/a', { signals, rules: [] })]);
    const widths = [...html.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(Math.max(...widths)).toBeGreaterThan(5);
  });

  it('puts the ledgers of several runs beside each other, and counts the same pages once', async () => {
    const ledger = (kept: number, reason: string) => ({
      ledger: { in: 100, kept, dropped: { [reason]: 100 - kept }, failed: {} },
      bySource: {},
    });
    const { html } = await renderReport([
      changed('/runs/one', ledger(30, 'low_math'), { signals: ['math', 'url'] }),
      changed('/runs/two', ledger(40, 'gopher_short_doc'), { signals: ['math'] }),
    ]);
    expectMatch(html, 'the same 100 pages were filtered in 2 ways');
    expectMatch(html, />30.0\s% to 40.0\s%</);
    expectMatch(html, /low_<wbr>math<\/code><\/th><td class="n">70<\/td><td class="n"><\/td>/);
    expectMatch(html, /gopher_<wbr>short_<wbr>doc<\/code><\/th><td class="n"><\/td><td class="n">60<\/td>/);
    // A list of words is one setting.
    expectMatch(html, '<code>math, url</code>');
    expect(html.includes('signals.<wbr>0')).toBe(false);
  });
});
