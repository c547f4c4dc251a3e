/**
 * What one GPU holds while Nanotron trains with AdamW in bf16, gradients summed in fp32 and ZeRO-1:
 *
 *   weights      2 bytes a parameter, over tp x pp
 *   gradients    2 in bf16 and 4 in the fp32 sums, over tp x pp
 *   optimizer    4 master weight, 8 moments, over tp x pp x dp (ZeRO-1)
 *   activations  per token and layer, in bf16, with flash attention and sequence parallelism (all over tp): inputs of both norms and of the products
 *                after them (4 x width), q and attention's output (2 x heads), k and v (2 x kv heads), gate, up, their activation and its product
 *                (4 x MLP width); a pipeline stage holds micro-batches for as many stages as follow it, at worst pp. With recomputation a layer
 *                keeps its input only, and one layer at a time is whole
 *   logits       bf16, their fp32 copy and its gradient: 10 bytes a token and entry of the vocabulary, over tp
 *
 * Sources: the Ultra-Scale Playbook (2 + 2 + 4 + 4 + 8 bytes a parameter), read through a third party; ZeRO (Rajbhandari et al. 2020) for stage 1;
 * Korthikanti et al. 2022 for activations: its 34 bytes x width of a GPT layer without scores is 104 kB for Llama-3.2-3B, the count here 106 kB.
 * Not measured here: no GPU was. Left out: buckets of NCCL, fragmentation, CUDA's own memory (choose-parallelism.ts keeps a tenth free).
 */

import type { ModelConfig } from '../../trainer/model/config.ts';
import { countParameters } from '../../trainer/model/parameters.ts';
import type { Training } from './cluster-config.ts';
import { computed, type Figure, given, product, sum } from './figure.ts';

export interface Layout {
  dp: number;
  tp: number;
  pp: number;
  microBatch: number;
  accumulation: number;
}

export interface GpuMemory {
  weights: Figure;
  gradients: Figure;
  optimizer: Figure;
  activations: Figure;
  logits: Figure;
  total: Figure;
}

const id = 'gpu memory';

export function gpuMemory(
  { dp, tp, pp, microBatch, accumulation }: Layout,
  { sequenceLength, recompute }: Pick<Training, 'sequenceLength' | 'recompute'>,
  model: ModelConfig,
): GpuMemory {
  const parameters = given('parameters', countParameters(model), '', id);
  const [replicas, tensor, pipeline] = [given('dp', dp, ''), given('tp', tp, ''), given('pp', pp, '')];
  const each = (name: string, bytes: number, over: Figure[]): Figure =>
    product(name, 'bytes', [parameters, given('bytes a parameter', bytes, 'bytes')], over);
  const tokens = product('tokens of a micro-batch', '', [
    given('sequences', microBatch, ''),
    given('tokens a sequence', sequenceLength, ''),
  ]);
  const { dim, heads, headDim, kvHeads, hidden } = model;
  const layer = computed(
    'bytes a token and layer',
    'bytes',
    2 * (4 * dim + 2 * heads * headDim + 2 * kvHeads * headDim + 4 * hidden),
    `2 x (4 x width (${dim}) + 2 x heads (${heads * headDim}) + 2 x kv heads (${kvHeads * headDim}) + 4 x MLP (${hidden}))`,
  );
  const layers = given('layers a GPU', model.layers / pp, '');
  const held = given('micro-batches held', Math.min(pp, accumulation), '');
  const activations = recompute
    ? sum('activations', 'bytes', [
        product(
          'inputs of layers',
          'bytes',
          [tokens, layers, held, given('bytes of an input', 2 * dim, 'bytes')],
          [tensor],
        ),
        product('one layer', 'bytes', [tokens, layer], [tensor]),
      ])
    : product('activations', 'bytes', [tokens, layers, held, layer], [tensor]);
  const parts = {
    weights: each('weights', 2, [tensor, pipeline]),
    gradients: each('gradients', 6, [tensor, pipeline]),
    optimizer: each('optimizer', 12, [tensor, pipeline, replicas]),
    activations,
    logits: product(
      'logits',
      'bytes',
      [tokens, given('vocabulary', model.vocabSize, ''), given('bytes a logit', 10, 'bytes')],
      [tensor],
    ),
  };
  return { ...parts, total: sum('memory of a GPU', 'bytes', Object.values(parts)) };
}
