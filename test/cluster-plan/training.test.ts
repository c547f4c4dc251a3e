/** Training: operations, hours and memory by hand and against mixtures/estimate.ts, layouts that divide, and those that do not. */
import { describe, expect, test } from 'vitest';
import { estimateRun } from '../../mixtures/estimate.ts';
import type { MixturePlan } from '../../mixtures/plan.ts';
import { chooseLayout } from '../../src/cluster-plan/choose-parallelism.ts';
import { gpuMemory } from '../../src/cluster-plan/gpu-memory.ts';
import { smolLm3 } from '../../src/cluster-plan/published-throughput.ts';
import { UserError } from '../../src/core/errors.ts';
import { modelConfigOf, modelShapes } from '../../trainer/model/model-shapes.ts';
import { changed, parsed, planned } from './made-up.ts';

const shape = modelShapes.find(({ name }) => name === 'Llama-3.2-3B')!;
// 6 x 3,212,749,824 + 12 x 28 x 3072 x 8192
const perToken = 27_732_215_808;

test('a billion tokens on 32 GPUs at half of 1000 TFLOP/s', () => {
  const { training } = planned();
  const [phase] = training!.phases;
  expect(phase!.steps.value).toBe(239); // 238.4
  expect(phase!.tokens.value).toBe(239 * 4_194_304);
  expect(phase!.flops.value).toBe(239 * 4_194_304 * perToken);
  expect(training!.tokensPerSecondPerGpu.value).toBeCloseTo(5e14 / perToken, 6);
  const seconds = (239 * 4_194_304) / ((5e14 / perToken) * 32);
  // The GPUs are held a quarter longer than they train.
  expect(phase!.wallHours.value).toBeCloseTo(seconds / 0.8 / 3600, 9);
  expect(phase!.gpuHours.value).toBeCloseTo((seconds / 0.8 / 3600) * 32, 9);
  expect(phase!.cost!.value).toBeCloseTo((seconds / 0.8 / 3600) * 4 * 20, 9);
  expect(phase!.checkpoints.value).toBe(3);
  expect(phase!.checkpointBytes.value).toBe(3 * 14 * 3_212_749_824);
});

test('checkpoints stop the training for as long as they take to write', () => {
  const without = planned().training!.phases[0]!;
  const phase = planned({ 'storage.bandwidth': '1 GB/s' }).training!.phases[0]!;
  const seconds = (3 * 14 * 3_212_749_824) / 1e9 / 0.8;
  expect(phase.wallHours.value - without.wallHours.value).toBeCloseTo(seconds / 3600, 6);
});

test('operations are those of mix --dry-run for the same positions', () => {
  const [phase] = planned().training!.phases;
  const plan = {
    sequences: phase!.tokens.value / 8192,
    sequenceLength: 8192,
    windowTokens: 8193,
    totalTokens: phase!.tokens.value,
    paddingTokens: 0,
    packing: 'concatenate',
    sources: [],
  } as unknown as MixturePlan;
  const estimate = estimateRun({
    plan,
    batchTokens: 4_194_304,
    vocabSize: shape.vocabSize,
    model: shape,
    flopsPerSecond: 32 * 1e15,
    utilisation: 0.5,
  });
  expect(phase!.flops.value).toBe(estimate.trainingFlops);
  expect(phase!.steps.value).toBe(estimate.steps);
  expect(phase!.wallHours.value).toBeCloseTo(estimate.seconds! / 0.8 / 3600, 9);
});

test('tokens a second and MFU say the same', () => {
  const byMfu = planned().training!;
  const bySpeed = planned({
    'training.mfu': undefined,
    'training.tokensPerSecondPerGpu': byMfu.tokensPerSecondPerGpu.value,
  }).training!;
  expect(bySpeed.mfu.value).toBeCloseTo(0.5, 12);
  expect(bySpeed.total.wallHours.value).toBeCloseTo(byMfu.total.wallHours.value, 9);
});

test('without either the published MFU stands in: summary for its GPU, unknown for others', () => {
  const evidence = (kind: string) =>
    planned({ 'training.mfu': undefined, 'nodes.gpu.kind': kind }).assumptions.find(
      ({ id }) => id === 'training.mfu',
    )!.evidence;
  expect(planned({ 'training.mfu': undefined }).training!.mfu.value).toBe(smolLm3.mfu);
  expect(evidence('H100')).toBe('summary');
  expect(evidence('B200')).toBe('unknown');
  const small = planned({
    'training.mfu': undefined,
    'nodes.gpu.kind': 'H100',
    'training.model': 'SmolLM2-135M',
  });
  expect(small.assumptions.find(({ id }) => id === 'training.mfu')!.evidence).toBe('unknown');
});

