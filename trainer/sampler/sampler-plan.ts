/**
 * The plan of generation over a KV cache of slots. Every program works on rows; a row is a token at a position of a slot, so rows of
 * prompts and rows that decode go through the same kernels, packed without padding:
 *   extend N    N rows of prompts: fills their keys and values
 *   score N     the same, and the log-probability of each row's target with the likeliest tokens (prompt log-probabilities)
 *   copy        the first positions of a slot to other slots, for prompts that begin alike (one prefill serves a GRPO group)
 *   decode N    one token further for N slots: attends, computes logits, draws (kernels/sample)
 *   rank N      decode, and the likeliest tokens of what was drawn from
 * A sample's first token is drawn by decoding its prompt's last token, so there is no other way to draw. N comes in steps: when few
 * slots are busy, few rows are computed. Tokens stay on the device between steps. The kernels are the ones of training, attention in the
 * same order: log-probabilities agree with the learner's.
 */
import { appendToCacheKernel, attendCacheKernel, copySlotsKernel } from '../../kernels/kv-cache/spec.ts';
import { settingsWords } from '../../kernels/sample/reference.ts';
import { sampleKernel, topLogprobsKernel } from '../../kernels/sample/spec.ts';
import type { ModelConfig } from '../model/config.ts';
import {
  attentionScalars,
  type BatchTensors,
  type DecoderConstants,
  type ForwardContext,
  recordForward,
} from '../model/decoder.ts';
import { logitScalars, recordLogits } from '../model/head.ts';
import { vocabularyParts } from '../model/parameters.ts';
import { type Plan, PlanBuilder, type Tensor } from '../plan/plan.ts';

export interface SamplerShape {
  config: ModelConfig;
  /** Most tokens of a prompt. */
  promptLength: number;
  /** Most tokens a sample may have. */
  responseLength: number;
  /** Samples generated side by side. */
  slots: number;
  /** Of requests that do not say: 0 means greedy. */
  temperature: number;
  /** Ends a sample, unless its request names other end tokens. */
  eosId: number;
  /** Record `score` and `rank` too: log-probabilities of prompts, and likeliest tokens. */
  ranking?: boolean;
}

/** Likeliest tokens a request may ask for. */
export const mostRanked = 20;
/** Most steps between two looks at the device. */
export const mostSteps = 8;

/** Rows of a program: one a token. All (rows) u32. */
export interface RowTensors extends Pick<BatchTensors, 'tokens' | 'positions'> {
  slots: Tensor;
}

export interface SamplerTensors {
  /** Rows of prompts. */
  prompt: RowTensors;
  /** Rows that decode: their last token, where it is, and their slot. */
  decoding: RowTensors;
  /** (slots, 8) and (slots, 4) u32: kernels/sample/forward.wgsl. */
  settings: Tensor;
  state: Tensor;
  /** (mostSteps, rows of the program, 2) u32: token, and the bits of its f32 log-probability. */
  out: Tensor;
  /** (slots) u32 each: the slot to copy from or 0xffffffff, and how many positions. */
  source: Tensor;
  lengths: Tensor;
  /** (rows) u32 each, and (rows, mostRanked + 1, 2): kernels/sample/top-logprobs.wgsl. */
  targets?: Tensor;
  wanted?: Tensor;
  ranks?: Tensor;
  rope: Tensor;
}

export interface SamplerPlan {
  plan: Plan;
  tensors: SamplerTensors;
  /** Rows of the programs, ascending. */
  extendRows: readonly number[];
  scoreRows: readonly number[];
  decodeRows: readonly number[];
}

/** Rows of a prefill program at most; more only adds memory. */
const mostExtendRows = 256;
/** Bytes that the logits of scored prompt rows may take. */
const scoreBytes = 32 * 1024 * 1024;

/** Sizes from `least` to `most`, each `factor` times the one before. */
function programSizes(least: number, most: number, factor: number): number[] {
  const sizes: number[] = [];
  for (let n = least; n < most; n *= factor) sizes.push(n);
  return [...sizes, most];
}

/** Elements of a layer's cache for one slot. */
export function cacheElements(config: ModelConfig, capacity: number): number {
  return 2 * config.kvHeads * config.headDim * capacity;
}

