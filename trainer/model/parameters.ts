/**
 * The one table of parameters: their Hugging Face names and shapes, which of them are fused into one matrix on the GPU (q, k, v; gate and
 * up), which get weight decay, and where each lies in the slabs that the optimizer walks.
 *
 * The vocabulary (embedding and head) may be cut into blocks of rows, where one matrix would be larger than the device can bind.
 * A slab is one GPU buffer of many parameters, so that AdamW and the gradient norm are a few dispatches however many layers there are.
 * Matrices (decayed) and norm weights (not decayed) have slabs of their own (nanotron, llm.c: decay on 2-D tensors only).
 */
import { UserError } from '../../src/core/errors.ts';
import { windowAlignment } from '../plan/plan.ts';
import type { ModelConfig } from './config.ts';

export interface ParameterPart {
  /** Hugging Face name, such as `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First row of the tensor of that name that this part holds; left out, the part is the whole tensor. */
  readonly firstRow?: number;
}

/** One or more tensors stacked by rows into one matrix. */
export interface ParameterBlock {
  readonly name: string;
  readonly parts: readonly ParameterPart[];
  readonly size: number;
  readonly decay: boolean;
  /** An operand of matrix products: a matrix, unless it is an embedding that only looks rows up. */
  readonly inProducts: boolean;
}