describe('memory of a GPU', () => {
  const model = modelConfigOf('Llama-3.2-3B');
  const training = { sequenceLength: 8192, recompute: false };
  const n = 3_212_749_824;
  const layer = 2 * (4 * 3072 + 2 * 3072 + 2 * 1024 + 4 * 8192);

  test('by hand: dp 32 and nothing divided', () => {
    const memory = gpuMemory({ dp: 32, tp: 1, pp: 1, microBatch: 2, accumulation: 8 }, training, model);
    expect(memory.weights.value).toBe(2 * n);
    expect(memory.gradients.value).toBe(6 * n);
    expect(memory.optimizer.value).toBe((12 * n) / 32);
    expect(memory.activations.value).toBe(2 * 8192 * 28 * layer);
    expect(memory.logits.value).toBe(2 * 8192 * 128_256 * 10);
    expect(memory.total.value).toBe(8 * n + (12 * n) / 32 + 2 * 8192 * (28 * layer + 1_282_560));
  });

  test('tp divides all of it, pp the layers but not the micro-batches that wait', () => {
    const one = gpuMemory({ dp: 4, tp: 1, pp: 1, microBatch: 1, accumulation: 8 }, training, model);
    const tensor = gpuMemory({ dp: 4, tp: 2, pp: 1, microBatch: 1, accumulation: 8 }, training, model);
    expect(tensor.total.value).toBeCloseTo(one.total.value / 2, 0);
    const pipeline = gpuMemory({ dp: 4, tp: 1, pp: 4, microBatch: 1, accumulation: 8 }, training, model);
    expect(pipeline.weights.value).toBe(one.weights.value / 4);
    expect(pipeline.activations.value).toBe(one.activations.value);
    const few = gpuMemory({ dp: 4, tp: 1, pp: 4, microBatch: 1, accumulation: 2 }, training, model);
    expect(few.activations.value).toBe(one.activations.value / 2);
  });

  test('recomputation keeps inputs of layers and one whole layer', () => {
    const memory = gpuMemory(
      { dp: 4, tp: 2, pp: 1, microBatch: 1, accumulation: 8 },
      { sequenceLength: 8192, recompute: true },
      model,
    );
    expect(memory.activations.value).toBe((8192 * (28 * 2 * 3072 + layer)) / 2);
  });
});

describe('the division over GPUs', () => {
  const model = modelConfigOf('Llama-3.2-3B');
  const choose = (changes: Record<string, unknown>, gigabytes: number) => {
    const { training, nodes } = parsed(changed(changes));
    const { count, gpus } = nodes.gpu!;
    return chooseLayout(
      training!,
      model,
      { nodes: count, gpus, memoryBytes: gigabytes * 1e9 },
      'cluster.yaml',
    );
  };

  test('takes data parallelism alone where a sequence fits, with the largest micro-batch', () => {
    // 27.0 GB of parameters and optimizer, 34.9 a sequence.
    expect(choose({}, 80)).toMatchObject({
      layout: { dp: 32, tp: 1, pp: 1, microBatch: 1, accumulation: 16 },
      fits: true,
      proposed: true,
    });
    expect(choose({}, 192).layout).toMatchObject({ tp: 1, microBatch: 4 });
  });

  test('then tensor parallelism within a node', () => {
    expect(choose({}, 48)).toMatchObject({ layout: { dp: 16, tp: 2, pp: 1 }, fits: true });
  });

  test('keeps what is given and says when it does not fit', () => {
    expect(choose({ 'training.tp': 4, 'training.microBatch': 1 }, 80).layout).toMatchObject({
      dp: 8,
      tp: 4,
      microBatch: 1,
    });
    expect(choose({ 'training.tp': 1, 'training.pp': 1 }, 24)).toMatchObject({ fits: false });
    const { problems } = planned({ 'nodes.gpu.memory': '2 GB' });
    expect(problems.join()).toMatch(/training does not fit: .* GiB a GPU at dp .*: recompute: true/);
  });

  test.each([
    [{ 'training.tp': 3 }, /cannot be divided with tp 3/],
    [{ 'training.dp': 5 }, /cannot be divided with dp 5/],
    [{ 'training.microBatch': 3 }, /cannot be divided with microBatch 3/],
    [{ 'nodes.gpu.count': 3 }, /3 nodes of 8 GPUs and 512 sequences/],
    [{ 'training.batchTokens': 10_000 }, /10000 is no whole number of sequences of 8192/],
  ])('refuses %j', (changes, message) => {
    // 3 nodes: 24 GPUs, and no dp of theirs but with tp 3 divides 512; heads rule tp 3 out.
    const attempt = () =>
      choose({ ...changes, ...('nodes.gpu.count' in changes ? { 'training.pp': 1 } : {}) }, 80);
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(message);
  });
});

describe('RL', () => {
  const rl = { steps: 10, prompts: 128, rollouts: 16, promptTokens: 100, responseTokens: 900 };

  test('counts rollouts, tokens and operations, and no hours without speeds', () => {
    const plan = planned({ rl }).rl!;
    expect(plan.rollouts.value).toBe(20_480);
    expect(plan.sampled.value).toBe(20_480 * 900);
    expect(plan.trained.value).toBe(20_480 * 1000);
    expect(plan.flops.value).toBeCloseTo(3_212_749_824 * (2 * 20_480 * 900 + 8 * 20_480 * 1000), -6);
    expect(plan.gpuHours).toBeUndefined();
  });

  test('takes turns sampling and training where both speeds are stated', () => {
    const plan = planned({ rl: { ...rl, tokensPerSecondPerGpu: 1000, mfu: 0.25 } }).rl!;
    const seconds = (20_480 * 900) / 1000 + (8 * 20_480 * 1000 * 3_212_749_824) / (1e15 * 0.25);
    expect(plan.gpuHours!.value).toBeCloseTo(seconds / 3600, 9);
    expect(plan.wallHours!.value).toBeCloseTo(seconds / 3600 / 32, 9);
  });
});

describe('rewriting', () => {
  const refine = { share: 0.5, model: 'a model', outputRatio: 0.8, promptTokens: 100 };

  test('reads every document with its instructions', () => {
    const plan = planned({ refine }).refine!;
    // 450,000 documents of 4 kB, 4 bytes a token.
    expect(plan.documents.value).toBe(225_000);
    expect(plan.read.value).toBe(225_000 * 1000 + 225_000 * 100);
    expect(plan.written.value).toBe(225_000 * 800);
    expect(plan.gpuHours).toBeUndefined();
  });

  test('takes GPU hours where a speed is stated', () => {
    const plan = planned({ refine: { ...refine, tokensPerSecondPerGpu: 500 } }).refine!;
    expect(plan.gpuHours!.value).toBeCloseTo((225_000 * 800) / 500 / 3600, 9);
  });
});
