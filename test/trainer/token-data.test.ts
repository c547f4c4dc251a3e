/** What training reads from shards with padding: masked targets, documents kept apart, and a loss that padding does not touch. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { openTokenShard, TokenShardWriter } from '../../src/io/token-shard.ts';
import type { LearnerShape } from '../../trainer/learner/learner-plan.ts';
import { type CountedRows, TokenData } from '../../trainer/training/token-data.ts';
import { scratchFolder } from '../io/scratch.ts';
import { ReferenceLearner, tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

const folder = scratchFolder();
const seq = 9;
const padding = 1;
/** Sequences of 10: documents of 4 and 3 tokens and 3 of padding; one of 10; one of 9 and 1 of padding. */
const sequences = [
  { documents: [4, 3], padding: 3 },
  { documents: [10], padding: 0 },
  { documents: [9], padding: 1 },
];

async function openData(pad: number, name: string): Promise<TokenData> {
  const path = join(folder, `${name}.ds`);
  const writer = new TokenShardWriter(path, {
    tokenizerName: 't',
    vocabSize: tinyConfig.vocabSize,
    lossMask: true,
  });
  const random = new Random(5);
  for (const { documents, padding: n } of sequences) {
    for (const length of documents)
      await writer.add(
        Array.from({ length }, () => random.int(tinyConfig.vocabSize)),
        { docId: 'd', source: 's' },
      );
    if (n > 0) await writer.addPadding(pad, n);
  }
  await writer.finish();
  return new TokenData([await openTokenShard(path)], seq, path);
}

let rows: CountedRows;
beforeAll(async () => {
  const data = await openData(padding, 'padded');
  expect(data.sequences).toBe(3);
  rows = await data.rows(0, 3, true);
  await data.close();
});

const row = (values: Uint32Array | Uint8Array, i: number) => [...values.subarray(i * seq, (i + 1) * seq)];

describe('rows of a shard with padding', () => {
  test('exactly the targets that are padding do not count', () => {
    expect(row(rows.counts, 0)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0]);
    expect(row(rows.counts, 1)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(row(rows.counts, 2)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect(row(rows.targets, 0).slice(6)).toEqual([padding, padding, padding]);
  });

  test('with document masks padding is a document of its own: it sees nothing before it and positions begin again', () => {
    expect(row(rows.kvStart, 0)).toEqual([0, 0, 0, 0, 4, 4, 4, 7, 7]);
    expect(row(rows.positions, 0)).toEqual([0, 1, 2, 3, 0, 1, 2, 0, 1]);
    expect(row(rows.kvStart, 2)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

/** Sum of the losses of the counted targets, and of their gradients, as train.ts weighs them before it divides by their number. */
function lossOf(shape: LearnerShape, part: CountedRows): { loss: number; gradients: number[] } {
  const learner = new ReferenceLearner(shape, tinyWeights(shape.config));
  learner.write(part);
  const weights = Float64Array.from({ length: part.counts.length * 2 }, (_, i) =>
    i % 2 === 0 ? -part.counts[i / 2]! : 0,
  );
  learner.executor.write(learner.tensors.weights, weights);
  learner.executor.run('cross-entropy');
  return {
    loss: learner.executor.values(learner.tensors.totals)[0]!,
    gradients: learner.tensors.gradients.flatMap((gradient) => [...learner.executor.values(gradient)]),
  };
}

/** The first `length` positions of one row. */
function cut(all: CountedRows, i: number, length: number): CountedRows {
  const part = (values: Uint32Array) => values.slice(i * seq, i * seq + length);
  return {
    tokens: part(all.tokens),
    targets: part(all.targets),
    positions: part(all.positions),
    kvStart: part(all.kvStart),
    counts: all.counts.slice(i * seq, i * seq + length),
  };
}

describe('the loss of a batch with padding', () => {
  test('is that of its rows without the padded positions, and so are the gradients', () => {
    const whole = lossOf(tinyShape({ batch: 3, seq }), rows);
    const parts = [6, 9, 8].map((length, i) =>
      lossOf(tinyShape({ batch: 1, seq: length }), cut(rows, i, length)),
    );
    expect(whole.loss).toBeGreaterThan(1);
    expect(whole.loss).toBeCloseTo(
      parts.reduce((n, p) => n + p.loss, 0),
      9,
    );
    for (const [i, gradient] of whole.gradients.entries())
      expect(gradient).toBeCloseTo(
        parts.reduce((n, p) => n + p.gradients[i]!, 0),
        9,
      );
  });

  test('does not depend on which token the padding is', async () => {
    const data = await openData(7, 'other');
    const other = await data.rows(0, 3, true);
    await data.close();
    expect(other.tokens).not.toEqual(rows.tokens);
    const shape = tinyShape({ batch: 3, seq });
    const [a, b] = [lossOf(shape, rows), lossOf(shape, other)];
    expect(b.loss).toBeCloseTo(a.loss, 12);
    expect(Math.max(...a.gradients.map((x, i) => Math.abs(x - b.gradients[i]!)))).toBeLessThan(1e-12);
    // The same without the mask would count padding.
    const unmasked = { ...other, counts: new Uint8Array(other.counts.length).fill(1) };
    expect(Math.abs(lossOf(shape, unmasked).loss - a.loss)).toBeGreaterThan(0.1);
  });
});
