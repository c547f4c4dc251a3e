/** MegaMath-Web-Pro-Max in small: killed in every kind of step, it goes on, pays for no document twice and leaves the same bytes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imbalance, sumCounts } from '../../src/core/ledger.ts';
import { Random } from '../../src/core/random.ts';
import { stagedStatus } from '../../src/jobs/staged-status.ts';
import { scratchFolder } from '../io/scratch.ts';
import { FakeLanguageModel } from './fake-language-model.ts';
import { hashesOf, type KillPlace, runAndKill, runSteps } from './kill-steps.ts';
import type { StepsProcess } from './run-steps.ts';

const scratch = scratchFolder();
const input = join(scratch, 'pages.jsonl');
const documents = 40;

/** Half mathematics, half not, every tenth a copy, of three years. */
function writePages(): void {
  const random = new Random(5);
  const math = [
    'the integer n is prime',
    'let $x = y + 1$ hold',
    'proof of the theorem',
    'a polynomial $p(x)$',
  ];
  const other = [
    'the harbour was quiet',
    'she bought a red boat',
    'rain fell all day',
    'they sold fish and bread',
  ];
  const lines = Array.from({ length: documents }, (_, i) => {
    const from = i % 2 === 0 ? math : other;
    const text =
      i % 10 === 9
        ? 'the same page once more, and once more'
        : Array.from({ length: 8 }, () => `${random.pick(from)} ${random.int(1000)}`).join('\n');
    return JSON.stringify({ id: `d${i}`, text, date: `${2021 + (i % 3)}-05-01` });
  });
  writeFileSync(input, `${lines.join('\n')}\n`);
}

function job(out: string, model: FakeLanguageModel): StepsProcess {
  return {
    pipeline: 'megamath-web-pro-max',
    inputs: [input],
    out: join(scratch, out),
    endpoint: model.url,
    changes: {
      'web.signals': '[math]',
      'web.thresholds': '{}',
      'web.dedup': 'exact',
      'sample.count': '24',
      'math.dim': '8',
      'math.bucket': '1000',
      'math.minCount': '1',
      'math.epoch': '30',
      'math.lr': '0.5',
    },
  };
}

describe('a pipeline with steps that is killed', () => {
  let model: FakeLanguageModel;
  let whole: Awaited<ReturnType<typeof runSteps>>;
  let wholeAnswers = 0;

  beforeAll(async () => {
    writePages();
    model = await FakeLanguageModel.start();
    whole = await runSteps(job('whole', model));
    wholeAnswers = model.byTask.label + model.byTask.refine;
    await model.close();
  }, 300_000);

  afterAll(() => model.close());

  it('has one ledger from the pages to the refined documents', () => {
    const { ledger, stages, steps } = whole;
    expect(ledger.in).toBe(documents);
    expect(imbalance(ledger)).toBe(0);
    expect(stages.map(({ name }) => name)).toEqual(['web', 'recall', 'refined']);
    expect(ledger.in - sumCounts(ledger.dropped)).toBe(ledger.kept);
    expect(ledger.dropped['web.duplicate_exact']).toBe(3);
    expect(ledger.dropped['recall.not_math']).toBeGreaterThan(10);
    expect(ledger.kept).toBeGreaterThan(10);
    expect(steps.find(({ name }) => name === 'sample')!.facts['documents by stratum']).toBe(
      '2021 8, 2022 8, 2023 8',
    );
    expect(readFileSync(join(scratch, 'whole', 'report.md'), 'utf8')).toContain('| recall | score |');
    // Every answer that was paid for is in the summary.
    expect(whole.paid.requests).toBe(wholeAnswers);
    expect(whole.possiblyPaidTwice).toBe(0);
    for (const name of readdirSync(join(scratch, 'whole', 'kept'))) expect(name).toMatch(/^[\w.-]+$/);
    const status = stagedStatus(join(scratch, 'whole'))!;
    expect(status.state).toBe('done');
    expect(status.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'web done',
      'sample done',
      'labels done',
      'math done',
      'recall done',
      'refined done',
    ]);
    expect(status.paid).toEqual(whole.paid);
  });

  it('goes on, pays for no document twice, and leaves the same bytes', async () => {
    model = await FakeLanguageModel.start();
    const killed = job('killed', model);
    const places: KillPlace[] = [
      { task: 'label', answers: 7 },
      { file: 'math/model/model.bin' },
      { task: 'refine', answers: 5 },
    ];
    for (const place of places) {
      expect(await runAndKill(killed, model, place), JSON.stringify(place)).toBe(true);
      expect(stagedStatus(killed.out)).toMatchObject({ state: 'unfinished', holders: [{ alive: false }] });
    }
    expect(stagedStatus(killed.out)!.steps.map(({ state }) => state)).toEqual([
      ...Array.from({ length: 5 }, () => 'done'),
      'begun',
    ]);
    const summary = await runSteps(killed);
    expect(model.paidTwice).toEqual([]);
    expect(model.byTask.label + model.byTask.refine).toBe(wholeAnswers);
    expect(summary.ledger).toEqual(whole.ledger);
    expect(summary.paid).toEqual(whole.paid);
    // What was under way at a kill is not known to be free, and the report says so.
    expect(summary.possiblyPaidTwice).toBeGreaterThan(0);
    expect(readFileSync(join(killed.out, 'report.md'), 'utf8')).toContain(
      `${summary.possiblyPaidTwice} requests went out and brought no answer`,
    );
    expect(hashesOf(join(killed.out, 'kept'))).toEqual(hashesOf(join(scratch, 'whole', 'kept')));
    expect(readFileSync(join(killed.out, 'ledger.json'), 'utf8')).toBe(
      readFileSync(join(scratch, 'whole', 'ledger.json'), 'utf8'),
    );
  }, 600_000);

  it('runs only a changed or damaged step and what follows it', async () => {
    const before = model.requests;
    const changed = job('killed', model);
    // Drawn again to the same bytes, so nothing that reads it runs again.
    writeFileSync(join(changed.out, 'sample', 'sample.parquet'), 'damaged');
    changed.changes = { ...changed.changes, 'recall.min': '0.3' };
    const { steps } = await runSteps(changed);
    expect(steps.filter(({ reused }) => reused).map(({ name }) => name)).toEqual(['web', 'labels', 'math']);
    // Documents that come as far as before have been paid for.
    expect(model.paidTwice).toEqual([]);
    expect(model.requests - before).toBeLessThan(documents - 24);
  }, 300_000);
});
