/** Settings that must not change what is computed, and a model that learns one batch by heart (trainer.md 4.2, after TRL's invariant suite). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner, type Rows } from '../../trainer/learner/learner.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { loadModel, saveModel } from '../../trainer/model/folder.ts';
import { initialWeights } from '../../trainer/model/init.ts';
import { parameterBlocks } from '../../trainer/model/parameters.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { randomRows, tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/families');
let gpu: Gpu;
let scratch: string;
beforeAll(async () => {
  gpu = await openDevice();
  scratch = mkdtempSync(path.join(tmpdir(), 'invariances-'));
});
afterAll(async () => {
  await gpu.close();
  rmSync(scratch, { recursive: true });
});

/** Gradients of every block, and the mean loss, of one micro-batch whose rows weigh as given. */
async function gradientsOf(
  config: ModelConfig,
  batch: number,
  seq: number,
  rows: Rows,
  weights: Float32Array,
) {
  const model = new ModelWeights(gpu, config);
  for (const [name, values] of tinyWeights(config)) model.load(name, values);
  const learner = await Learner.create(gpu, model, tinyShape({ config, batch, seq }));
  learner.begin();
  learner.accumulateCrossEntropy(rows, weights);
  const gradients = new Map<string, Float32Array>();
  for (const { name } of parameterBlocks(config)) gradients.set(name, await learner.readGradient(name));
  const { loss } = await learner.step(0);
  learner.destroy();
  model.destroy();
  return { gradients, loss };
}

const options: Record<string, Partial<ModelConfig>> = {
  llama: {},
  'qwen3 with windows': { headNorms: true, windows: [3, null] },
  'gemma 2': {
    windows: [4, null],
    attentionSoftcap: 0.7,
    logitSoftcap: 0.9,
    normOffset: true,
    outputNorms: true,
    embeddingScale: 3,
    activation: 'gelu-tanh',
  },
};

describe.each(Object.keys(options))('%s', (name) => {
  const config = { ...tinyConfig, ...options[name] };

  it('documents packed into one sequence and masked are the same as sequences of their own', async () => {
    const lengths = [5, 8, 4];
    const seq = Math.max(...lengths);
    const total = lengths.reduce((a, b) => a + b, 0);
    const source = randomRows(tinyShape({ config, batch: 1, seq: total }), 11);
    const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
    const packed: Rows = {
      ...source,
      positions: Uint32Array.from(lengths.flatMap((n) => Array.from({ length: n }, (_, i) => i))),
      kvStart: Uint32Array.from(lengths.flatMap((n, d) => Array.from({ length: n }, () => starts[d]!))),
    };
    // Each document in a sequence of its own, padded with token 0; padding weighs nothing.
    const spread = (values: Uint32Array) =>
      Uint32Array.from({ length: lengths.length * seq }, (_, i) => {
        const [d, t] = [Math.floor(i / seq), i % seq];
        return t < lengths[d]! ? values[starts[d]! + t]! : 0;
      });
    const apart: Rows = {
      tokens: spread(source.tokens),
      targets: spread(source.targets),
      positions: Uint32Array.from({ length: lengths.length * seq }, (_, i) => i % seq),
      kvStart: new Uint32Array(lengths.length * seq),
    };
    const counts = Float32Array.from({ length: lengths.length * seq }, (_, i) =>
      i % seq < lengths[Math.floor(i / seq)]! ? 1 / total : 0,
    );
    const one = await gradientsOf(config, 1, total, packed, new Float32Array(total).fill(1 / total));
    const many = await gradientsOf(config, lengths.length, seq, apart, counts);
    expect(Math.abs(one.loss - many.loss)).toBeLessThan(1e-5);
    for (const [block, gradient] of one.gradients) {
      const size = Math.max(...gradient.map(Math.abs));
      const other = many.gradients.get(block)!;
      for (const [i, x] of gradient.entries())
        expect(Math.abs(x - other[i]!) / size, block).toBeLessThan(1e-5);
    }
  });

  it('logits in chunks are the same as at once', async () => {
    const shape = tinyShape({ config, batch: 9, seq: 17 });
    const rows = randomRows(shape, 3);
    const losses: number[] = [];
    for (const logitsBytes of [1, 1 << 24]) {
      const model = new ModelWeights(gpu, config);
      for (const [tensor, values] of tinyWeights(config)) model.load(tensor, values);
      const learner = await Learner.create(gpu, model, { ...shape, logitsBytes });
      learner.begin();
      learner.accumulateCrossEntropy(rows, new Float32Array(153).fill(1 / 153));
      const { loss, gradNorm } = await learner.step(1e-3);
      losses.push(loss, gradNorm);
      learner.destroy();
      model.destroy();
    }
    expect(Math.abs(losses[0]! - losses[2]!)).toBeLessThan(1e-5);
    expect(Math.abs(losses[1]! / losses[3]! - 1)).toBeLessThan(1e-5);
  });
});

