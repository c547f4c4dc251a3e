/** The reference model of a KL term: its log-probabilities are the learner's for the same weights, it follows the policy, and its memory is what a dry run says. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { packRollouts } from '../../trainer/grpo/pack-rollouts.ts';
import {
  planReferenceMemory,
  ReferenceModel,
  type ReferenceShape,
} from '../../trainer/grpo/reference-model.ts';
import type { Rollout } from '../../trainer/grpo/rollout.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { layoutSlabs, parameterBlocks } from '../../trainer/model/parameters.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { planMemory } from '../../trainer/plan/memory-plan.ts';
import { tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

/** Vocabulary in chunks of rows: 9 x 17 rows in three chunks. */
const shape: ReferenceShape = {
  config: tinyConfig,
  batch: 9,
  seq: 17,
  logitsBytes: 1,
  temperature: 0.7,
  mixupAlpha: 0.25,
};

const rollouts = [
  [3, 5, 7, 2],
  [1, 1],
  [4, 9, 2, 6, 8, 3, 1],
].map((tokens, i) => ({
  promptTokens: [10 + i, 11],
  tokens,
  logps: tokens.map(() => -1),
})) as unknown as Rollout[];

function weightsOf(seed: number): ModelWeights {
  const weights = new ModelWeights(gpu, tinyConfig);
  for (const [name, values] of tinyWeights(tinyConfig, seed)) weights.load(name, values);
  return weights;
}

/** By the learner's own forward pass, with whatever weights. */
async function byLearner(weights: ModelWeights): Promise<number[][]> {
  const learner = await Learner.create(gpu, weights, { ...tinyShape(), ...shape, logitsBytes: 1 << 20 });
  const items = rollouts.map((rollout) => ({ ...rollout, advantage: 0, share: 1 }));
  const found: number[][] = [];
  for (const { rows, placed } of packRollouts(items, shape.batch, shape.seq)) {
    const stats = await learner.evaluate(rows);
    for (const { item, first, length } of placed)
      found[item] = Array.from({ length }, (_, t) => stats[(first + t) * 4]!);
  }
  learner.destroy();
  return found;
}

it('gives the log-probabilities that the learner computes for the same weights, logits in chunks of rows', async () => {
  const policy = weightsOf(1);
  const reference = await ReferenceModel.create(gpu, weightsOf(2), policy, shape);
  const found = await reference.logProbabilities(rollouts);
  expect(found.map((logps) => logps.length)).toEqual([4, 2, 7]);
  expect(found).toEqual(await byLearner(reference.weights));
  expect(found).not.toEqual(await byLearner(policy));

  // As much memory as the plan says, but for the kernels' parameters.
  const layout = layoutSlabs(parameterBlocks(tinyConfig), 1 << 27);
  const plan = planReferenceMemory(shape, layout, 'f32');
  const planned = planMemory(plan);
  const bytes = planned.persistentBytes + planned.activationBytes;
  expect(reference.allocatedBytes).toBeGreaterThanOrEqual(bytes);
  expect(reference.allocatedBytes).toBeLessThan(bytes + 64 * 1024);
  const logits = plan.tensors.filter(({ name }) => name.startsWith('logits')).map(({ size }) => size);
  expect(logits).toEqual([64, 64, 25].map((rows) => rows * tinyConfig.vocabSize));
  reference.destroy();
  policy.destroy();
});

it('moves part of the way to the policy', async () => {
  const policy = weightsOf(1);
  const reference = await ReferenceModel.create(gpu, weightsOf(2), policy, shape);
  reference.sync();
  const { name } = reference.weights.tensors()[0]!;
  const [a, b] = [1, 2].map((seed) => tinyWeights(tinyConfig, seed).get(name)!);
  const moved = await reference.weights.save(name);
  moved.forEach((value, i) => {
    expect(value).toBeCloseTo(0.75 * b![i]! + 0.25 * a![i]!, 6);
  });
  reference.destroy();
  policy.destroy();
});
