/**
 * Every kind of page in a real browser, with hostile names and texts wherever the data may hold them: no console error, no request to anywhere, nothing
 * hostile runs, and the charts are there. One browser for all of them. Uses the Chromium or Chrome of the machine (CHROME_PATH, or one on the PATH);
 * skipped where there is none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderAblationComparison } from '../../src/report/ablation-comparison.ts';
import type { AblationInput } from '../../src/report/ablation-data.ts';
import { renderAblation } from '../../src/report/ablation-report.ts';
import { classifierPage } from '../../src/report/classifier-page.ts';
import { loggedRun } from '../../src/report/logged-run.ts';
import { renderReport } from '../../src/report/report.ts';
import type { ReportRun } from '../../src/report/report-run.ts';
import { ablationInput } from './ablation-fixture.ts';
import { findBrowser, type Opened, openAll } from './chromium.ts';
import { evaluation } from './classifier-fixture.ts';
import { filterRun, grpoRun, mixRun, record, severalArms, trainRun, wholeWay } from './make-run-records.ts';

const attack = `<img src="http://127.0.0.1:9/x" onerror="document.title='pwned'"><script>document.title='pwned'</script></style></svg>\u202e`;
/** As a page shows it: what turns the writing direction is made visible. */
const shown = `<script>document.title='pwned'</script></style></svg>\\u202e`;

function hostile(run: ReportRun): ReportRun {
  return {
    ...run,
    folder: attack,
    record: { ...run.record, name: `${run.record.name} ${attack}` },
    ...(run.rollouts === undefined
      ? {}
      : {
          rollouts: run.rollouts.map((r) => ({
            ...r,
            prompt: attack + r.prompt,
            completion: attack + r.completion,
          })),
        }),
  };
}

function hostileFilter(run: ReportRun): ReportRun {
  const { summary } = run.record;
  const excerpt = {
    id: attack,
    url: `http://127.0.0.1:9/${attack}`,
    excerpt: attack,
    signal: attack,
    value: 0.1,
    bound: 0.2,
  };
  const ledger = { in: 10, kept: 4, dropped: { [attack]: 6 }, failed: {} };
  return hostile({
    ...run,
    record: {
      ...run.record,
      summary: { ...summary, ledger, examples: { [attack]: [excerpt], kept: [excerpt] } },
    },
  });
}

/** A looser cut of the same pages: what `recut --write` leaves is a filter run made from another. */
function recutRun(): ReportRun {
  const run = filterRun('/runs/recut');
  return { ...run, record: { ...run.record, name: 'recut', parents: ['/runs/filter'] } };
}

function evalRun(): ReportRun {
  const share = { value: 0.4, low: 0.3, high: 0.5 };
  const benchmark = {
    problems: 40,
    samples: 1,
    accuracy: share,
    passAt: { 4: share },
    majAt: {},
    truncated: 0.2,
    noAnswer: 0.3,
  };
  return {
    id: '/runs/eval',
    record: record({
      command: 'eval',
      name: 'greedy',
      config: {},
      summary: { benchmarks: { [attack]: benchmark }, macroAverage: 0.4 },
    }),
    metrics: [],
  };
}

/** A log of another tool, with problem sets of hostile names. */
function logged(): ReportRun {
  return loggedRun({
    id: 'log',
    name: attack,
    group: attack,
    rows: Array.from({ length: 6 }, (_, step) => ({
      step,
      [`val/test_score/${attack}`]: step / 10,
      reward: 1,
    })),
    files: [{ path: attack, bytes: 1 }],
  })!;
}