export function planSampler(
  shape: SamplerShape,
  declareWeights: (builder: PlanBuilder) => { blocks: ReadonlyMap<string, Tensor> },
): SamplerPlan {
  const { config, promptLength, slots, responseLength } = shape;
  const { dim, heads, kvHeads, headDim, vocabSize } = config;
  const builder = new PlanBuilder();
  const { blocks } = declareWeights(builder);
  const input = (name: string, size: number) => builder.tensor(name, size, 'persistent', 'u32');
  const capacity = promptLength + responseLength;
  const decodeRows = programSizes(1, slots, 2);
  const extendRows = programSizes(16, Math.max(16, Math.min(mostExtendRows, slots * promptLength)), 4);
  const fit = Math.max(1, Math.min(mostExtendRows, promptLength, Math.floor(scoreBytes / (vocabSize * 4))));
  const scoreRows = shape.ranking ? programSizes(Math.min(8, fit), fit, 4) : [];
  const rowTensors = (name: string, rows: number): RowTensors => ({
    tokens: input(`${name} tokens`, rows),
    positions: input(`${name} positions`, rows),
    slots: input(`${name} slots`, rows),
  });
  const ranked = Math.max(fit, slots);
  const tensors: SamplerTensors = {
    prompt: rowTensors('prompt', extendRows.at(-1)!),
    decoding: rowTensors('decoding', slots),
    settings: input('settings', slots * settingsWords),
    state: input('state', slots * 4),
    out: input('out', mostSteps * slots * 2),
    source: input('source', slots),
    lengths: input('lengths', slots),
    rope: builder.tensor('rope', capacity * headDim, 'persistent'),
    ...(shape.ranking && {
      targets: input('targets', ranked),
      wanted: input('wanted', ranked),
      ranks: input('ranks', ranked * (mostRanked + 1) * 2),
    }),
  };
  const constants: DecoderConstants = {
    rope: tensors.rope,
    nothing: builder.tensor('nothing', 4, 'persistent'),
  };
  const caches = Array.from({ length: config.layers }, (_, i) =>
    builder.tensor(`cache ${i}`, slots * cacheElements(config, capacity), 'persistent'),
  );
  const head = {
    w: vocabularyParts(blocks, config.tiedHead ? 'embedding' : 'head', dim),
    nothing: constants.nothing,
  };

  /** The forward pass of rows: their hidden states (rows, D). */
  const forward = (rows: number, batch: RowTensors): Tensor => {
    const cacheShape = { rows, heads, kv_heads: kvHeads, capacity, slot_count: slots };
    const context: ForwardContext = {
      builder,
      shape: { config, batch: rows, seq: 1 },
      weights: blocks,
      batch,
      constants,
      attendRotates: true,
      attend: (layer, qkv, o) => {
        const cache = caches[layer]!;
        const { slots: rowSlots, positions } = batch;
        builder.run(
          appendToCacheKernel,
          { slots: rowSlots, positions, table: tensors.rope, qkv, cache },
          { ...cacheShape, half: headDim / 2 },
        );
        builder.run(
          attendCacheKernel,
          { qkv, cache, slots: rowSlots, positions, o },
          {
            ...cacheShape,
            ...attentionScalars(config, layer),
          },
        );
        return undefined;
      },
    };
    return recordForward(context).hidden;
  };
  const logitsOf = (rows: number, hidden: Tensor): Tensor => {
    const logits = builder.tensor('logits', rows * vocabSize);
    recordLogits(builder, head, config, { x: hidden, y: logits, rows });
    return logits;
  };
  const rank = (rows: number, logits: Tensor, targets: Tensor) =>
    builder.run(
      topLogprobsKernel,
      { logits, targets, wanted: tensors.wanted!, out: tensors.ranks! },
      { rows, vocab: vocabSize, most: mostRanked, ...logitScalars(config) },
    );

  for (const rows of extendRows) {
    builder.program(`extend ${rows}`);
    forward(rows, tensors.prompt);
  }
  for (const rows of scoreRows) {
    builder.program(`score ${rows}`);
    rank(rows, logitsOf(rows, forward(rows, tensors.prompt)), tensors.targets!);
  }
  builder.program('copy');
  for (const cache of caches) {
    const width = 2 * kvHeads * headDim;
    builder.run(
      copySlotsKernel,
      { source: tensors.source, lengths: tensors.lengths, cache },
      { slots, capacity, width },
    );
  }
  for (const name of shape.ranking ? ['decode', 'rank'] : ['decode']) {
    for (const rows of decodeRows) {
      builder.program(`${name} ${rows}`);
      const logits = logitsOf(rows, forward(rows, tensors.decoding));
      const { settings, state, out } = tensors;
      const { tokens, positions } = tensors.decoding;
      builder.run(
        sampleKernel,
        { logits, settings, state, tokens, positions, out },
        { rows, vocab: vocabSize, capacity: mostSteps, ...logitScalars(config) },
      );
      if (name === 'rank') rank(rows, logits, tokens);
    }
  }
  return { plan: builder.finish(), tensors, extendRows, scoreRows, decodeRows };
}
