/** Rates from finished runs: a real filter run and a real mix run of a few documents, and records made by hand. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { bundledRatesFile, readRates } from '../../src/cluster-plan/rates.ts';
import { ratesFrom } from '../../src/cluster-plan/run-rates.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { parsePipeline } from '../../src/stages/load-pipeline.ts';
import { mix } from '../../src/stages/mix.ts';
import '../jobs/compile-cache.ts';
import { madeUpRates, planned, stageOf } from './made-up.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-run-rates-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A record with this summary. */
function record(name: string, fields: Record<string, unknown>): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  const whole = {
    version: 1,
    command: 'filter',
    name,
    status: 'done',
    startedAt: '2026-02-03T00:00:00.000Z',
    config: {},
    fingerprint: 'f',
    versions: {},
    ...fields,
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(whole));
  return folder;
}

const summary = {
  ledger: { in: 1000 },
  stages: [{ name: 'rules', ledger: { kept: 400 } }],
  textBytes: 4_000_000,
  keptTextBytes: 1_500_000,
  bytesIn: 1_000_000,
  documentsPerSecond: 500,
  workers: 4,
};

describe('a filter run', () => {
  test('gives seconds of wall clock times workers, and its own sizes and shares', () => {
    const folder = record('mine', { summary, inputs: [{ path: '/data/a.parquet' }] });
    const rates = ratesFrom([folder], madeUpRates);
    expect(rates.filter[0]).toMatchObject({
      pages: 'text',
      pipeline: 'mine',
      documents: 1000,
      bytes: 4_000_000,
      storedBytes: 1_000_000,
      survivors: 400,
      measureSeconds: 8,
      measureIsWall: true,
    });
    const plan = planned({ 'corpus.pages': 'text' }, rates);
    // 1M documents x 8 ms on 8 cores that do as much as measured ones.
    expect(stageOf(plan, 'measure').wallHours.value).toBeCloseTo(8000 / 8 / 3600, 9);
    expect(plan.kept!.documents.value).toBe(360_000);
    const [reason] = plan.assumptions.filter(({ id }) => id === 'measure');
    expect(reason!.text).toMatch(
      /mine, text: 8\.00 s of one core \(wall clock x workers\) for 4000000 bytes/,
    );
    expect(reason!.source).toMatch(/mine, 2026-02-03, 1000 documents, 4 workers/);
  });

  test('over a folder of HTML pages is a sample of pages, which its name does not tell', async () => {
    const pages = join(root, 'crawl');
    mkdirSync(pages, { recursive: true });
    for (const i of [1, 2, 3])
      writeFileSync(
        join(pages, `${i}.html`),
        `<html><body><p>${'A prime is a number. '.repeat(30)}</p></body></html>`,
      );
    const text = `name: crawl\ninputs: [{ path: ${pages} }]\nsignals: [gopher-quality]\n`;
    const out = join(root, 'crawl-run');
    await filterCorpus(parsePipeline(text, 'crawl.yaml', root).config, { out, workers: 1 });
    const rates = ratesFrom([out], madeUpRates);
    expect(rates.filter[0]).toMatchObject({ pages: 'html', documents: 3 });
    expect(planned({ 'corpus.pages': 'html' }, rates).warnings.join()).toMatch(
      /crawl-run, .* likely much faster/,
    );
    const both = { ...rates, filter: [...rates.filter, { ...rates.filter[0]!, pages: 'text' as const }] };
    expect(planned({ 'corpus.pages': 'text' }, both).warnings.join()).toMatch(
      /crawl-run, .* is not used: corpus.pages is text/,
    );
    expect(
      planned({ 'corpus.pages': 'html' }, rates).assumptions.find(({ id }) => id === 'measure')!.source,
    ).toContain(out);
  });

  test('over WARC files is measured by what lies on disk, whatever a page weighs', () => {
    const folder = record('pages', { summary, inputs: [{ path: '/data/a.warc.gz' }] });
    const rates = ratesFrom([folder], madeUpRates);
    expect(rates.filter[0]!.bytes).toBeUndefined();
    const seconds = 8000 / 8;
    expect(stageOf(planned({}, rates), 'measure').wallHours.value).toBeCloseTo(seconds / 3600, 9);
    // Said to weigh ten times as much and to be stored in a tenth of that: as much on disk, as long to measure.
    const heavy = planned({ 'corpus.bytesPerDocument': 10_000, 'corpus.compression': 0.1 }, rates);
    expect(stageOf(heavy, 'measure').wallHours.value).toBeCloseTo(seconds / 3600, 9);
  });

  test('that is asked for by its name is found among the others', () => {
    const folder = record('second', { summary, inputs: [{ path: 'a.parquet' }] });
    const rates = ratesFrom([folder], madeUpRates);
    const of = (pipeline: string) =>
      planned({ 'corpus.pages': 'text', 'filter.pipeline': pipeline }, rates).assumptions.find(
        ({ id }) => id === 'measure',
      )!.text;
    expect(of('second')).toMatch(/second, text/);
    expect(of('math-web')).toMatch(/math-web, text/);
  });
});