function hostileAblation(): AblationInput {
  const input = ablationInput();
  const named = (name: string): string => `${attack} ${name}`;
  return {
    ...input,
    title: 'Hostile',
    question: attack,
    paper: attack,
    device: attack,
    rerun: [attack],
    arms: input.arms.map((arm) => ({
      ...arm,
      name: named(arm.name),
      describe: attack,
      differences: [{ path: attack, base: attack, value: attack }],
    })),
    cells: input.cells.map((cell) => ({
      ...cell,
      arm: named(cell.arm),
      ...(cell.reason === undefined ? {} : { reason: attack }),
      signatures: cell.signatures.map((signature) => ({ ...signature, text: attack })),
    })),
    comparisons: input.comparisons.map(({ first, second }) => ({
      first: named(first),
      second: named(second),
    })),
    measures: input.measures.map((measure) => ({
      ...measure,
      label: `${measure.label} ${attack}`,
      about: attack,
    })),
    steps: input.steps.map((step) => ({ ...step, ...(step.error === undefined ? {} : { error: attack }) })),
    runs: input.runs.map((run) => (run.record.command === 'filter' ? hostileFilter(run) : hostile(run))),
  };
}

const browser = findBrowser();

describe.skipIf(browser === undefined)('in Chromium', () => {
  const report = async (runs: readonly ReportRun[]): Promise<string> =>
    (await renderReport(runs, { title: 'Hostile', command: attack, notes: [attack] })).html;
  const ablation = hostileAblation();
  /** Page, fewest charts on it, and words that only this kind has. */
  const kinds: [name: string, make: () => string | Promise<string>, charts: number, words: string][] = [
    ['a filter run', () => report([hostileFilter(filterRun())]), 2, 'Signals and thresholds'],
    ['a recut', () => report([hostile(filterRun()), hostile(recutRun())]), 3, 'Side by side'],
    ['a mixture', () => report([hostile(mixRun())]), 3, 'Tokens by source'],
    ['a training run', () => report([hostile(trainRun('stable'))]), 5, 'Held-out loss by source'],
    ['an RL run', () => report([hostile(grpoRun())]), 6, 'Sample responses'],
    ['an evaluation', () => report([hostile(evalRun())]), 0, 'pass@4'],
    ['the whole way', () => report(wholeWay().map(hostile)), 15, 'The whole way'],
    [
      'arms and seeds, and a log of another tool',
      () => report([...severalArms().map(hostile), logged()]),
      15,
      'Problem sets',
    ],
    ["a classifier's evaluation", () => classifierPage(evaluation(attack)), 5, 'Worst errors'],
    ['an ablation', () => renderAblation(ablation).html, 17, 'What may be said of the differences'],
    [
      'two ablations',
      () => renderAblationComparison(ablation, { ...ablation, title: `Hostile ${attack}` }).html,
      1,
      'Differences in settings',
    ],
  ];
  const opened = new Map<string, Opened>();

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'report-page-'));
    // The same browser with a page that does log and fetch: shows that this test can fail.
    const control = join(folder, 'control.html');
    writeFileSync(control, `<title>t</title>${attack}<script>console.error('seen')</script>`);
    const files = [control];
    for (const [i, [, make]] of kinds.entries()) {
      const file = join(folder, `${i}.html`);
      writeFileSync(file, await make());
      files.push(file);
    }
    const pages = await openAll(browser!, files);
    for (const [i, name] of ['control', ...kinds.map(([kind]) => kind)].entries())
      opened.set(name, pages[i]!);
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);
  afterAll(() => opened.clear());

  it('a page that logs, fetches and runs is seen to', () => {
    const { messages, requests, title } = opened.get('control')!;
    expect(messages.join()).toContain('seen');
    expect(requests).toContain('http://127.0.0.1:9/x');
    expect(title).toBe('pwned');
  });

  it.each(kinds)('%s logs, fetches and runs nothing, and has its charts', (name, _, charts, words) => {
    const page = opened.get(name)!;
    // data: is the empty icon, which is there so that no server is asked for one.
    expect(page.requests.filter((url) => url !== 'data:,')).toEqual([]);
    expect(page.messages).toEqual([]);
    expect(page.title).toMatch(/^(?:Hostile|Evaluation of math<img)/);
    expect(page.charts).toBeGreaterThanOrEqual(charts);
    expect(page.text).toContain(words);
    expect(page.text).toContain(shown);
    // Long hostile names break or scroll inside their table; the page itself does not become wider than the window.
    expect(page.overflow).toBeLessThanOrEqual(0);
  });
});
