/** The model's shape and the options of its decoder. One decoder, options not copies; hf-config.ts reads and writes them as config.json. */
import { UserError } from '../../src/core/errors.ts';

/** `model_type` of config.json. SmolLM2 and Llama 3 are `llama`. */
export const modelFamilies = ['llama', 'mistral', 'qwen2', 'qwen3', 'gemma2'] as const;
export type ModelFamily = (typeof modelFamilies)[number];

export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalPositions: number;
    };

/**
 * A decoder of the Llama family: RMS norm, rotary positions, grouped-query attention, gated MLP, tied or untied head. An option that is
 * left out is off, which is Llama.
 */
export interface ModelConfig {
  readonly vocabSize: number;
  /** Width of the residual stream (`hidden_size`). */
  readonly dim: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the gated MLP (`intermediate_size`). */
  readonly hidden: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly normEps: number;
  readonly tiedHead: boolean;
  readonly bosId?: number;
  readonly eosId?: number;
  /** How config.json names it; default llama. */
  readonly family?: ModelFamily;
  readonly ropeScaling?: RopeScaling;
  /** Biases on queries, keys and values (Qwen2). */
  readonly qkvBias?: boolean;
  /** RMS norm of every query and key head before rotation (Qwen3). */
  readonly headNorms?: boolean;
  /** Per layer, how many positions a row looks back on, itself included; null: all (Mistral, Gemma 2). */
  readonly windows?: readonly (number | null)[];
  /** Scores are divided by this one's root instead of headDim's (Gemma's `query_pre_attn_scalar`). */
  readonly queryScale?: number;
  /** Attention scores go through cap * tanh(score / cap). */
  readonly attentionSoftcap?: number;
  /** Logits go through cap * tanh(logit / cap). */
  readonly logitSoftcap?: number;
  /** Norm weights are stored as differences from 1. */
  readonly normOffset?: boolean;
  /** Norms also behind attention and MLP, before they are added to the residual stream (Gemma 2). */
  readonly outputNorms?: boolean;
  /** Embeddings are multiplied by this. */
  readonly embeddingScale?: number;
  /** Default silu. */
  readonly activation?: 'silu' | 'gelu-tanh';
}

/** Checks what the kernels rely on. */
export function checkModelConfig(config: ModelConfig, file: string): ModelConfig {
  const fail = (problem: string): never => {
    throw new UserError(`${file}: ${problem}`);
  };
  if (!Number.isInteger(config.headDim) || config.headDim % 4 !== 0)
    fail(`head_dim ${config.headDim} is not a multiple of 4 (hidden_size / num_attention_heads)`);
  if (config.heads % config.kvHeads !== 0)
    fail(`num_attention_heads ${config.heads} is not a multiple of num_key_value_heads ${config.kvHeads}`);
  if (config.windows !== undefined && config.windows.length !== config.layers)
    fail(`${config.windows.length} layer types for ${config.layers} layers`);
  return config;
}

/** Factor on a query's product with a key. */
export function attentionScale(config: ModelConfig): number {
  return 1 / Math.sqrt(config.queryScale ?? config.headDim);
}
