/**
 * Tiny random models of every family against transformers and PyTorch: logits, loss, the gradient of every tensor, weights after ten AdamW
 * steps (fixtures of test/oracles/model-families.py); and, where a Python with transformers is named by MIDTRAIN_PEER_PYTHON, that
 * transformers computes the same from the folder that is saved here.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listTensors, readTensor } from '../../src/io/safetensors.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { loadModel, saveModel } from '../../trainer/model/folder.ts';
import type { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/families');
const families = readdirSync(fixtures).sort();

interface Expected {
  loss: number;
  losses: number[];
  batch: number;
  seq: number;
  adam: { lr: number; beta1: number; beta2: number; eps: number; weightDecay: number; clipNorm: number };
  batches: number[][];
}

const peer = findPeer();

let gpu: Gpu;
let scratch: string;
beforeAll(async () => {
  gpu = await openDevice();
  scratch = mkdtempSync(path.join(tmpdir(), 'families-'));
});
afterAll(async () => {
  await gpu.close();
  rmSync(scratch, { recursive: true });
});

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

/** Inputs and shifted targets of a batch of `batch` sequences of seq + 1 tokens. */
function rowsOf({ batch, seq }: Expected, ids: readonly number[]) {
  const cut = (from: number) =>
    Uint32Array.from(
      { length: batch * seq },
      (_, i) => ids[Math.floor(i / seq) * (seq + 1) + (i % seq) + from]!,
    );
  return {
    tokens: cut(0),
    targets: cut(1),
    positions: Uint32Array.from({ length: batch * seq }, (_, i) => i % seq),
    kvStart: new Uint32Array(batch * seq),
  };
}

/** Every family as it is, and one of each kind of head with its vocabulary in blocks of 12 rows, the last smaller. */
const cases = [
  ...families.map((family) => ({ what: family, family, options: {} })),
  ...['llama3', 'gemma2'].map((family) => ({
    what: `${family} with its vocabulary in blocks`,
    family,
    options: { maxBlockBytes: 12 * 16 * 4 },
  })),
];

