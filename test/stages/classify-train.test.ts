/** The way of a classifier: labels to a model folder, evaluation, scores, and scores as a signal of `filter`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { readModelFolder } from '../../classifiers/model-folder.ts';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { stringAt } from '../../src/core/batch.ts';
import { silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { scoreCorpus } from '../../src/jobs/score-corpus.ts';
import { evaluateClassifier } from '../../src/stages/classify-evaluate.ts';
import type { LabelledRequest } from '../../src/stages/classify-labelled.ts';
import { scorerSpec } from '../../src/stages/classify-scorer.ts';
import { trainClassifier } from '../../src/stages/classify-train.ts';
import type { TrainClassifierRequest } from '../../src/stages/classify-train-request.ts';
import { trainingLine } from '../../src/stages/classify-training-files.ts';
import { readBack } from '../../src/stages/read-back.ts';

const words = {
  math: 'theorem proof lemma ring ideal field prime integral matrix kernel group limit'.split(' '),
  other: 'recipe travel hotel garden kitchen football movie ticket holiday weather shop price'.split(' '),
  both: 'the of and to we a is that for with'.split(' '),
};

function textOf(random: Random, kind: 'math' | 'other'): string {
  return Array.from({ length: 30 }, () => random.pick(random.float() < 0.35 ? words[kind] : words.both)).join(
    ' ',
  );
}

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'classify-train-'));
  const random = new Random(5);
  const rows = Array.from({ length: 800 }, (_, i) => {
    const kind = i % 2 === 0 ? 'math' : 'other';
    const score = kind === 'math' ? 3 + (i % 3) : i % 3;
    return {
      id: `r${i}`,
      text: textOf(random, kind),
      score,
      source: `site${i % 10}`,
      url: null as string | null,
    };
  });
  rows.push({ ...rows[0]!, id: 'copy' });
  rows.push({ ...rows[2]!, id: 'contrary', score: 0 });
  const failed = { id: 'judge-failed', text: 'no score', score: null, source: 'site0', url: null };
  writeFileSync(at('labels.jsonl'), [...rows, failed].map((row) => `${JSON.stringify(row)}\n`).join(''));
  const [first, second] = [rows.slice(0, 500), rows.slice(500)];
  writeFileSync(at('part-2.jsonl'), [...first, failed].map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeFileSync(at('part-1.jsonl'), second.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const labelled = (...files: string[]): LabelledRequest => ({
  labels: files.map((file) => ({ path: at(file) })),
  positive: [],
  negative: [],
  positiveMin: 3,
  positiveLabel: 'positive',
  cut: 'document',
  minCharacters: 1,
  sourceBy: 'source',
});

const request = (out: string, more: Partial<TrainClassifierRequest> = {}): TrainClassifierRequest => ({
  kind: 'fasttext',
  labelled: labelled('labels.jsonl'),
  split: {
    seed: 1,
    heldOutSources: [],
    heldOutSourceShare: 0.2,
    heldOutShare: 0.2,
    balance: 'none',
    perClass: null,
  },
  settings: { dim: 8, bucket: 1000, epoch: 10, minCount: 1, wordNgrams: 1, lr: 0.5 },
  labels: { positive: 'positive', negative: 'negative' },
  prepare: 'megamath',
  newline: 'space',
  unit: 'document',
  threshold: { by: 'max-f1' },
  tokenizer: null,
  out: at(out),
  keepLines: false,
  overwrite: false,
  emit: silent,
  ...more,
});

describe('classify train', () => {
  it('makes a folder with weights, record, held-out rows, evaluation, page and card', async () => {
    const { folder: model, record, evaluation, ledger } = await trainClassifier(request('model'));
    expect(model.description).toMatchObject({ kind: 'fasttext', label: 'positive', prepare: 'megamath' });
    expect(model.description.threshold).toBe(evaluation!.threshold.value);
    expect(ledger).toEqual({ in: 803, kept: 802, dropped: { unlabelled: 1 }, failed: {} });
    const { totals, heldOutSources, sources } = record.data;
    expect(heldOutSources).toHaveLength(2);
    expect([...heldOutSources, ...sources].sort()).toEqual(Array.from({ length: 10 }, (_, i) => `site${i}`));
    expect(totals.duplicate).toEqual({ positive: 1, negative: 0 });
    expect(totals.conflict).toEqual({ positive: 1, negative: 1 });
    const sum = Object.values(totals).reduce((n, { positive, negative }) => n + positive + negative, 0);
    expect(sum).toBe(802);
    expect(evaluation!.sets.map(({ distribution }) => distribution)).toEqual(['all', 'in', 'out']);
    for (const set of evaluation!.sets) expect(set.chosen.f1).toBeGreaterThan(0.95);
    expect(evaluation!.sets[0]!.documents).toBe(
      totals.in.positive + totals.in.negative + totals.out.positive + totals.out.negative,
    );
    for (const file of ['seen.bin', 'evaluation.json', 'evaluation.html', 'card.md'])
      expect(existsSync(at('model', file))).toBe(true);
    expect(readFileSync(at('model', 'card.md'), 'utf8')).toContain('## Training');
    const fastText = await readFastText(at('model', 'model.bin'));
    expect([...fastText.labels].sort()).toEqual(['negative', 'positive']);
  });

  it('gives the same bytes again, whatever the order of the files', async () => {
    await trainClassifier(request('again', { labelled: labelled('part-1.jsonl', 'part-2.jsonl') }));
    for (const file of ['model.bin', 'seen.bin', 'heldout/in-distribution.parquet'])
      expect([file, readFileSync(at('again', file)).equals(readFileSync(at('model', file)))]).toEqual([
        file,
        true,
      ]);
  });

  it('does not overwrite a classifier unless it is told to', async () => {
    await expect(trainClassifier(request('model'))).rejects.toThrow('holds a classifier already');
  });

  it('says what is missing: labels, a class, documents after the split', async () => {
    await expect(trainClassifier(request('none', { labelled: labelled() }))).rejects.toThrow(
      'there are no labelled documents',
    );
    const all = { ...labelled('labels.jsonl'), positiveMin: 0 };
    await expect(trainClassifier(request('none', { labelled: all }))).rejects.toThrow(
      /no negative document is left.*800 are positive|no negative document is left/,
    );
    expect(existsSync(at('none', 'classifier.json'))).toBe(false);
    expect(existsSync(at('none', 'train.txt'))).toBe(false);
  });

  it('writes lines that hold one document and no label of its text', () => {
    const hostile = 'one\ntwo __label__negative x__label__y\r\f__label__';
    const line = trainingLine(hostile, { prepare: 'none', newline: 'space' });
    expect(line).toBe('one two  x__label__y  ');
    expect(trainingLine('a\nb', { prepare: 'none', newline: 'remove' })).toBe('ab');
    expect(trainingLine(hostile, { prepare: 'megamath', newline: 'space' })).not.toContain('__label__');
  });
});

describe('classify evaluate', () => {
  it('leaves out what the model was trained on, and knows which sources are new to it', async () => {
    const scorer = await scorerSpec(at('model'));
    const { evaluation } = await evaluateClassifier({
      scorer,
      labelled: labelled('labels.jsonl'),
      rule: { by: 'given', value: 0.4 },
      chooseOn: 'all',
      tokenizer: null,
      emit: silent,
    });
    const record = JSON.parse(readFileSync(at('model', 'training.json'), 'utf8'));
    const { train } = record.data.totals;
    expect(evaluation.data.left.trained_on).toBeGreaterThanOrEqual(train.positive + train.negative);
    expect(evaluation.data.documents).toBe(802);
    expect(evaluation.threshold).toEqual({ value: 0.4, by: 'given' });
    for (const { source, distribution } of evaluation.sources)
      expect([source, distribution]).toEqual([
        source,
        record.data.heldOutSources.includes(source) ? 'out' : 'in',
      ]);
    expect(evaluation.sources.at(-1)!.distribution).toBe('out');
  });

  it('refuses settings that contradict the folder, and a file without its label', async () => {
    await expect(scorerSpec(at('model'), { prepare: 'none' })).rejects.toThrow('says megamath');
    await expect(scorerSpec(at('model', 'model.bin'))).rejects.toThrow('which label is the score?');
    await expect(scorerSpec(at('nowhere'))).rejects.toThrow('there is no such file or folder');
  });
});

describe('classify score', () => {
  const score = async (out: string, more: object = {}) =>
    scoreCorpus({
      inputs: [{ path: at('labels.jsonl') }],
      scorer: await scorerSpec(at('model')),
      out: at(out),
      column: 'math_score',
      scoresOnly: false,
      workers: 2,
      unitBytes: 30_000,
      fresh: false,
      emit: silent,
      signal: new AbortController().signal,
      ...more,
    });

  it('adds the score of every document, and goes on where it was', async () => {
    const first = await score('scored');
    expect(first).toMatchObject({ documents: 803, reused: 0, complete: true });
    expect(first.units).toBeGreaterThan(3);
    const { description } = await readModelFolder(at('model'));
    const model = await readFastText(at('model', 'model.bin'));
    let rows = 0;
    for (const { path } of first.outputs)
      for await (const { records } of readBack(at('scored', path), () => new Error('broken'))) {
        const scores = records.getChild('math_score')!;
        for (let row = 0; row < records.numRows; row += 10) {
          const prepared = prepareText(stringAt(records, 'text', row)!, description.prepare);
          expect(scores.get(row)).toBe(model.scoreOf(prepared, 'positive'));
        }
        rows += records.numRows;
      }
    expect(rows).toBe(803);
    expect(await score('scored')).toMatchObject({ reused: first.units, documents: 803 });
    // A unit whose output is damaged is done again, to the same bytes.
    const damaged = at('scored', first.outputs[1]!.path);
    const before = readFileSync(damaged);
    writeFileSync(damaged, 'PAR1');
    expect(await score('scored')).toMatchObject({ reused: first.units - 1 });
    expect(readFileSync(damaged).equals(before)).toBe(true);
  });

  it('refuses a folder of other scores or of somebody else, and an aborted run leaves whole units only', async () => {
    await expect(score('scored', { column: 'other' })).rejects.toThrow('scores of other inputs');
    await expect(score('model')).rejects.toThrow('holds other files');
    const stop = new AbortController();
    stop.abort();
    await expect(score('stopped', { signal: stop.signal })).rejects.toThrow('interrupted');
    expect(await score('stopped', { workers: 1 })).toMatchObject({ documents: 803 });
    const other = await score('scored', { column: 'other', fresh: true, scoresOnly: true });
    for await (const { records } of readBack(at('scored', other.outputs[0]!.path), () => new Error('broken')))
      expect(records.schema.fields.map(({ name }) => name)).toEqual(['id', 'url', 'source', 'other']);
  });
});
