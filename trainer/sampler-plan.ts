/**
 * The plan of batched generation with a KV cache: `prefill` runs prompts through the training forward pass and fills their cache, `spread`
 * copies each prompt's cache to the slots of its samples (one prefill serves a GRPO group), `first` draws each slot's first token from its prompt's
 * last logits, `decode` takes every slot one token further. Tokens never come back to the CPU between steps.
 * Same kernels as training, attention in the same order: log-probabilities agree with the learner's.
 */
import { attentionDecodeKernel } from '../kernels/attention/spec.ts';
import { embeddingForwardKernel } from '../kernels/embedding/spec.ts';
import { swigluForwardKernel } from '../kernels/gated-mlp/spec.ts';
import { appendToCacheKernel, copySlotsKernel } from '../kernels/kv-cache/spec.ts';
import { rmsNormForwardKernel } from '../kernels/rms-norm/spec.ts';
import { ropeKernel } from '../kernels/rope/spec.ts';
import { sampleKernel } from '../kernels/sample/spec.ts';
import type { ModelConfig } from './model/config.ts';
import { type BatchTensors, type DecoderConstants, recordForward } from './model/decoder.ts';
import { recordLinear } from './model/linear.ts';
import { type Plan, PlanBuilder, type Tensor } from './plan.ts';

export interface SamplerShape {
  config: ModelConfig;
  /** Prompts of one prefill, and the positions each may take. */
  prompts: number;
  promptLength: number;
  /** Samples generated side by side. */
  slots: number;
  /** Most tokens a sample may have. */
  responseLength: number;
  /** 0 means greedy. */
  temperature: number;
  eosId: number;
}

export interface SamplerTensors {
  batch: BatchTensors;
  /** (prompts * promptLength) u32: the prompt a row belongs to, or 0xffffffff for padding. */
  promptSlots: Tensor;
  /** (slots) u32 each: which prompt, how many of its positions, the row of its last token, seed, most tokens to draw. */
  source: Tensor;
  lengths: Tensor;
  lastRows: Tensor;
  seeds: Tensor;
  limits: Tensor;
  /** (slots, 4) u32: position of the last token, done, token, drawn. */
  state: Tensor;
  tokens: Tensor;
  positions: Tensor;
  /** (slots, responseLength, 2) u32: token, and the bits of its f32 log-probability. */
  out: Tensor;
  /** (slots) u32 0, 1, ...: the slot of each decoding row. */
  slotIds: Tensor;
  constants: DecoderConstants;
}