describe.each(cases)('$what', ({ what, family, options }) => {
  const folder = path.join(fixtures, family);
  const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected;
  const { batch, seq, adam } = expected;
  let values: Map<string, Float32Array>;
  let weights: ModelWeights;
  beforeAll(async () => {
    values = new Map();
    for (const info of await listTensors(folder, 'expected')) values.set(info.name, await readTensor(info));
    weights = await loadModel(gpu, folder, options);
  });
  afterAll(() => weights.destroy());

  const learnerOf = () =>
    Learner.create(gpu, weights, {
      config: weights.config,
      batch,
      seq,
      logitsBytes: 1 << 20,
      temperature: 1,
      optimizer: {
        beta1: adam.beta1,
        beta2: adam.beta2,
        eps: adam.eps,
        weightDecay: adam.weightDecay,
        maxGradNorm: adam.clipNorm,
      },
    });
  const perRow = new Float32Array(batch * seq).fill(1 / (batch * seq));

  it('computes the logits of transformers', async () => {
    for (let i = 0; i < batch; i++) {
      const ids = expected.batches[0]!.slice(i * (seq + 1), (i + 1) * (seq + 1) - 1);
      const logits = await computeLogits(gpu, weights, ids);
      const theirs = values.get('logits')!.subarray(i * logits.length, (i + 1) * logits.length);
      expect(largestDifference(logits, theirs)).toBeLessThan(1e-4);
    }
  });

  it('generates over its cache what the full forward pass says', async () => {
    const prompt = expected.batches[0]!.slice(0, 4);
    const shape = { prompts: 1, promptLength: 4, slots: 1, responseLength: 8, temperature: 0, eosId: 99 };
    const sampler = await Sampler.create(gpu, weights, { config: weights.config, ...shape });
    const [sample] = await sampler.generate([prompt], [{ prompt: 0, seed: 1 }], { maxTokens: 8 });
    sampler.destroy();
    const all = [...prompt, ...sample!.tokens];
    const logits = await computeLogits(gpu, weights, all.slice(0, -1));
    const vocab = weights.config.vocabSize;
    for (let i = 0; i < sample!.tokens.length; i++) {
      const row = logits.subarray((prompt.length - 1 + i) * vocab, (prompt.length + i) * vocab);
      const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
      expect(row.indexOf(Math.max(...row)), `token ${i}`).toBe(sample!.tokens[i]);
      expect(Math.abs(Math.max(...row) - logSum - sample!.logps[i]!)).toBeLessThan(1e-4);
    }
  });

  it('has the loss and the gradient of every tensor', async () => {
    const learner = await learnerOf();
    learner.begin();
    learner.accumulateCrossEntropy(rowsOf(expected, expected.batches[0]!), perRow);
    const blocks = weights.slabs.flatMap((slab) => slab.blocks.map(({ block }) => block));
    expect(blocks.filter((b) => b.name.startsWith('embedding'))).toHaveLength(
      'maxBlockBytes' in options ? 4 : 1,
    );
    for (const block of blocks) {
      const gradient = await learner.readGradient(block.name);
      let at = 0;
      for (const { name, shape, firstRow = 0 } of block.parts) {
        const size1 = shape.reduce((a, b) => a * b, 1);
        const begin = firstRow * (size1 / shape[0]!);
        const theirs = values.get(`gradient.${name}`)!.subarray(begin, begin + size1);
        const size = Math.max(...theirs.map(Math.abs));
        expect(size, name).toBeGreaterThan(0);
        const ours = gradient.subarray(at, at + theirs.length);
        expect(largestDifference(ours, theirs) / size, name).toBeLessThan(1e-3);
        at += theirs.length;
      }
      expect(at).toBe(gradient.length);
    }
    const { loss } = await learner.step(0);
    expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5);
    learner.destroy();
  });

  it('has the weights after ten AdamW steps, and reads what it saved', async () => {
    weights.destroy();
    weights = await loadModel(gpu, folder, options);
    const learner = await learnerOf();
    for (const [step, ids] of expected.batches.entries()) {
      learner.begin();
      learner.accumulateCrossEntropy(rowsOf(expected, ids), perRow);
      const { loss } = await learner.step(adam.lr);
      expect(Math.abs(loss - expected.losses[step]!), `step ${step}`).toBeLessThan(1e-4);
    }
    for (const { name } of weights.tensors()) {
      const theirs = values.get(`after.${name}`)!;
      expect(largestDifference(await weights.save(name), theirs), name).toBeLessThan(1e-4);
    }
    learner.destroy();

    const saved = path.join(scratch, what);
    await saveModel(weights, saved);
    const again = await loadModel(gpu, saved);
    expect(again.config).toEqual(weights.config);
    again.destroy();
  });

  it.skipIf(peer === undefined)('transformers computes the same from what was saved', async () => {
    const ids = expected.batches[1]!.slice(0, seq);
    const theirs = peerLogits(peer!, path.join(scratch, what), ids);
    expect(largestDifference(await computeLogits(gpu, weights, ids), theirs)).toBeLessThan(1e-4);
  });
});

function peerLogits(python: string, folder: string, ids: readonly number[]): number[] {
  const script = path.join(import.meta.dirname, '../oracles/model-families.py');
  const answer = spawnSync(python, [script, 'check', folder, JSON.stringify(ids)], { encoding: 'utf8' });
  if (answer.status !== 0) throw new Error(answer.stderr);
  return JSON.parse(answer.stdout) as number[];
}

/** A Python with transformers, if one is named. */
function findPeer(): string | undefined {
  const python = process.env.MIDTRAIN_PEER_PYTHON;
  if (python === undefined) return undefined;
  return spawnSync(python, ['-c', 'import torch, transformers']).status === 0 ? python : undefined;
}