export interface Slab {
  readonly decay: boolean;
  readonly size: number;
  readonly blocks: readonly { readonly block: ParameterBlock; readonly offset: number }[];
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/**
 * Rows of the vocabulary in one block, when a binding holds `maxBytes`: all of them, or as many as fit, a multiple of 64 (of 4
 * where that is too much) so that blocks of columns of the logits stay aligned.
 */
export function vocabularyRows(config: ModelConfig, maxBytes: number): number {
  const fit = Math.floor(maxBytes / 4 / config.dim);
  if (config.vocabSize <= fit) return config.vocabSize;
  const step = fit >= 64 ? 64 : 4;
  return Math.max(step, Math.floor(fit / step) * step);
}

/** The vocabulary's matrix `name` (embedding or head) as tensors of consecutive rows, first row and number of rows with each. */
export function vocabularyParts<T extends { size: number }>(
  tensors: ReadonlyMap<string, T>,
  name: 'embedding' | 'head',
  dim: number,
): { tensor: T; first: number; rows: number }[] {
  const parts: { tensor: T; first: number; rows: number }[] = [];
  for (let i = 0, first = 0; ; i++) {
    const tensor = tensors.get(i === 0 && tensors.has(name) ? name : `${name}.${i}`);
    if (tensor === undefined) return parts;
    const rows = tensor.size / dim;
    parts.push({ tensor, first, rows });
    first += rows;
  }
}

/** The blocks in order; `rowsPerBlock` cuts the vocabulary. */
export function parameterBlocks(config: ModelConfig, rowsPerBlock = config.vocabSize): ParameterBlock[] {
  const { dim, hidden, heads, kvHeads, headDim, vocabSize } = config;
  const block = (name: string, parts: ParameterPart[]): ParameterBlock => ({
    name,
    parts,
    size: parts.reduce((total, part) => total + sizeOf(part.shape), 0),
    decay: parts[0]!.shape.length > 1,
    inProducts: parts[0]!.shape.length > 1 && (config.tiedHead || !name.startsWith('embedding')),
  });
  const vocabulary = (name: string, tensor: string): ParameterBlock[] => {
    if (rowsPerBlock >= vocabSize) return [block(name, [{ name: tensor, shape: [vocabSize, dim] }])];
    return Array.from({ length: Math.ceil(vocabSize / rowsPerBlock) }, (_, i) => {
      const firstRow = i * rowsPerBlock;
      const rows = Math.min(rowsPerBlock, vocabSize - firstRow);
      return block(`${name}.${i}`, [{ name: tensor, shape: [rows, dim], firstRow }]);
    });
  };
  const blocks = vocabulary('embedding', 'model.embed_tokens.weight');
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    blocks.push(
      block(`${i}.attention-norm`, [{ name: `${at}.input_layernorm.weight`, shape: [dim] }]),
      block(`${i}.qkv`, [
        { name: `${at}.self_attn.q_proj.weight`, shape: [heads * headDim, dim] },
        { name: `${at}.self_attn.k_proj.weight`, shape: [kvHeads * headDim, dim] },
        { name: `${at}.self_attn.v_proj.weight`, shape: [kvHeads * headDim, dim] },
      ]),
      ...(config.qkvBias
        ? [
            block(`${i}.qkv-bias`, [
              { name: `${at}.self_attn.q_proj.bias`, shape: [heads * headDim] },
              { name: `${at}.self_attn.k_proj.bias`, shape: [kvHeads * headDim] },
              { name: `${at}.self_attn.v_proj.bias`, shape: [kvHeads * headDim] },
            ]),
          ]
        : []),
      ...(config.headNorms
        ? [
            block(`${i}.head-norms`, [
              { name: `${at}.self_attn.q_norm.weight`, shape: [headDim] },
              { name: `${at}.self_attn.k_norm.weight`, shape: [headDim] },
            ]),
          ]
        : []),
      block(`${i}.attention-out`, [{ name: `${at}.self_attn.o_proj.weight`, shape: [dim, heads * headDim] }]),
      // With norms behind the blocks too (Gemma 2) the name post_attention_layernorm means what it says.
      ...(config.outputNorms
        ? [
            block(`${i}.attention-out-norm`, [
              { name: `${at}.post_attention_layernorm.weight`, shape: [dim] },
            ]),
            block(`${i}.mlp-norm`, [{ name: `${at}.pre_feedforward_layernorm.weight`, shape: [dim] }]),
            block(`${i}.mlp-out-norm`, [{ name: `${at}.post_feedforward_layernorm.weight`, shape: [dim] }]),
          ]
        : [block(`${i}.mlp-norm`, [{ name: `${at}.post_attention_layernorm.weight`, shape: [dim] }])]),
      block(`${i}.gate-up`, [
        { name: `${at}.mlp.gate_proj.weight`, shape: [hidden, dim] },
        { name: `${at}.mlp.up_proj.weight`, shape: [hidden, dim] },
      ]),
      block(`${i}.down`, [{ name: `${at}.mlp.down_proj.weight`, shape: [dim, hidden] }]),
    );
  }
  blocks.push(block('final-norm', [{ name: 'model.norm.weight', shape: [dim] }]));
  if (!config.tiedHead) blocks.push(...vocabulary('head', 'lm_head.weight'));
  return blocks;
}

export function countParameters(config: ModelConfig): number {
  return parameterBlocks(config).reduce((total, block) => total + block.size, 0);
}

/** Packs blocks into slabs of at most `maxBytes`, in order; offsets are window-aligned. */
export function layoutSlabs(blocks: readonly ParameterBlock[], maxBytes: number): Slab[] {
  const slabs: { decay: boolean; size: number; blocks: { block: ParameterBlock; offset: number }[] }[] = [];
  for (const block of blocks) {
    const padded = Math.ceil(block.size / windowAlignment) * windowAlignment;
    if (padded * 4 > maxBytes) {
      throw new UserError(
        `parameter ${block.name} takes ${block.size * 4} bytes and this device binds ${maxBytes} at most`,
        { hint: 'this model needs a device that binds larger buffers; midtrain devices lists what there is' },
      );
    }
    let slab = slabs.findLast((s) => s.decay === block.decay);
    if (!slab || (slab.size + padded) * 4 > maxBytes) {
      slab = { decay: block.decay, size: 0, blocks: [] };
      slabs.push(slab);
    }
    slab.blocks.push({ block, offset: slab.size });
    slab.size += padded;
  }
  return slabs;
}
