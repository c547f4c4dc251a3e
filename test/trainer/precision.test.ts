/**
 * `precision: f16`: operands of products in halves, everything else in f32. Against the reference with the same rounding, against f32, at
 * extremes of size, in the sampler, and through a whole run with a stop.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { listCheckpoints, readTrainingState } from '../../trainer/learner/checkpoint.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { bytesOfHalves } from '../../trainer/model/half-weights.ts';
import { type Precision, resolvePrecision } from '../../trainer/model/precision.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';
import { train } from '../../trainer/training/train.ts';
import { type TrainConfig, trainConfigSchema } from '../../trainer/training/train-config.ts';
import { ReferenceLearner, randomRows, tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';
import { writeTokenFolder } from './token-folder.ts';

let gpu: Gpu;
const root = mkdtempSync(path.join(tmpdir(), 'precision-'));
beforeAll(async () => {
  gpu = await openDevice();
  const random = new Random(1);
  const line = () => Array.from({ length: 12 }, () => 'abcd'[random.int(2)]).join('');
  const documents = Array.from({ length: 400 }, () => [line(), line()].map((l) => `${l}|${l}`).join('\n'));
  await writeTokenFolder(path.join(root, 'data'), documents, { copies: documents.slice(0, 20) });
});
afterAll(async () => {
  await gpu.close();
  rmSync(root, { recursive: true, force: true });
});

const wide: ModelConfig = { ...tinyConfig, dim: 64, headDim: 16, hidden: 128, vocabSize: 101 };
// Logits in chunks of 64 rows, and rows enough for split-K weight gradients.
const shape = tinyShape({ config: wide, batch: 8, seq: 33, logitsBytes: wide.vocabSize * 4 * 64 });

function weightsOf(
  config: ModelConfig,
  precision: Precision,
  change?: (name: string, w: Float32Array) => void,
) {
  const model = new ModelWeights(gpu, config, { precision });
  for (const [name, values] of tinyWeights(config)) {
    change?.(name, values);
    model.load(name, values);
  }
  return model;
}

/** Gradients by block, with every row's share of the loss times `factor`, which is taken out again. */
async function gradients(precision: Precision, names: Iterable<string>, factor = 1) {
  const rows = randomRows(shape, 3);
  const model = weightsOf(shape.config, precision);
  const learner = await Learner.create(gpu, model, shape);
  learner.begin();
  const share = new Float32Array(rows.tokens.length).fill(factor / 256);
  learner.accumulateCrossEntropy(rows, share);
  const found = new Map<string, Float32Array>();
  for (const name of names)
    found.set(
      name,
      (await learner.readGradient(name)).map((x) => x / factor),
    );
  const { loss } = await learner.step(0);
  learner.destroy();
  model.destroy();
  return { found, loss: loss / factor };
}

