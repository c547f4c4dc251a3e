/** What bench:trainer measures: sizes and inputs of every row, the same on every side, and our side of each. */
import {
  attentionBackwardKeyValueKernel,
  attentionBackwardQueryKernel,
  attentionDeltaKernel,
  attentionForwardKernel,
} from '../../kernels/attention/spec.ts';
import { logitsGradientKernel, logProbabilitiesKernel } from '../../kernels/cross-entropy/spec.ts';
import { matmulBackwardInput, matmulBackwardWeight, matmulForward } from '../../kernels/matmul/spec.ts';
import type { MatmulOp } from '../../kernels/matmul/variant.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { Executable } from '../../trainer/gpu/executable.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { parameterBlocks } from '../../trainer/model/parameters.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { PlanBuilder, type Tensor } from '../../trainer/plan/plan.ts';

export interface MatmulRow {
  kind: 'matmul';
  name: string;
  op: MatmulOp;
  m: number;
  n: number;
  k: number;
}
export interface AttentionRow {
  kind: 'attention';
  name: string;
  batch: number;
  seq: number;
  heads: number;
  headDim: number;
}
export interface LossRow {
  kind: 'cross-entropy';
  name: string;
  rows: number;
  vocab: number;
}
export interface StepRow {
  kind: 'step';
  name: string;
  config: ModelConfig;
  batch: number;
  seq: number;
  lr: number;
  /** Names, shapes and seeds of the weights; vectors are ones. */
  tensors: { name: string; shape: readonly number[]; seed: number; scale: number }[];
}
export type TrainerRow = MatmulRow | AttentionRow | LossRow | StepRow;

/** Pseudo-random numbers in -0.5 .. 0.5, the same in every language: the high bits of a multiplicative hash. */
export function values(size: number, seed: number, scale = 1): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, i) => (((Math.imul(i + 1, 2654435761) + Math.imul(seed, 40503)) >>> 0) / 4294967296 - 0.5) * scale,
  );
}

const smallLlama: ModelConfig = {
  vocabSize: 4096,
  dim: 256,
  layers: 4,
  heads: 4,
  kvHeads: 4,
  headDim: 64,
  hidden: 688,
  maxPositions: 128,
  ropeTheta: 10000,
  normEps: 1e-5,
  tiedHead: false,
};

function matmul(op: MatmulOp, m: number, n = m, k = m): MatmulRow {
  const size = m === n && n === k ? `${m}^3` : `${m}x${n}x${k}`;
  const name = op === 'nt' ? size : `${size} ${op}`;
  return { kind: 'matmul', name: `matmul ${name}`, op, m, n, k };
}

export function trainerRows(quick: boolean): TrainerRow[] {
  // Kernels for heads of 64 channels take lavapipe 20 s of CPU each to compile when its shader cache is empty.
  const [heads, headDim] = quick ? [4, 16] : [4, 64];
  const config = quick
    ? { ...smallLlama, layers: 2, vocabSize: 1024, dim: 128, hidden: 352, heads, kvHeads: heads, headDim }
    : smallLlama;
  const parts = parameterBlocks(config).flatMap((block) => block.parts);
  const tensors = parts.map(({ name, shape }, i) => ({ name, shape, seed: 100 + i, scale: 0.1 }));
  return [
    matmul('nt', 256),
    matmul('nt', 512),
    ...(quick
      ? []
      : [
          matmul('nt', 1024),
          matmul('nn', 512),
          matmul('tn', 512),
          matmul('nt', 128, 4864, 896),
          matmul('nt', 128, 896, 4864),
        ]),
    { kind: 'attention', name: 'attention', batch: 2, seq: 128, heads, headDim },
    { kind: 'cross-entropy', name: 'cross-entropy', rows: 256, vocab: config.vocabSize },
    { kind: 'step', name: 'step', config, batch: 2, seq: 128, lr: 1e-3, tensors },
  ];
}

/** What a row's speed counts, per run, and in which unit. */
export function workOf(row: TrainerRow): { amount: number; unit: string } {
  if (row.kind === 'matmul') return { amount: (2 * row.m * row.n * row.k) / 1e9, unit: 'GFLOP/s' };
  // Two products forward and five backward over the lower triangle.
  if (row.kind === 'attention')
    return { amount: (7 * row.batch * row.heads * row.seq ** 2 * row.headDim) / 1e9, unit: 'GFLOP/s' };
  if (row.kind === 'cross-entropy') return { amount: (row.rows * row.vocab) / 1e6, unit: 'M logits/s' };
  return { amount: row.batch * row.seq, unit: 'tokens/s' };
}

/** One side of a row, ready to run. */
export interface Side {
  /** Runs the work `times` times and waits for it. */
  run(times: number): Promise<void>;
  /** Values of the result to compare, after the first `run(1)`. */
  check(): Promise<number[]>;
  destroy(): void;
}

/** 32 values from all over a result. */
function sampled(result: Float32Array): number[] {
  return Array.from({ length: 32 }, (_, i) => result[Math.floor((i * result.length) / 32)]!);
}

