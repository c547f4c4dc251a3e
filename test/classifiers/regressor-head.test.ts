/** The head of a regressor: rounding, closed form, AdamW and metrics against NumPy, scikit-learn and PyTorch (test/oracles/regressor_heads.py). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TrainableHead, usualAdamW } from '../../classifiers/regressor/adamw-head.ts';
import { fitHead } from '../../classifiers/regressor/fit-head.ts';
import { fitRidge } from '../../classifiers/regressor/fit-ridge.ts';
import { intScore, roundHalfEven } from '../../classifiers/regressor/int-score.ts';
import { headScore, headScores, readHead, writeHead } from '../../classifiers/regressor/regression-head.ts';
import { regressionMetrics } from '../../classifiers/regressor/regression-metrics.ts';

interface Trained {
  start: number[];
  weights: number[];
  losses: number[];
}

const peer = JSON.parse(
  readFileSync(new URL('../fixtures/regressor/heads.json', import.meta.url), 'utf8'),
) as {
  embeddings: number[][];
  targets: number[];
  order: number[][];
  batch: number;
  lr: number;
  weightDecay: number;
  hidden: number;
  linear: Trained;
  dense: Trained;
  ridge: Record<string, { weight: number[]; bias: number }>;
  rounding: { scores: number[]; rounded: number[]; int: number[] };
  metrics: { scores: number[]; macroF1: number; f1At3: number; mse: number };
};
const dimensions = peer.embeddings[0]!.length;
const embeddings = Float32Array.from(peer.embeddings.flat());
const rows = peer.targets.map((_, i) => i);
const root = mkdtempSync(join(tmpdir(), 'midtrain-head-'));
afterAll(() => rmSync(root, { recursive: true }));

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe('int_score', () => {
  it('rounds as NumPy does, halves to the even number', () => {
    const { scores, rounded, int } = peer.rounding;
    expect(scores.map(roundHalfEven)).toEqual(rounded);
    expect(scores.map(intScore)).toEqual(int);
    expect([0.5, 1.5, 2.5, 3.5, 4.5, -0.5, -1.5].map(roundHalfEven)).toEqual([0, 2, 2, 4, 4, -0, -2]);
  });

  it('keeps NaN, which is no score, and never gives -0', () => {
    expect(intScore(Number.NaN)).toBeNaN();
    expect(roundHalfEven(Number.NaN)).toBeNaN();
    expect(intScore(-0)).toBe(0);
    expect(roundHalfEven(-0)).toBe(-0);
    expect(intScore(Number.POSITIVE_INFINITY)).toBe(5);
  });
});

describe('fitRidge', () => {
  it('gives the weights of scikit-learn to 1e-6', () => {
    const alphas = Object.keys(peer.ridge).map(Number);
    for (const { alpha, weight, bias } of fitRidge(embeddings, dimensions, peer.targets, rows, alphas)) {
      const expected = peer.ridge[alpha.toFixed(1)]!;
      expect(largestDifference(weight, expected.weight)).toBeLessThan(1e-9);
      expect(Math.abs(bias - expected.bias)).toBeLessThan(1e-9);
    }
  });

  it('says what to do about features that depend on each other', () => {
    const twice = Float32Array.from(peer.embeddings.flatMap((row) => [...row, ...row]));
    expect(() => fitRidge(twice, 2 * dimensions, peer.targets, rows, [0])).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('larger alpha') }),
    );
  });
});

describe('AdamW', () => {
  it.each(['linear', 'dense'] as const)('a %s head ends where that of PyTorch does', (kind) => {
    const { start, weights, losses } = peer[kind];
    const head = new TrainableHead(dimensions, kind === 'linear' ? 0 : peer.hidden, start);
    const options = { ...usualAdamW, weightDecay: peer.weightDecay };
    const total = peer.order.length * Math.ceil(rows.length / peer.batch);
    const seen: number[] = [];
    for (const order of peer.order) {
      for (let at = 0; at < rows.length; at += peer.batch) {
        const batch = order.slice(at, at + peer.batch);
        const lr = peer.lr * (1 - seen.length / total);
        seen.push(head.step(embeddings, peer.targets, batch, lr, options));
      }
    }
    expect(largestDifference(seen, losses)).toBeLessThan(1e-4);
    expect(largestDifference(head.values, weights)).toBeLessThan(1e-4);
    expect(largestDifference(weights, start)).toBeGreaterThan(0.01);
  });

  it('gives the same head for the same seed, and another for another', () => {
    const headOf = (seed: number) =>
      fitHead(
        { embeddings, dimensions, targets: peer.targets, train: rows.slice(0, 45), heldOut: rows.slice(45) },
        { method: 'adamw', hidden: 3, epochs: 4, batchSize: 16, seed },
      );
    expect(headOf(1)).toEqual(headOf(1));
    expect(headOf(1).head.weight).not.toEqual(headOf(2).head.weight);
  });
});

describe('fitHead', () => {
  it.each(['ridge', 'adamw'] as const)(
    '%s keeps the candidate with the best macro-F1 of the held-out part',
    (method) => {
      const heldOut = rows.slice(45);
      const data = { embeddings, dimensions, targets: peer.targets, train: rows.slice(0, 45), heldOut };
      const told: string[] = [];
      const fitted = fitHead(data, { method, epochs: 30, lr: 0.03, batchSize: 8 }, ({ name }) =>
        told.push(name),
      );
      const best = Math.max(...fitted.candidates.map((candidate) => candidate.heldOut.macroF1));
      const chosen = fitted.candidates.find(({ name }) => name === fitted.best)!;
      expect(told).toEqual(fitted.candidates.map(({ name }) => name));
      expect(chosen.heldOut.macroF1).toBe(best);
      const scores = heldOut.map((row) => headScore(fitted.head, embeddings, row * dimensions));
      const labels = heldOut.map((row) => peer.targets[row]!);
      expect(regressionMetrics(scores, labels)).toEqual(chosen.heldOut);
      expect(chosen.heldOut.mse).toBeLessThan(1);
    },
  );
});

it('measures macro-F1 as scikit-learn does', () => {
  const { scores, macroF1, f1At3, mse } = peer.metrics;
  const found = regressionMetrics(scores, peer.targets);
  expect(found.macroF1).toBeCloseTo(macroF1, 12);
  expect(found.f1At3).toBeCloseTo(f1At3, 12);
  expect(found.mse).toBeCloseTo(mse, 12);
});

it.each([0, 3])('a head with %i hidden units is read as it was written', async (hidden) => {
  const size = hidden === 0 ? dimensions + 1 : hidden * dimensions + 2 * hidden + 1;
  const head = new TrainableHead(
    dimensions,
    hidden,
    Array.from({ length: size }, (_, i) => Math.sin(i)),
  ).toHead();
  const folder = join(root, String(hidden));
  await writeHead(join(folder, 'head.safetensors'), head);
  const read = await readHead(folder);
  expect(read).toEqual(head);
  expect(headScores(read, embeddings)).toEqual(headScores(head, embeddings));
});
