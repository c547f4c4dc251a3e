/** The part of a report about evaluations: figures with their intervals, side by side, and what a reader should be warned of. */
import { describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/core/record.ts';
import { evalFacts } from '../../src/report/eval-facts.ts';
import { htmlReport } from '../../src/report/html-report.ts';
import { markdownReport } from '../../src/report/markdown-report.ts';
import { reportData } from '../../src/report/report-data.ts';

const share = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
const benchmark = (value: number, change: object = {}) => ({
  problems: 40,
  samples: 1,
  accuracy: share(value),
  passAt: {},
  majAt: {},
  truncated: 0,
  noAnswer: 0,
  meanLength: 12,
  ...change,
});

function run(name: string, summary: Record<string, unknown>) {
  const record = {
    version: 1,
    command: 'eval',
    name,
    status: 'done',
    startedAt: '2026-11-22T00:00:00.000Z',
    config: {},
    fingerprint: 'x',
    evidence: [],
    inputs: [],
    parents: [],
    versions: {},
    summary,
    warnings: [],
  } as RunRecord;
  return { id: `/runs/${name}`, record, metrics: [] };
}

const base = run('base', {
  benchmarks: { gsm8k: benchmark(0.3), 'amc<23>': benchmark(0.2, { truncated: 0.5 }) },
  macroAverage: 0.25,
});
const rl = run('rl', {
  benchmarks: { gsm8k: benchmark(0.6, { problems: 20, passAt: { 1: share(0.6), 4: share(0.8) } }) },
});

describe('evaluations', () => {
  test('are a table of benchmark by run, pass@k below, counts where they differ', () => {
    const { rows, notes } = evalFacts(reportData([base, rl]).runs)!;
    expect(rows).toEqual([
      ['gsm8k', '30.0 % (20.0 % to 40.0 %), 40 problems', '60.0 % (50.0 % to 70.0 %), 20 problems'],
      ['gsm8k, pass@4', '–', '80.0 % (70.0 % to 90.0 %)'],
      ['amc<23>, 40 problems', '20.0 % (10.0 % to 30.0 %)', '–'],
      ['Macro average', '25.0 %', '–'],
    ]);
    expect(notes).toEqual(['base: 50.0 % of the answers to amc<23> were cut off at the longest length.']);
  });

  test('stand in the page and in the Markdown, names as text', () => {
    const data = reportData([base, rl]);
    expect(htmlReport(data)).toContain('amc&lt;23&gt;, 40 problems');
    expect(markdownReport(data)).toContain('| gsm8k, pass@4 | – | 80.0 % (70.0 % to 90.0 %) |');
    expect(data.missing.join()).not.toContain('No charts');
  });

  test('of another form are left out', () => {
    expect(evalFacts(reportData([run('old', { accuracy: 0.5 })]).runs)).toBeUndefined();
  });
});
