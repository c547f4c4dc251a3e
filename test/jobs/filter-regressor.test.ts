/** Regressors in `filter`: batches of what passes the gate, raw and rounded columns, the same bytes for any number of workers. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type ProgressEvent, silent } from '../../src/core/events.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { planCorpus } from '../../src/jobs/plan-corpus.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';
import { loadPipeline } from '../../src/stages/load-pipeline.ts';
import { settleClassifiers } from '../../src/stages/settle-classifiers.ts';
import { hasTransformers } from '../classifiers/has-transformers.ts';
import { outputHashes } from './corpus.ts';

const fixtures = fileURLToPath(new URL('../fixtures/regressor/', import.meta.url));
const model = join(fixtures, 'classifier');
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  text: string;
  logit: number;
}[];
const root = mkdtempSync(join(tmpdir(), 'midtrain-regressor-'));
afterAll(() => rmSync(root, { recursive: true }));
const out = (name: string): string => join(root, name);

const documents = Array.from({ length: 40 }, (_, i) => ({
  id: `d${i}`,
  text: i < expected.length ? expected[i]!.text : `${expected[i % expected.length]!.text} number ${i}`,
  int_score: i % 6,
  score: i % 6 === 3 ? 2.5 : i % 6,
}));
const input = join(root, 'documents.jsonl');
writeFileSync(input, documents.map((document) => `${JSON.stringify(document)}\n`).join(''));

function config(classifier: object, set: object = {}): ReturnType<typeof filterConfigSchema.parse> {
  return filterConfigSchema.parse({
    name: 'regressor',
    inputs: [{ path: input }],
    signals: ['gopher-quality'],
    classifiers: [{ name: 'quality', ...classifier }],
    thresholds: { set: { 'gopher.word_count': { min: 4, reason: 'short' }, ...set } },
    limits: { unitBytes: 2048 },
    output: { dropped: true },
  });
}

async function signalsOf(name: string, file: string): Promise<Map<string, Record<string, unknown>>> {
  const rows = new Map<string, Record<string, unknown>>();
  const parquet = await openParquet(join(out(name), 'signals', file));
  for await (const item of readRowGroups(parquet, [0, parquet.metadata.row_groups.length])) {
    if (item.kind === 'failed') throw new Error(item.problem);
    for (const row of item.records.toArray()) rows.set(String(row.id), row.toJSON());
  }
  await parquet.handle.close();
  return rows;
}

describe.runIf(hasTransformers)('a regressor in a filter', () => {
  const rounded = { 'classifier.quality.int_score': { max: 0, reason: 'too_good' } };

  it('gives the raw and the rounded score of documents that pass the gate', async () => {
    const { summary, outputs } = await filterCorpus(config({ model }, rounded), {
      out: out('one'),
      workers: 1,
    });
    expect(summary.ledger.dropped).toMatchObject({
      short: expect.any(Number),
      empty_text: expect.any(Number),
    });
    const files = outputs.filter(({ path }) => path.startsWith('signals/')).map(({ path }) => path.slice(8));
    expect(files.length).toBeGreaterThan(2);
    const rows = new Map(
      (await Promise.all(files.map((file) => signalsOf('one', file)))).flatMap((map) => [...map]),
    );
    for (const [i, { text, logit }] of expected.entries()) {
      const row = rows.get(`d${i}`)!;
      const short = text.split(/\s+/).filter(Boolean).length < 4;
      if (short)
        expect([row['classifier.quality'], row['classifier.quality.int_score']]).toEqual([null, null]);
      else {
        expect(Math.abs((row['classifier.quality'] as number) - logit)).toBeLessThan(1e-4);
        expect(row['classifier.quality.int_score']).toBe(0);
      }
    }
  });

  it('gives the same bytes with two and three workers', async () => {
    for (const workers of [2, 3]) {
      await filterCorpus(config({ model }, rounded), { out: out(`w${workers}`), workers });
      expect(outputHashes(out(`w${workers}`))).toEqual(outputHashes(out('one')));
    }
  });

  it('says in the plan what runs where', async () => {
    const told: ProgressEvent[] = [];
    const plan = await planCorpus(config({ model }), { emit: (event) => told.push(event) });
    expect(plan.filter.classifiers[0]).toMatchObject({
      kind: 'regressor',
      device: 'cpu',
      batch: { texts: 16 },
    });
    expect(plan.resources.map(({ path }) => path)).toContain(join(model, 'onnx', 'model.onnx'));
    expect(JSON.stringify(told)).toMatch(
      /its own output; cpu, fp32, 64 tokens, batches of 16; about [\d.]+ texts/,
    );
  });

  it('is the classifier of the FineMath pipelines', async () => {
    const { config: finemath } = loadPipeline('finemath-3plus', root);
    finemath.inputs = [{ path: input, format: 'auto', columns: {} }];
    finemath.classifiers[0]!.model = model;
    const plan = await planCorpus(finemath);
    expect(plan.filter.rules).toContainEqual(
      expect.objectContaining({ signal: 'classifier.finemath.int_score', side: 'min', bound: 3 }),
    );
  });
});

describe('a column of scores', () => {
  it.each(['int_score', 'score'])('%s stands for a regressor, rounded half to even', async (column) => {
    const set = { 'classifier.quality.int_score': { min: 3, reason: 'low' } };
    const name = `column-${column}`;
    const { summary } = await filterCorpus(config({ kind: 'regressor', model: `column:${column}` }, set), {
      out: out(name),
      workers: 1,
    });
    const long = documents.filter(({ text }) => text.split(/\s+/).filter(Boolean).length >= 4);
    // A raw 2.5 rounds to 2 and goes; the whole number 3 stays.
    const least = column === 'score' ? 4 : 3;
    expect(summary.ledger.kept).toBe(long.filter(({ int_score }) => int_score >= least).length);
  });
});

describe('settleClassifiers', () => {
  const settle = (classifier: object): Promise<unknown> =>
    settleClassifiers(config(classifier).classifiers, { file: 'p.yaml', notes: [], emit: silent });

  it('says what is wrong with a model', async () => {
    await expect(settle({ model: '/nowhere/owner/name' })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('hf://owner/name') }),
    );
    await expect(settle({ model: root })).rejects.toThrow(/neither classifier.json nor config.json/);
    await expect(settle({ model: input })).rejects.toThrow(/which label/);
    await expect(settle({ kind: 'regressor', model: input })).rejects.toThrow(/is a fasttext model/);
    expect(await settle({ model: null })).toEqual([]);
  });
});
