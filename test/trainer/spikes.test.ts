/** Steps that are skipped on the device: a gradient that is not finite, and a spike of its norm; and what a z-loss reports. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { randomRows, tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

async function fresh(maxGradNormZ: number): Promise<{ model: ModelWeights; learner: Learner }> {
  const model = new ModelWeights(gpu, tinyConfig);
  for (const [name, values] of tinyWeights(tinyConfig)) model.load(name, values);
  return {
    model,
    learner: await Learner.create(gpu, model, tinyShape({ optimizer: { ...adamWDefaults, maxGradNormZ } })),
  };
}

/** One step with every target weighted `scale / targets`: the gradient's norm grows with it. */
async function step(learner: Learner, seed: number, scale = 1) {
  const rows = randomRows(learner.shape, seed);
  learner.begin();
  const weight = scale / rows.tokens.length;
  learner.accumulateCrossEntropy(rows, new Float32Array(rows.tokens.length).fill(weight));
  return learner.step(1e-3);
}

it('a step whose gradient norm is far above the last 128 leaves the weights alone, and the history goes on', async () => {
  const { model, learner } = await fresh(6);
  for (let i = 0; i < 128; i++) expect((await step(learner, i)).skipped).toBe(false);
  const before = await model.save('model.norm.weight');
  const spike = await step(learner, 200, 50);
  expect(spike).toMatchObject({ skipped: 'spike' });
  expect(spike.gradNormZ).toBeGreaterThan(6);
  expect(await model.save('model.norm.weight')).toEqual(before);
  expect((await step(learner, 201)).skipped).toBe(false);
  expect(await model.save('model.norm.weight')).not.toEqual(before);
  learner.destroy();
  model.destroy();
});

it('without a threshold the same spike is taken', async () => {
  const { model, learner } = await fresh(0);
  for (let i = 0; i < 128; i++) await step(learner, i);
  expect(await step(learner, 200, 50)).toMatchObject({ skipped: false });
  learner.destroy();
  model.destroy();
});

it('a gradient that is not finite is skipped and does not enter the history', async () => {
  const { model, learner } = await fresh(0);
  await step(learner, 0);
  const history = await learner.saveMoment('grad_norm_history', 0, 129);
  expect(history[0]).toBe(1);
  expect(await step(learner, 1, Number.POSITIVE_INFINITY)).toMatchObject({ skipped: 'not finite' });
  expect(await learner.saveMoment('grad_norm_history', 0, 129)).toEqual(history);
  learner.destroy();
  model.destroy();
});