/** |a - b| / |b| of two tensors. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [off, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    off += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(off / size);
}

it('loss and gradients are those of the reference that rounds the same operands, and near those in f32', async () => {
  const references = { f16: referenceOf('f16'), f32: referenceOf('f32') };
  const names = references.f16.gradients.keys();
  const { found, loss } = await gradients('f16', names);
  // Operands that f32 and double precision round to neighbouring halves differ by 2^-11.
  expect(Math.abs(loss - references.f16.loss)).toBeLessThan(1e-3);
  expect(Math.abs(loss - references.f32.loss)).toBeLessThan(3e-3);
  for (const [name, gradient] of found) {
    expect(difference(gradient, references.f16.gradients.get(name)!), name).toBeLessThan(2e-3);
    const off = difference(gradient, references.f32.gradients.get(name)!);
    expect(off, name).toBeLessThan(1.5e-2);
    expect(off, `${name} is rounded at all`).toBeGreaterThan(1e-5);
  }
}, 180_000);

function referenceOf(precision: Precision) {
  const reference = new ReferenceLearner(shape, tinyWeights(shape.config), precision);
  const rows = randomRows(shape, 3);
  const loss = (reference.crossEntropy(rows) * rows.tokens.length) / 256;
  const gradients = new Map(
    [...reference.blocks.keys()].map((name) => {
      const values = reference.executor.values(reference.tensors.gradientBlocks.get(name)!);
      return [name, Float64Array.from(values, (x) => (x * rows.tokens.length) / 256)] as const;
    }),
  );
  return { loss, gradients };
}

it('gradients of any size keep every bit: each goes into its product scaled by a power of two', async () => {
  const names = ['embedding', '0.qkv', '0.down', '1.gate-up', 'final-norm'];
  const plain = await gradients('f16', names);
  // 2^-40: below the smallest half; 2^30: beyond the largest.
  for (const factor of [2 ** -40, 2 ** 30]) {
    const { found } = await gradients('f16', names, factor);
    for (const name of names) expect(difference(found.get(name)!, plain.found.get(name)!), name).toBe(0);
  }
}, 180_000);

it('an activation beyond the largest half skips the step as not finite and leaves the weights alone', async () => {
  const rows = randomRows(tinyShape(), 3);
  for (const [factor, skipped] of [
    [1, false],
    [3000, 'not finite'],
  ] as const) {
    const model = weightsOf(tinyConfig, 'f16', (name, w) => {
      if (/layers\.1\.mlp\.(gate|up)_proj/.test(name)) w.set(w.map((x) => x * factor));
    });
    const before = await model.save('model.layers.0.mlp.down_proj.weight');
    const learner = await Learner.create(gpu, model, tinyShape());
    learner.begin();
    learner.accumulateCrossEntropy(rows, new Float32Array(rows.tokens.length).fill(1 / 18));
    expect((await learner.step(0.1)).skipped).toBe(skipped);
    const after = await model.save('model.layers.0.mlp.down_proj.weight');
    expect(difference(after, before) === 0).toBe(skipped !== false);
    learner.destroy();
    model.destroy();
  }
});

it('the rounded copies follow the weights: after steps, and after loads in pieces of any size', async () => {
  // Odd widths: a block's second tensor begins in the middle of a word of two halves.
  const config = { ...tinyConfig, dim: 13, hidden: 21, tiedHead: false };
  const rows = randomRows(tinyShape({ config }), 3);
  const model = weightsOf(config, 'f16');
  const learner = await Learner.create(gpu, model, tinyShape({ config }));
  for (let step = 0; step < 2; step++) {
    learner.begin();
    learner.accumulateCrossEntropy(rows, new Float32Array(rows.tokens.length).fill(1 / 18));
    await learner.step(0.05);
  }
  const again = new ModelWeights(gpu, config, { precision: 'f16' });
  for (const { name, size } of model.tensors()) {
    const values = await model.save(name);
    for (let at = 0; at < size; at += 7) again.load(name, values.subarray(at, at + 7), at);
  }
  const tokens = [3, 1, 4, 1, 5];
  const expected = await computeLogits(gpu, model, tokens);
  expect(await computeLogits(gpu, again, tokens)).toEqual(expected);
  const plain = new ModelWeights(gpu, config);
  for (const { name } of model.tensors()) plain.load(name, await model.save(name));
  const inF32 = await computeLogits(gpu, plain, tokens);
  expect(inF32).not.toEqual(expected);
  expect(difference(inF32, expected)).toBeLessThan(5e-3);
  learner.destroy();
  for (const weights of [model, again, plain]) weights.destroy();
});

it('the sampler rounds alike: its log-probabilities are the learner’s', async () => {
  const model = weightsOf(tinyConfig, 'f16');
  const made = {
    config: tinyConfig,
    promptLength: 6,
    responseLength: 12,
    temperature: 1,
    eosId: 0,
    slots: 16,
  };
  const sampler = await Sampler.create(gpu, model, made);
  const prompts = [[1, 5, 3], [7], [2, 2, 9, 4, 11], [3, 8]];
  const requests = Array.from({ length: 16 }, (_, i) => ({ prompt: i % 4, seed: i }));
  const samples = await sampler.generate(prompts, requests, { maxTokens: 12 });
  const seq = 18;
  const apart = async (precision: Precision): Promise<number[]> => {
    const weights = weightsOf(tinyConfig, precision);
    const learner = await Learner.create(gpu, weights, tinyShape({ batch: 1, seq }));
    const found: number[] = [];
    for (const { prompt, tokens, logps } of samples) {
      const all = [...prompts[prompt]!, ...tokens];
      const pad = (values: number[]) => Uint32Array.from({ length: seq }, (_, i) => values[i] ?? 0);
      const stats = await learner.evaluate({
        tokens: pad(all.slice(0, -1)),
        targets: pad(all.slice(1)),
        positions: Uint32Array.from({ length: seq }, (_, i) => i),
        kvStart: new Uint32Array(seq),
      });
      logps.forEach((logp, i) => {
        found.push(Math.abs(stats[(prompts[prompt]!.length - 1 + i) * 4]! - logp));
      });
    }
    learner.destroy();
    weights.destroy();
    return found;
  };
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [alike, unlike] = [await apart('f16'), await apart('f32')];
  // Where decoding attends in another order than training, a last bit of f32 can round an operand to the neighbouring half.
  expect(Math.max(...alike)).toBeLessThan(1e-3);
  expect(mean(alike)).toBeLessThan(mean(unlike) / 50);
  sampler.destroy();
  model.destroy();
});

it('halves take two bytes for each weight that products read', () => {
  for (const tiedHead of [true, false]) {
    const config = { ...wide, tiedHead };
    const model = new ModelWeights(gpu, config, { precision: 'f16' });
    const vectors = /norm|bias/;
    const read = model
      .tensors()
      .filter(({ name }) => !vectors.test(name) && (tiedHead || name !== 'model.embed_tokens.weight'));
    const bytes = read.reduce((total, { size }) => total + 2 * size, 0);
    // Blocks begin at windows of 256 bytes.
    expect(bytesOfHalves(model.slabs) - bytes).toBeGreaterThanOrEqual(0);
    expect(bytesOfHalves(model.slabs) - bytes).toBeLessThan(256 * read.length);
    model.destroy();
  }
});

it('auto is f16 only on hardware that has it, and what is asked for is taken as it is', () => {
  const on = (features: string[], software: boolean) =>
    resolvePrecision({ ...gpu, info: { ...gpu.info, features, software } }, 'auto');
  expect(on(['shader-f16'], false)).toBe('f16');
  expect(on([], false)).toBe('f32');
  expect(on(['shader-f16'], true)).toBe('f32');
  for (const asked of ['f16', 'f32'] as const) expect(resolvePrecision(gpu, asked)).toBe(asked);
  expect(config('x').precision).toBe('f32');
});

function config(out: string, change: Record<string, unknown> = {}): TrainConfig {
  return trainConfigSchema.parse({
    name: 'test',
    out: path.join(root, out),
    data: path.join(root, 'data'),
    model: { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48 },
    sequence_length: 32,
    micro_batch_size: 4,
    stable: { steps: 60, learning_rate: 0.003, warmup_steps: 5 },
    eval_every: 1000,
    checkpoint_every: 1000,
    ...change,
  });
}

const signal = new AbortController().signal;

it('a run in f16 learns as in f32, goes on bit for bit, records its precision and keeps to it', async () => {
  const losses: Record<Precision, number[]> = { f32: [], f16: [] };
  for (const precision of ['f32', 'f16'] as const) {
    const { runFolder } = await train(gpu, config(precision, { precision }), 'stable', {
      emit: silent,
      signal,
    });
    losses[precision] = readRun(runFolder).metrics.flatMap(({ loss }) =>
      typeof loss === 'number' ? [loss] : [],
    );
  }
  expect(losses.f16).toHaveLength(60);
  // The curves start together; later any change, another seed as well, moves single steps by some percent (EXPERIMENTS.md).
  losses.f32.slice(0, 10).forEach((loss, i) => {
    expect(Math.abs(losses.f16[i]! - loss) / loss).toBeLessThan(1e-4);
  });
  expect(losses.f16).not.toEqual(losses.f32);
  const end = (all: number[]) => all.slice(-20).reduce((a, b) => a + b, 0) / 20;
  expect(Math.abs(end(losses.f16) - end(losses.f32)) / end(losses.f32)).toBeLessThan(0.02);
  expect(end(losses.f16)).toBeLessThan(losses.f16[0]! * 0.75);

  const stopped = config('stopped', { precision: 'f16' });
  const controller = new AbortController();
  const run = train(gpu, stopped, 'stable', {
    emit: (event) => event.kind === 'progress' && event.done === 23 && controller.abort(),
    signal: controller.signal,
  });
  await expect(run).rejects.toThrow(InterruptedError);
  await expect(
    train(gpu, { ...stopped, precision: 'f32' }, 'stable', { emit: silent, signal }),
  ).rejects.toThrow(/precision: "f16" -> "f32"/);
  await train(gpu, stopped, 'stable', { emit: silent, signal });
  const [whole, parts] = ['f16', 'stopped'].map(
    (out) => listCheckpoints(path.join(root, out, 'stable')).at(-1)!,
  );
  for (const file of ['model.safetensors', 'state/moments.safetensors']) {
    expect(hashOf(path.join(parts!, file)), file).toBe(hashOf(path.join(whole!, file)));
  }
  const { config: recorded } = await readTrainingState(parts!);
  expect(recorded).toMatchObject({ precision: 'f16' });
  expect(readRun(path.join(root, 'stopped', 'stable')).record.config).toMatchObject({ precision: 'f16' });
});

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