test('a mix run gives its tokens a second over its workers', () => {
  const folder = record('mixed', {
    command: 'mix',
    seconds: 10,
    commandLine: ['midtrain', 'mix', 'a', '--workers', '2'],
    summary: { totalTokens: 900, sources: [{ availableTokens: 1000, inputs: [{ bytes: 5 }] }] },
  });
  const rates = ratesFrom([folder], madeUpRates);
  // 20 s of a core for 1,000 tokens of 4 bytes.
  expect(rates.tokenise).toMatchObject({ tokens: 1000, bytes: 4000, seconds: 20 });
  expect(stageOf(planned({}, rates), 'tokenise stable').coreHours.value).toBeCloseTo(4e9 / 200 / 3600, 6);
});

test('a later one goes before an earlier one, and a file replaces all', () => {
  const folder = record('late', { summary, inputs: [] });
  const file = join(root, 'rates.json');
  writeFileSync(file, JSON.stringify({ ...madeUpRates, commit: 'mine' }));
  expect(ratesFrom([folder, file], madeUpRates).filter).toHaveLength(2);
  expect(ratesFrom([file, folder], madeUpRates)).toMatchObject({ commit: 'mine', filter: { length: 3 } });
});

describe('refuses', () => {
  const cases: [string, () => string, RegExp][] = [
    ['a path that is not there', () => join(root, 'none'), /--rates .*none: there is no such file or folder/],
    ['a folder that is no run', () => root, /is not a run folder: it has no run\.json/],
    [
      'a run that is not done',
      () => record('half', { status: 'interrupted', summary }),
      /the run is interrupted/,
    ],
    [
      'a run of another kind',
      () => record('train', { command: 'train' }),
      /a train run says nothing of the data stages/,
    ],
    [
      'a run that measured no speed',
      () => record('still', { summary: { ...summary, documentsPerSecond: 0 } }),
      /found its units done/,
    ],
    ['a record without what is needed', () => record('bare', { summary: {} }), /run\.json.*ledger/s],
    [
      'a mix that does not say its workers',
      () => record('mix', { command: 'mix', seconds: 1, summary: { totalTokens: 1, sources: [] } }),
      /how many workers tokenised/,
    ],
    [
      'a mix on Slurm, whose record is of its last element',
      () =>
        record('slurm', {
          command: 'mix',
          seconds: 1,
          commandLine: ['midtrain', 'jobs', 'work', 'out', '--stage', 'write', '--workers', '1'],
          summary: { totalTokens: 1, sources: [] },
        }),
      /many processes tokenised/,
    ],
    [
      'a file that is not JSON',
      () => {
        writeFileSync(join(root, 'broken.json'), '{');
        return join(root, 'broken.json');
      },
      /broken\.json: cannot be read as rates/,
    ],
    [
      'rates with a wrong key',
      () => {
        writeFileSync(join(root, 'wrong.json'), JSON.stringify({ ...madeUpRates, filters: [] }));
        return join(root, 'wrong.json');
      },
      /wrong\.json.*filters/s,
    ],
  ];
  test.each(cases)('%s', (_, path, message) => {
    expect(() => ratesFrom([path()], madeUpRates)).toThrow(message);
  });
});

test('the bundled rates are whole: HTML and text, every stage, a commit and a machine', () => {
  const rates = readRates(bundledRatesFile());
  expect(rates.filter.map(({ pages }) => pages).sort()).toEqual(['html', 'text']);
  expect(rates.filter.some(({ finish }) => finish !== undefined)).toBe(true);
  expect(rates.commit).toMatch(/^[0-9a-f]{7,}/);
  expect(rates.machine.cores).toBeGreaterThan(0);
});

describe('real runs', () => {
  const texts = Array.from({ length: 40 }, (_, i) => ({
    id: `d${i}`,
    text: `The sum of ${i} and ${i * 7} is what we have to find with the rule of the number ${i}. `.repeat(8),
  }));
  beforeAll(() => {
    mkdirSync(join(root, 'in'), { recursive: true });
    writeFileSync(join(root, 'in', 'a.jsonl'), texts.map((row) => `${JSON.stringify(row)}\n`).join(''));
  });

  test('a filter run can be planned with', async () => {
    const text = `name: small\ninputs: [{ path: ${join(root, 'in')} }]\nsignals: [gopher-quality]\nthresholds: { use: [] }\n`;
    const { config } = parsePipeline(text, 'small.yaml', root);
    await filterCorpus(config, { out: join(root, 'filtered'), workers: 1 });
    const [sample] = ratesFrom([join(root, 'filtered')], madeUpRates).filter;
    expect(sample).toMatchObject({ pages: 'text', pipeline: 'small', documents: 40, survivors: 40 });
    expect(sample!.measureSeconds).toBeGreaterThan(0);
    expect(sample!.signalsBytes).toBeGreaterThan(0);
    expect(sample!.textBytes).toBe(texts.reduce((sum, one) => sum + one.text.length, 0));
  });

  test('a mix run of the command line says its workers', async () => {
    writeFileSync(
      join(root, 'mix.yaml'),
      `name: tiny\ntokenizer: { train: { vocabSize: 300 } }\nsequenceLength: 32\nsources:\n  all: { role: web, weight: 1, data: ${join(root, 'in')} }\n`,
    );
    const out = join(root, 'mix-run');
    await mix({ loaded: loadRecipe('mix.yaml', root), cwd: root, output: out, workers: 1 });
    const path = join(out, 'run.json');
    const written = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...written, commandLine: ['midtrain', 'mix', '--workers', '1'] }));
    const { tokenise } = ratesFrom([out], madeUpRates);
    expect(tokenise.tokens).toBe(written.summary.sources[0].availableTokens);
    expect(tokenise.seconds).toBeGreaterThan(0);
  });
});
