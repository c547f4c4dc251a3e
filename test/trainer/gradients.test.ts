/** The whole model's backward pass: references against finite differences, then the GPU against the references. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareArrays } from '../../kernels/compare.ts';
import { Random } from '../../src/core/random.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { parameterBlocks } from '../../trainer/model/parameters.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { ReferenceLearner, randomRows, tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

const cases = [
  { what: 'a tied head', shape: tinyShape(), documents: false },
  {
    what: 'an untied head',
    shape: tinyShape({ config: { ...tinyConfig, tiedHead: false } }),
    documents: false,
  },
  { what: 'documents masked from each other', shape: tinyShape(), documents: true },
  {
    what: 'logits in chunks of 64 rows',
    shape: tinyShape({ batch: 9, seq: 17, logitsBytes: 1 }),
    documents: false,
  },
  {
    what: 'biases and scaled rotation (Qwen2, Llama 3)',
    shape: tinyShape({
      config: {
        ...tinyConfig,
        qkvBias: true,
        ropeScaling: {
          type: 'llama3',
          factor: 8,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalPositions: 16,
        },
      },
    }),
    documents: false,
  },
  {
    what: 'norms of single heads (Qwen3)',
    shape: tinyShape({ config: { ...tinyConfig, headNorms: true, tiedHead: false } }),
    documents: true,
  },
  {
    what: 'sliding windows (Mistral)',
    shape: tinyShape({ config: { ...tinyConfig, windows: [3, 4] } }),
    documents: true,
  },
  { what: 'a z-loss', shape: tinyShape({ zLoss: 0.05 }), documents: false },
  {
    what: 'all that Gemma 2 adds',
    shape: tinyShape({
      config: {
        ...tinyConfig,
        windows: [4, null],
        queryScale: 6,
        attentionSoftcap: 0.7,
        logitSoftcap: 0.9,
        normOffset: true,
        outputNorms: true,
        embeddingScale: Math.sqrt(tinyConfig.dim),
        activation: 'gelu-tanh',
      },
    }),
    documents: false,
  },
];

describe.each(cases)('with $what', ({ shape, documents }) => {
  const weights = tinyWeights(shape.config);
  const rows = randomRows(shape, 7, documents);

  it('the reference gradient agrees with finite differences in every parameter block', () => {
    const learner = new ReferenceLearner(shape, weights);
    learner.crossEntropy(rows);
    const random = new Random(3);
    for (const block of parameterBlocks(shape.config)) {
      const values = learner.executor.values(learner.blocks.get(block.name)!) as Float64Array;
      const analytic = learner.executor.values(learner.tensors.gradientBlocks.get(block.name)!).slice();
      const size = Math.max(...analytic.map(Math.abs));
      for (let probe = 0; probe < 2; probe++) {
        const at = random.int(block.size);
        const held = values[at]!;
        const h = 1e-5;
        values[at] = held + h;
        const up = learner.crossEntropy(rows);
        values[at] = held - h;
        const down = learner.crossEntropy(rows);
        values[at] = held;
        expect(Math.abs((up - down) / (2 * h) - analytic[at]!), `${block.name}[${at}]`).toBeLessThan(
          1e-6 + 1e-4 * size,
        );
      }
      expect(size, `${block.name} has a gradient`).toBeGreaterThan(1e-6);
    }
  });
});

describe('on the GPU', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openDevice();
  });
  afterAll(() => gpu.close());

  it.each(cases)('loss and gradients match the reference with $what', async ({ shape, documents }) => {
    const weights = tinyWeights(shape.config);
    const rows = randomRows(shape, 7, documents);
    const model = new ModelWeights(gpu, shape.config);
    for (const [name, values] of weights) model.load(name, values);
    const learner = await Learner.create(gpu, model, shape);
    learner.begin();
    learner.accumulateCrossEntropy(rows, new Float32Array(rows.tokens.length).fill(1 / rows.tokens.length));
    const reference = new ReferenceLearner(shape, weights);
    const loss = reference.crossEntropy(rows);
    for (const block of parameterBlocks(shape.config)) {
      const expected = reference.executor.values(reference.tensors.gradientBlocks.get(block.name)!);
      const size = Math.max(...expected.map(Math.abs));
      const actual = await learner.readGradient(block.name);
      const faults = compareArrays(
        block.name,
        actual.map((x) => x / size),
        Float64Array.from(expected, (x) => x / size),
        2e-5,
      ).faults;
      expect(faults).toEqual([]);
    }
    const result = await learner.step(1e-3);
    expect(Math.abs(result.loss + (shape.zLoss ?? 0) * result.zLoss - loss)).toBeLessThan(1e-5);
    learner.destroy();
    model.destroy();
  });

  it.each(cases)('recomputing activations changes no bit with $what', async ({ shape, documents }) => {
    const rows = randomRows(shape, 7, documents);
    const gradients: Float32Array[][] = [];
    const bytes: number[] = [];
    for (const checkpointing of ['off', 'block'] as const) {
      const model = new ModelWeights(gpu, shape.config);
      for (const [name, values] of tinyWeights(shape.config)) model.load(name, values);
      const learner = await Learner.create(gpu, model, { ...shape, checkpointing });
      learner.begin();
      learner.accumulateCrossEntropy(rows, new Float32Array(rows.tokens.length).fill(1 / rows.tokens.length));
      const names = parameterBlocks(shape.config).map((block) => block.name);
      gradients.push(await Promise.all(names.map((name) => learner.readGradient(name))));
      bytes.push(learner.memory.activationBytes);
      learner.destroy();
      model.destroy();
    }
    expect(gradients[1]).toEqual(gradients[0]);
    expect(bytes[1]!).toBeLessThan(bytes[0]!);
  });

  it('two micro-batches of one sequence give the gradient of one micro-batch of two', async () => {
    const shape = tinyShape();
    const rows = randomRows(shape, 5);
    const half = shape.seq;
    const norms: number[] = [];
    for (const pieces of [1, 2]) {
      const model = new ModelWeights(gpu, shape.config);
      for (const [name, values] of tinyWeights(shape.config)) model.load(name, values);
      const learner = await Learner.create(gpu, model, { ...shape, batch: shape.batch / pieces });
      learner.begin();
      for (let piece = 0; piece < pieces; piece++) {
        const cut = (a: Uint32Array) => (pieces === 1 ? a : a.slice(piece * half, (piece + 1) * half));
        const part = {
          tokens: cut(rows.tokens),
          targets: cut(rows.targets),
          positions: cut(rows.positions),
          kvStart: cut(rows.kvStart),
        };
        learner.accumulateCrossEntropy(
          part,
          new Float32Array(part.tokens.length).fill(1 / rows.tokens.length),
        );
      }
      norms.push((await learner.step(1e-3)).gradNorm);
      learner.destroy();
      model.destroy();
    }
    expect(Math.abs(norms[0]! - norms[1]!) / norms[0]!).toBeLessThan(1e-5);
  });
});