it('a fresh model guesses (loss ln V), and learns one batch by heart in 100 steps', async () => {
  const config: ModelConfig = { ...tinyConfig, dim: 32, heads: 4, headDim: 8, hidden: 64, vocabSize: 50 };
  const shape = tinyShape({ config, batch: 2, seq: 16, optimizer: { ...adamWDefaults, weightDecay: 0 } });
  const model = new ModelWeights(gpu, config);
  for (const [name, values] of initialWeights(config, 1)) model.load(name, values);
  const learner = await Learner.create(gpu, model, shape);
  const rows = randomRows(shape, 2);
  const perRow = new Float32Array(32).fill(1 / 32);
  let loss = 0;
  for (let step = 0; step <= 100; step++) {
    learner.begin();
    learner.accumulateCrossEntropy(rows, perRow);
    ({ loss } = await learner.step(0.01));
    if (step === 0) expect(Math.abs(loss - Math.log(50))).toBeLessThan(0.1);
  }
  // A token whose next one is not always the same cannot be known better than that; here attention sees the position.
  expect(loss).toBeLessThan(0.05);
  learner.destroy();
  model.destroy();
});

it.each(['llama3', 'gemma2'])(
  '%s: what was saved in bf16 or f32 is the same bytes after loading and saving again',
  async (family) => {
    for (const dtype of ['BF16', 'F32'] as const) {
      const first = path.join(scratch, `${family}-${dtype}-1`);
      const second = path.join(scratch, `${family}-${dtype}-2`);
      const weights = await loadModel(gpu, path.join(fixtures, family));
      await saveModel(weights, first, { dtype, maxShardBytes: 4000 });
      weights.destroy();
      const again = await loadModel(gpu, first, { maxBlockBytes: 12 * 16 * 4 });
      await saveModel(again, second, { dtype, maxShardBytes: 4000 });
      again.destroy();
      const names = readdirSync(first);
      expect(names.length).toBeGreaterThan(3);
      for (const name of names)
        expect(readFileSync(path.join(second, name)), name).toEqual(readFileSync(path.join(first, name)));
    }
  },
);

const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'midtrain');
const swiftshader = existsSync(cache) && readdirSync(cache).some((name) => name.startsWith('swiftshader'));

it.skipIf(!swiftshader || process.env.MIDTRAIN_ADAPTER !== undefined)(
  'another adapter (SwiftShader) computes the same logits within 1e-5',
  async () => {
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const script = `
      import { openDevice } from './trainer/gpu/device.ts';
      import { loadModel } from './trainer/model/folder.ts';
      import { computeLogits } from './trainer/learner/logits.ts';
      const gpu = await openDevice();
      const weights = await loadModel(gpu, process.argv[1]);
      const logits = await computeLogits(gpu, weights, ${JSON.stringify(ids)});
      console.log(JSON.stringify({ name: gpu.info.name, logits: [...logits] }));
      await gpu.close();`;
    for (const family of ['gemma2', 'qwen3']) {
      const folder = path.join(fixtures, family);
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], {
        cwd: path.join(import.meta.dirname, '../..'),
        env: { ...process.env, MIDTRAIN_ADAPTER: 'swiftshader' },
        encoding: 'utf8',
      });
      const there = JSON.parse(child.stdout.trim().split('\n').at(-1)!) as { name: string; logits: number[] };
      expect(there.name).toMatch(/swiftshader/i);
      const weights = await loadModel(gpu, folder);
      const here = await computeLogits(gpu, weights, ids);
      weights.destroy();
      const size = Math.max(...here.map(Math.abs));
      for (const [i, x] of here.entries()) expect(Math.abs(x - there.logits[i]!) / size).toBeLessThan(1e-5);
    }
  },
);
