/**
 * What this machine's GPU does with midtrain, in one command: the adapter, the speed of its matrix products, and training on random tokens
 * for a minute each of models of 135M and 1B weights (operands in f16 where the GPU computes with it): tokens a second, model FLOP/s, and MFU, their share of the products' speed. On a software
 * adapter the shapes are tiny, to show that everything runs.
 *
 *   npm run bench:gpu [-- --seconds 60] [--model SmolLM2-135M] [--sequence 1024] [--batch 8] [--precision f32]
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { flopsPerToken } from '../../src/core/model-flops.ts';
import { Random } from '../../src/core/random.ts';
import { autotune, productsOf } from '../../trainer/gpu/autotune.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { measureBandwidth } from '../../trainer/gpu/measure-bandwidth.ts';
import { measureSpeed } from '../../trainer/gpu/measure-speed.ts';
import { adoptKernels, usedKernels } from '../../trainer/gpu/tuning.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { planLearner } from '../../trainer/learner/learner-plan.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { modelConfigOf, shapeOf } from '../../trainer/model/model-shapes.ts';
import { countParameters } from '../../trainer/model/parameters.ts';
import { resolvePrecision } from '../../trainer/model/precision.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { type BenchRow, benchRow, printBench } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string' },
    model: { type: 'string', multiple: true },
    sequence: { type: 'string' },
    batch: { type: 'string' },
    precision: { type: 'string' },
    quick: { type: 'boolean' },
  },
});

/** As the models of that size, but small enough for a CPU: the same proportions of width, heads and layers. */
function tiny(config: ModelConfig, dim: number, layers: number): ModelConfig {
  const headDim = 16;
  const heads = dim / headDim;
  return {
    ...config,
    dim,
    layers,
    heads,
    kvHeads: Math.max(1, Math.round((heads * config.kvHeads) / config.heads)),
    headDim,
    hidden: Math.round((dim * config.hidden) / config.dim / 16) * 16,
    vocabSize: 1024,
    maxPositions: 512,
  };
}

const gpu = await openDevice();
const { info } = gpu;
console.log(`adapter   ${info.name} (${info.software ? 'software: the CPU does the work' : 'hardware'})`);
console.log(`features  ${info.features.join(', ')}`);
console.log(`binds     ${((info.limits.maxStorageBufferBindingSize ?? 0) / 1048576).toFixed(0)} MiB at most`);
const asked = z.enum(['auto', 'f32', 'f16']).parse(flags.precision ?? 'auto');
const precision = resolvePrecision(gpu, asked);
const half = precision === 'f16';
// The fastest variant at a large size: what model FLOP/s are a share of.
const speed = await measureSpeed(gpu, { seconds: info.software ? 1 : 3, half, peak: true });
const gflops = speed.flopsPerSecond / 1e9;
console.log(`products  ${gflops.toFixed(1)} GFLOP/s in ${precision} at ${speed.shape.m}^3`);
const bandwidth = (await measureBandwidth(gpu)).bytesPerSecond / 1e9;
console.log(`memory    ${bandwidth.toFixed(1)} GB/s (STREAM triad)`);

const rows: BenchRow[] = [
  benchRow(`matmul ${precision}`, 'GFLOP/s', gflops, undefined),
  benchRow('memory triad', 'GB/s', bandwidth, undefined),
];
const seconds = Number(flags.seconds ?? (flags.quick || info.software ? 8 : 60));
for (const name of flags.model ?? ['SmolLM2-135M', 'Llama-3.2-1B']) {
  const real = modelConfigOf(name);
  const small = name.includes('135M') ? tiny(real, 48, 4) : tiny(real, 64, 6);
  const config = info.software ? small : real;
  const seq = Number(flags.sequence ?? (info.software ? 64 : 1024));
  let batch = Number(flags.batch ?? (info.software ? 2 : name.includes('135M') ? 8 : 2));
  for (;;) {
    try {
      rows.push(...(await trainFor(gpu, name, config, batch, seq)));
      break;
    } catch (error) {
      if (batch === 1 || !/memory|buffer/i.test(String(error))) throw error;
      batch = Math.floor(batch / 2);
      console.log(`${name}: ${(error as Error).message}; again with ${batch} sequences`);
    }
  }
}
await gpu.close();
printBench('gpu', rows);

async function trainFor(
  device: Gpu,
  name: string,
  config: ModelConfig,
  batch: number,
  seq: number,
): Promise<BenchRow[]> {
  const weights = new ModelWeights(device, config, { precision });
  const random = new Random(1);
  // One piece of noise, uploaded again and again: what the weights are does not change the time.
  const noise = Float32Array.from({ length: 1 << 20 }, () => random.normal() * 0.02);
  for (const tensor of weights.tensors()) {
    for (let first = 0; first < tensor.size; first += noise.length)
      weights.load(tensor.name, noise.subarray(0, Math.min(noise.length, tensor.size - first)), first);
    await device.sync();
  }
  const shape = {
    config,
    batch,
    seq,
    logitsBytes: 64 << 20,
    temperature: 1,
    optimizer: adamWDefaults,
    checkpointing: 'block' as const,
  };
  // Which variant of the matrix product is fastest here, measured once and kept for every later run on this adapter.
  const { plan } = planLearner(shape, weights.slabs, (builder) => weights.declare(builder));
  await autotune(device, productsOf(plan), { seconds: info.software ? 5 : 60 });
  adoptKernels(device);
  const learner = await Learner.create(device, weights, shape);
  const n = batch * seq;
  const perRow = new Float32Array(n).fill(1 / n);
  const rowsOf = () => ({
    tokens: Uint32Array.from({ length: n }, () => random.int(config.vocabSize)),
    targets: Uint32Array.from({ length: n }, () => random.int(config.vocabSize)),
    positions: Uint32Array.from({ length: n }, (_, i) => i % seq),
    kvStart: new Uint32Array(n),
  });
  const step = async () => {
    learner.begin();
    learner.accumulateCrossEntropy(rowsOf(), perRow);
    return learner.step(1e-4);
  };
  // The first step compiles and warms up.
  await step();
  const began = performance.now();
  let steps = 0;
  let loss = 0;
  while ((performance.now() - began) / 1000 < seconds) {
    ({ loss } = await step());
    steps++;
  }
  const taken = (performance.now() - began) / 1000;
  console.log(`kernels   ${[...new Set(Object.values(usedKernels(device).variants))].join(', ')}`);
  const allocated = learner.allocatedBytes + weights.slabs.reduce((sum, slab) => sum + slab.size * 4, 0);
  learner.destroy();
  weights.destroy();
  const tokens = (steps * n) / taken;
  const flops = flopsPerToken(shapeOf(name, config), seq) * tokens;
  const share = flops / speed.flopsPerSecond;
  const size = `${(countParameters(config) / 1e6).toFixed(1)}M weights, ${batch} x ${seq}`;
  console.log(
    `${name} (${size}): ${tokens.toFixed(0)} tokens/s, ${(flops / 1e9).toFixed(1)} GFLOP/s of the model, ${(share * 100).toFixed(0)} % of the products' speed, ${(allocated / 1048576).toFixed(0)} MiB of buffers, loss ${loss.toFixed(2)} after ${steps} steps`,
  );
  return [
    benchRow(`${name} training`, 'tokens/s', tokens, undefined),
    benchRow(`${name} model FLOP/s`, 'GFLOP/s', flops / 1e9, undefined),
    benchRow(`${name} MFU`, '% of the measured peak', share * 100, undefined),
  ];
}