export function planSampler(
  shape: SamplerShape,
  declareWeights: (builder: PlanBuilder) => { blocks: ReadonlyMap<string, Tensor> },
): { plan: Plan; tensors: SamplerTensors } {
  const { config, prompts, promptLength, slots, responseLength } = shape;
  const { dim, heads, kvHeads, headDim, hidden, vocabSize } = config;
  const builder = new PlanBuilder();
  const { blocks } = declareWeights(builder);
  const input = (name: string, size: number) => builder.tensor(name, size, 'persistent', 'u32');
  const promptRows = prompts * promptLength;
  const capacity = promptLength + responseLength;
  const tensors: SamplerTensors = {
    batch: {
      tokens: input('prompt tokens', promptRows),
      positions: input('prompt positions', promptRows),
      kvStart: input('kvStart', promptRows),
    },
    promptSlots: input('prompt slots', promptRows),
    source: input('source', slots),
    lengths: input('lengths', slots),
    lastRows: input('last rows', slots),
    seeds: input('seeds', slots),
    limits: input('limits', slots),
    state: input('state', slots * 4),
    tokens: input('tokens', slots),
    positions: input('positions', slots),
    out: input('out', slots * responseLength * 2),
    slotIds: input('slot ids', slots),
    constants: {
      rope: builder.tensor('rope', capacity * headDim, 'persistent'),
      nothing: builder.tensor('nothing', 4, 'persistent'),
    },
  };
  const cacheOf = (name: string, count: number, length: number) =>
    Array.from({ length: config.layers }, (_, i) =>
      builder.tensor(`${name} ${i}`, count * 2 * kvHeads * length * headDim, 'persistent'),
    );
  const promptCache = cacheOf('prompt cache', prompts, promptLength);
  const cache = cacheOf('cache', slots, capacity);
  const promptHidden = builder.tensor('prompt hidden', promptRows * dim, 'persistent');
  const w = (name: string) => blocks.get(name)!;
  const headWeight = w(config.tiedHead ? 'embedding' : 'head');
  const draw = (logits: Tensor) =>
    builder.run(
      sampleKernel,
      {
        logits,
        seeds: tensors.seeds,
        limits: tensors.limits,
        state: tensors.state,
        tokens: tensors.tokens,
        positions: tensors.positions,
        out: tensors.out,
      },
      {
        slots,
        vocab: vocabSize,
        capacity: responseLength,
        eos: shape.eosId,
        inv_temperature: shape.temperature === 0 ? 0 : 1 / shape.temperature,
      },
    );
  const norm = (x: Tensor, weight: Tensor, y: Tensor, rows: number) => {
    const rstd = builder.tensor('rstd', rows);
    builder.run(rmsNormForwardKernel, { x, weight, y, rstd }, { rows, dim, eps: config.normEps });
  };

  builder.program('prefill');
  const saved = recordForward(
    builder,
    { config, batch: prompts, seq: promptLength },
    blocks,
    tensors.batch,
    tensors.constants,
    (layer, qkv) => {
      builder.run(
        appendToCacheKernel,
        { qkv, slots: tensors.promptSlots, positions: tensors.batch.positions, cache: promptCache[layer]! },
        {
          rows: promptRows,
          heads,
          kv_heads: kvHeads,
          head_dim: headDim,
          capacity: promptLength,
          slot_count: prompts,
        },
      );
    },
  );
  // The final norm once more into a tensor that outlives this program.
  norm(saved.last, w('final-norm'), promptHidden, promptRows);

  builder.program('spread');
  for (let i = 0; i < config.layers; i++) {
    builder.run(
      copySlotsKernel,
      { cacheFrom: promptCache[i]!, source: tensors.source, lengths: tensors.lengths, cacheTo: cache[i]! },
      {
        slots,
        prompts,
        kv_heads: kvHeads,
        head_dim: headDim,
        from_capacity: promptLength,
        to_capacity: capacity,
        span: promptLength,
      },
    );
  }
  // Picking each slot's last prompt row is an embedding look-up over the prompt's hidden states.
  const lastHidden = builder.tensor('last hidden', slots * dim);
  builder.run(
    embeddingForwardKernel,
    { tokens: tensors.lastRows, table: promptHidden, y: lastHidden },
    { rows: slots, dim, vocab: promptRows },
  );
  const firstLogits = builder.tensor('first logits', slots * vocabSize);
  recordLinear(builder, tensors.constants, {
    x: lastHidden,
    w: headWeight,
    y: firstLogits,
    rows: slots,
    inputs: dim,
    outputs: vocabSize,
  });
  draw(firstLogits);

  builder.program('decode');
  const qkvDim = (heads + 2 * kvHeads) * headDim;
  let x = builder.tensor('x', slots * dim);
  builder.run(
    embeddingForwardKernel,
    { tokens: tensors.tokens, table: w('embedding'), y: x },
    { rows: slots, dim, vocab: vocabSize },
  );
  for (let i = 0; i < config.layers; i++) {
    const h = builder.tensor(`${i}.h`, slots * dim);
    norm(x, w(`${i}.attention-norm`), h, slots);
    const qkv = builder.tensor(`${i}.qkv`, slots * qkvDim);
    recordLinear(builder, tensors.constants, {
      x: h,
      w: w(`${i}.qkv`),
      y: qkv,
      rows: slots,
      inputs: dim,
      outputs: qkvDim,
    });
    builder.run(
      ropeKernel,
      { positions: tensors.positions, table: tensors.constants.rope, qkv },
      { rows: slots, heads: heads + kvHeads, half: headDim / 2, stride: qkvDim, direction: 1 },
    );
    builder.run(
      appendToCacheKernel,
      { qkv, slots: tensors.slotIds, positions: tensors.positions, cache: cache[i]! },
      { rows: slots, heads, kv_heads: kvHeads, head_dim: headDim, capacity, slot_count: slots },
    );
    const o = builder.tensor(`${i}.o`, slots * heads * headDim);
    builder.run(
      attentionDecodeKernel,
      { qkv, cache: cache[i]!, positions: tensors.positions, o },
      { slots, heads, kv_heads: kvHeads, head_dim: headDim, capacity, scale: 1 / Math.sqrt(headDim) },
    );
    const x1 = builder.tensor(`${i}.x1`, slots * dim);
    recordLinear(builder, tensors.constants, {
      x: o,
      w: w(`${i}.attention-out`),
      y: x1,
      residual: x,
      rows: slots,
      inputs: heads * headDim,
      outputs: dim,
    });
    const h1 = builder.tensor(`${i}.h1`, slots * dim);
    norm(x1, w(`${i}.mlp-norm`), h1, slots);
    const gateUp = builder.tensor(`${i}.gate-up`, slots * 2 * hidden);
    recordLinear(builder, tensors.constants, {
      x: h1,
      w: w(`${i}.gate-up`),
      y: gateUp,
      rows: slots,
      inputs: dim,
      outputs: 2 * hidden,
    });
    const activated = builder.tensor(`${i}.activated`, slots * hidden);
    builder.run(swigluForwardKernel, { gateUp, y: activated }, { rows: slots, hidden });
    const x2 = builder.tensor(`${i}.x2`, slots * dim);
    recordLinear(builder, tensors.constants, {
      x: activated,
      w: w(`${i}.down`),
      y: x2,
      residual: x1,
      rows: slots,
      inputs: hidden,
      outputs: dim,
    });
    x = x2;
  }
  const last = builder.tensor('normed', slots * dim);
  norm(x, w('final-norm'), last, slots);
  const logits = builder.tensor('logits', slots * vocabSize);
  recordLinear(builder, tensors.constants, {
    x: last,
    w: headWeight,
    y: logits,
    rows: slots,
    inputs: dim,
    outputs: vocabSize,
  });
  draw(logits);
  return { plan: builder.finish(), tensors };
}