async function planned(
  gpu: Gpu,
  record: (builder: PlanBuilder, input: (name: string, data: Float32Array | Uint32Array) => Tensor) => Tensor,
): Promise<Side> {
  const builder = new PlanBuilder();
  const inputs: [Tensor, Float32Array | Uint32Array][] = [];
  builder.program('run');
  const out = record(builder, (name, data) => {
    const tensor = builder.tensor(
      name,
      data.length,
      'persistent',
      data instanceof Uint32Array ? 'u32' : 'f32',
    );
    inputs.push([tensor, data]);
    return tensor;
  });
  const executable = await Executable.create(gpu, builder.finish());
  for (const [tensor, data] of inputs) executable.write(tensor, data);
  return {
    async run(times) {
      for (let i = 0; i < times; i++) executable.run('run');
      await gpu.sync();
    },
    check: async () => sampled(new Float32Array(await executable.read(out))),
    destroy: () => executable.destroy(),
  };
}

export async function ourSide(gpu: Gpu, row: TrainerRow): Promise<Side> {
  if (row.kind === 'step') return ourStep(gpu, row);
  return planned(gpu, (builder, input) => {
    if (row.kind === 'matmul') {
      const { op, m, n, k } = row;
      const [a, b] = [input('a', values(m * k, 1)), input('b', values(k * n, 2))];
      const out = builder.tensor('out', m * n, 'persistent');
      const nothing = builder.tensor('nothing', 4, 'persistent');
      if (op === 'nt')
        builder.run(
          matmulForward,
          { x: a, w: b, residual: nothing, y: out },
          { m, n, k, use_residual: 0, stride: n, first: 0 },
        );
      else if (op === 'nn')
        builder.run(
          matmulBackwardInput,
          { dy: a, w: b, dx: out },
          { m, n, k, accumulate: 0, stride: k, first: 0 },
        );
      else
        builder.run(
          matmulBackwardWeight,
          { dy: a, x: b, parts: out },
          { m, n, k, splits: 1, accumulate: 0, stride: m, first: 0 },
        );
      return out;
    }
    if (row.kind === 'attention') {
      const { batch, seq, heads, headDim } = row;
      const size = batch * seq * heads * headDim;
      const s = {
        batch,
        seq,
        heads,
        kv_heads: heads,
        head_dim: headDim,
        window: 0,
        scale: 1 / Math.sqrt(headDim),
        softcap: 0,
        use_softcap: 0,
      };
      const qkv = input('qkv', values(size * 3, 1, 4));
      const kvStart = input('kvStart', new Uint32Array(batch * seq));
      const dOut = input('dOut', values(size, 2));
      const tensor = (name: string, length: number) => builder.tensor(name, length, 'persistent');
      const [o, lse, delta, dQkv] = [
        tensor('o', size),
        tensor('lse', batch * seq * heads),
        tensor('delta', batch * seq * heads),
        tensor('dQkv', size * 3),
      ];
      builder.run(attentionForwardKernel, { qkv, kvStart, o, lse }, s);
      builder.run(
        attentionDeltaKernel,
        { dOut, o, delta },
        { count: batch * seq * heads, head_dim: headDim },
      );
      builder.run(attentionBackwardQueryKernel, { qkv, kvStart, lse, dOut, delta, dQkv }, s);
      builder.run(attentionBackwardKeyValueKernel, { qkv, kvStart, lse, dOut, delta, dQkv }, s);
      return dQkv;
    }
    const { rows, vocab } = row;
    const s = { rows, vocab, first: 0, inv_temperature: 1, softcap: 0, use_softcap: 0, z_loss: 0 };
    const logits = input('logits', values(rows * vocab, 1, 4));
    const targets = input('targets', tokensOf(rows, vocab, 3));
    const weights = input(
      'weights',
      Float32Array.from({ length: rows * 2 }, (_, i) => (i % 2 === 0 ? -1 : 0)),
    );
    const stats = builder.tensor('stats', rows * 4, 'persistent');
    builder.run(logProbabilitiesKernel, { logits, targets, stats }, s);
    builder.run(logitsGradientKernel, { logits, targets, stats, weights }, s);
    return logits; // the gradient of the sum of losses, written over the logits
  });
}

export function tokensOf(count: number, vocab: number, seed: number): Uint32Array {
  return Uint32Array.from(values(count, seed), (x) => Math.min(vocab - 1, Math.floor((x + 0.5) * vocab)));
}

async function ourStep(gpu: Gpu, row: StepRow): Promise<Side> {
  const { config, batch, seq, lr, tensors } = row;
  const weights = new ModelWeights(gpu, config);
  for (const { name, shape, seed, scale } of tensors) {
    const size = shape.reduce((a, b) => a * b, 1);
    weights.load(name, shape.length === 1 ? new Float32Array(size).fill(1) : values(size, seed, scale));
  }
  const learner = await Learner.create(gpu, weights, {
    config,
    batch,
    seq,
    logitsBytes: 32 << 20,
    temperature: 1,
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, maxGradNorm: 1e9 },
  });
  const count = batch * seq;
  const rows = {
    tokens: tokensOf(count, config.vocabSize, 3),
    targets: tokensOf(count, config.vocabSize, 4),
    positions: Uint32Array.from({ length: count }, (_, i) => i % seq),
    kvStart: new Uint32Array(count),
  };
  const losses: number[] = [];
  return {
    async run(times) {
      for (let i = 0; i < times; i++) {
        learner.begin();
        learner.accumulateCrossEntropy(rows, new Float32Array(count).fill(1 / count));
        losses.push((await learner.step(lr)).loss);
      }
    },
    check: async () => losses.slice(0, 2),
    destroy() {
      learner.destroy();
      weights.destroy();
    },
  };
}
