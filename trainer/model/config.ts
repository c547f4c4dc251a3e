/**
 * The model's shape, read from a Hugging Face `config.json`. What this version of the decoder cannot do is an error that names the key:
 * a key that changes the computation is never ignored.
 */
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';

/** A Llama-style decoder: RMS norm, rotary positions, grouped-query attention, SwiGLU, tied or untied head. */
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
}

const count = z.int().positive();

/** Keys that the computation depends on. Others (dtype, cache and generation settings) are carried along unread. */
const hfSchema = z.object({
  model_type: z.literal('llama', { error: 'only model_type "llama" is supported so far' }),
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  head_dim: count.nullish(),
  intermediate_size: count,
  max_position_embeddings: count,
  rope_theta: z.number().positive().default(10000),
  rope_scaling: z.null({ error: 'rope scaling is not supported so far' }).optional(),
  rope_parameters: z
    .strictObject({
      rope_theta: z.number().positive().optional(),
      rope_type: z.literal('default', { error: 'rope scaling is not supported so far' }).optional(),
    })
    .nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal('silu', { error: 'only the silu gate is supported' }).default('silu'),
  attention_bias: z.literal(false, { error: 'attention biases are not supported so far' }).default(false),
  mlp_bias: z.literal(false, { error: 'MLP biases are not supported' }).default(false),
  sliding_window: z.null({ error: 'sliding windows are not supported so far' }).optional(),
  bos_token_id: z.int().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

/** Reads a parsed `config.json`; `file` is named in errors. */
export function modelConfigFromHf(json: unknown, file: string): ModelConfig {
  const hf = parseConfig(hfSchema, json, file);
  const headDim = hf.head_dim ?? hf.hidden_size / hf.num_attention_heads;
  const eos = Array.isArray(hf.eos_token_id) ? hf.eos_token_id[0] : hf.eos_token_id;
  return checkModelConfig(
    {
      vocabSize: hf.vocab_size,
      dim: hf.hidden_size,
      layers: hf.num_hidden_layers,
      heads: hf.num_attention_heads,
      kvHeads: hf.num_key_value_heads ?? hf.num_attention_heads,
      headDim,
      hidden: hf.intermediate_size,
      maxPositions: hf.max_position_embeddings,
      ropeTheta: hf.rope_parameters?.rope_theta ?? hf.rope_theta,
      normEps: hf.rms_norm_eps,
      tiedHead: hf.tie_word_embeddings,
      ...(hf.bos_token_id == null ? {} : { bosId: hf.bos_token_id }),
      ...(eos == null ? {} : { eosId: eos }),
    },
    file,
  );
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
  return config;
}

/** The `config.json` that transformers loads as LlamaForCausalLM. */
export function modelConfigToHf(config: ModelConfig): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: config.vocabSize,
    hidden_size: config.dim,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    intermediate_size: config.hidden,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.normEps,
    tie_word_embeddings: config.tiedHead,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    torch_dtype: 'float32',
    ...(config.bosId === undefined ? {} : { bos_token_id: config.bosId }),
    ...(config.eosId === undefined ? {} : { eos_token_id: config.eosId }),
  };
}
