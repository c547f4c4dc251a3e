/**
 * The plan of batched generation with a KV cache: `prefill` runs prompts through the training forward pass and fills their cache, `spread`
 * copies each prompt's cache to the slots of its samples (one prefill serves a GRPO group), `first` draws each slot's first token from its prompt's
 * last logits, `decode` takes every slot one token further. Tokens never come back to the CPU between steps.
 * Same kernels as training, attention in the same order: log-probabilities agree with the learner's.
 */
import { attentionDecodeKernel } from '../kernels/attention/spec.ts';
import { embeddingForwardKernel } from '../kernels/embedding/spec.ts';
import { appendToCacheKernel, copySlotsKernel } from '../kernels/kv-cache/spec.ts';
import { sampleKernel } from '../kernels/sample/spec.ts';
import type { ModelConfig } from './model/config.ts';
import {
  attendWithin,
  attentionScalars,
  type BatchTensors,
  type DecoderConstants,
  recordForward,
  recordNorm,
} from './model/decoder.ts';
import { logitScalars, recordLogits } from './model/head.ts';
import { vocabularyParts } from './model/parameters.ts';
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
  const { dim, heads, kvHeads, headDim, vocabSize } = config;
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
  const head = {
    w: vocabularyParts(blocks, config.tiedHead ? 'embedding' : 'head', dim),
    nothing: tensors.constants.nothing,
  };
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
        ...logitScalars(config),
      },
    );

  builder.program('prefill');
  const promptShape = { config, batch: prompts, seq: promptLength };
  const attend = attendWithin(builder, promptShape, tensors.batch);
  const saved = recordForward({
    builder,
    shape: promptShape,
    weights: blocks,
    batch: tensors.batch,
    constants: tensors.constants,
    attend: (layer, qkv, o) => {
      // Prefill copies keys and values into the cache.
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
      return attend(layer, qkv, o);
    },
  });
  // The final norm once more into a tensor that outlives this program.
  recordNorm(builder, config, tensors.constants, {
    name: 'prompt hidden',
    x: saved.last.x,
    weight: w('final-norm'),
    y: promptHidden,
    rows: promptRows,
  });

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
    { rows: slots, dim, first: 0, vocab: promptRows, scale: 1 },
  );
  const firstLogits = builder.tensor('first logits', slots * vocabSize);
  recordLogits(builder, head, config, { x: lastHidden, y: firstLogits, rows: slots });
  draw(firstLogits);

  builder.program('decode');
  const { hidden } = recordForward({
    builder,
    shape: { config, batch: slots, seq: 1 },
    weights: blocks,
    batch: { tokens: tensors.tokens, positions: tensors.positions },
    constants: tensors.constants,
    attend: (layer, qkv, o) => {
      builder.run(
        appendToCacheKernel,
        { qkv, slots: tensors.slotIds, positions: tensors.positions, cache: cache[layer]! },
        { rows: slots, heads, kv_heads: kvHeads, head_dim: headDim, capacity, slot_count: slots },
      );
      builder.run(
        attentionDecodeKernel,
        { qkv, cache: cache[layer]!, positions: tensors.positions, o },
        { slots, capacity, ...attentionScalars(config, layer) },
      );
      return undefined;
    },
  });
  const logits = builder.tensor('logits', slots * vocabSize);
  recordLogits(builder, head, config, { x: hidden, y: logits, rows: slots });
  draw(logits);
  return { plan: builder.finish(), tensors };
}
