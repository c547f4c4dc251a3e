/**
 * `config.json` of Hugging Face model folders, in and out. Every key is known to be supported, or known not to change the computation of
 * a text decoder at inference and training without dropout; any other is an error that names it, so nothing that matters is passed over.
 * Reads the names of transformers 4 (rope_theta, rope_scaling) and 5 (rope_parameters).
 */
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { InputError } from '../../src/core/errors.ts';
import type { Dtype } from '../../src/io/safetensors.ts';
import {
  checkModelConfig,
  type ModelConfig,
  type ModelFamily,
  modelFamilies,
  type RopeScaling,
} from './config.ts';

const count = z.int().positive();
const cap = z.number().positive().nullish();

/** Keys that change nothing here: settings of generation, initial values, other frameworks, bookkeeping. */
const harmless =
  /^(_.*|architectures|auto_map|cache_implementation|chunk_size_feed_forward|decoder_start_token_id|dtype|torch_dtype|id2label|label2id|initializer_range|is_decoder|is_encoder_decoder|is_llama_config|max_length|name_or_path|num_labels|output_attentions|output_hidden_states|pad_token_id|pretraining_tp|problem_type|return_dict|rope_interleaved|sep_token_id|task_specific_params|transformers\.js_config|transformers_version|unsloth_.*|use_cache)$/;

const off = (what: string) => z.literal(false, { error: `${what} is not supported` }).nullish();
const zero = (what: string) =>
  z.literal(0, { error: `${what} is not supported: training here has no dropout` });

const ropeSchema = z.looseObject({ rope_type: z.string().optional(), type: z.string().optional() }).nullish();

const schema = z.object({
  model_type: z.enum(modelFamilies),
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count,
  max_position_embeddings: count,
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSchema,
  rope_parameters: ropeSchema,
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().optional(),
  hidden_act: z.string().optional(),
  hidden_activation: z.string().nullish(),
  attention_bias: z.boolean().optional(),
  attention_dropout: zero('attention_dropout').optional(),
  mlp_bias: off('mlp_bias'),
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().optional(),
  max_window_layers: z.int().min(0).nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  query_pre_attn_scalar: z.number().positive().optional(),
  attn_logit_softcapping: cap,
  final_logit_softcapping: cap,
  use_bidirectional_attention: off('use_bidirectional_attention'),
  bos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});
type HfConfig = z.output<typeof schema>;

/** Reads a parsed `config.json`; `file` is named in errors. */
export function modelConfigFromHf(json: unknown, file: string): ModelConfig {
  for (const key of Object.keys(json !== null && typeof json === 'object' ? json : {})) {
    if (key in schema.shape || harmless.test(key)) continue;
    throw new InputError(file, `has the key ${key}, which this version does not know`, {
      place: key,
      hint: 'if it changes nothing in the computation of a decoder, take it out of a copy of config.json',
    });
  }
  const hf = parseConfig(schema, json, file);
  const family = hf.model_type;
  const gemma = family === 'gemma2';
  const id = (value: HfConfig['eos_token_id']) => (Array.isArray(value) ? value[0] : (value ?? undefined));
  const windows = windowsOf(hf);
  const { theta, scaling } = ropeOf(hf, file);
  // transformers leaves out what is a family's default.
  const tiedHead = hf.tie_word_embeddings ?? gemma;
  const activation = activationOf(hf, file);
  if (hf.attention_bias === true && family !== 'qwen2')
    throw new InputError(file, 'attention biases of this family are not supported', {
      place: 'attention_bias',
    });
  const config = {
    vocabSize: hf.vocab_size,
    dim: hf.hidden_size,
    layers: hf.num_hidden_layers,
    heads: hf.num_attention_heads,
    kvHeads: hf.num_key_value_heads ?? hf.num_attention_heads,
    headDim:
      hf.head_dim ?? (gemma ? 256 : family === 'qwen3' ? 128 : hf.hidden_size / hf.num_attention_heads),
    hidden: hf.intermediate_size,
    maxPositions: hf.max_position_embeddings,
    ropeTheta: theta,
    normEps: hf.rms_norm_eps,
    tiedHead,
    bosId: id(hf.bos_token_id),
    eosId: id(hf.eos_token_id),
    family,
    ropeScaling: scaling,
    windows: windows.some((window) => window !== null) ? windows : undefined,
    ...(family === 'qwen2' ? { qkvBias: true } : {}),
    ...(family === 'qwen3' ? { headNorms: true } : {}),
    activation,
    ...(gemma
      ? {
          queryScale: hf.query_pre_attn_scalar ?? 256,
          attentionSoftcap:
            hf.attn_logit_softcapping === undefined ? 50 : (hf.attn_logit_softcapping ?? undefined),
          logitSoftcap:
            hf.final_logit_softcapping === undefined ? 30 : (hf.final_logit_softcapping ?? undefined),
          normOffset: true,
          outputNorms: true,
          embeddingScale: Math.sqrt(hf.hidden_size),
        }
      : {}),
  };
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  return checkModelConfig(given as unknown as ModelConfig, file);
}

function activationOf(hf: HfConfig, file: string): 'silu' | 'gelu-tanh' {
  const gemma = hf.model_type === 'gemma2';
  // Gemma's first configs say hidden_act: gelu and mean the tanh form; transformers reads hidden_activation.
  const name = gemma ? (hf.hidden_activation ?? 'gelu_pytorch_tanh') : (hf.hidden_act ?? 'silu');
  if (name === 'gelu_pytorch_tanh') return 'gelu-tanh';
  if (name === 'silu') return 'silu';
  throw new InputError(file, `the activation ${JSON.stringify(name)} is not supported`, {
    place: gemma ? 'hidden_activation' : 'hidden_act',
    hint: 'silu and gelu_pytorch_tanh are',
  });
}

/** The sliding window of each layer, as each family means its keys. */
function windowsOf(hf: HfConfig): (number | null)[] {
  const layers = Array.from({ length: hf.num_hidden_layers }, (_, i) => i);
  // A missing key means transformers' default, null means none.
  const always = hf.model_type === 'mistral' || hf.model_type === 'gemma2';
  const window = hf.sliding_window === undefined && always ? 4096 : (hf.sliding_window ?? null);
  const slides = always || hf.use_sliding_window === true;
  if (window === null || !slides || hf.model_type === 'llama') return layers.map(() => null);
  if (hf.layer_types != null)
    return hf.layer_types.map((type) => (type === 'full_attention' ? null : window));
  switch (hf.model_type) {
    case 'gemma2':
      return layers.map((i) => (i % 2 === 0 ? window : null));
    case 'mistral':
      return layers.map(() => window);
    default:
      // Qwen: the first max_window_layers layers look at everything.
      return layers.map((i) => (i < (hf.max_window_layers ?? 28) ? null : window));
  }
}

const llama3Schema = z.object({
  factor: z.number().positive(),
  low_freq_factor: z.number().positive(),
  high_freq_factor: z.number().positive(),
  original_max_position_embeddings: count,
});

const ropeKeys = new Set(['rope_type', 'type', 'rope_theta', ...Object.keys(llama3Schema.shape)]);

function ropeOf(hf: HfConfig, file: string): { theta: number; scaling: RopeScaling | undefined } {
  const settings: Record<string, unknown> = hf.rope_parameters ?? hf.rope_scaling ?? {};
  const place = hf.rope_parameters == null ? 'rope_scaling' : 'rope_parameters';
  const theta = (settings.rope_theta as number | undefined) ?? hf.rope_theta ?? 10000;
  if (!(theta > 0)) throw new InputError(file, `${JSON.stringify(theta)} is not a base of angles`, { place });
  const type = settings.rope_type ?? settings.type ?? 'default';
  if (!['default', 'linear', 'llama3'].includes(String(type))) {
    throw new InputError(file, `the rope type ${JSON.stringify(type)} is not supported`, {
      place: `${place}.rope_type`,
      hint: 'default, linear and llama3 are',
    });
  }
  for (const key of Object.keys(settings)) {
    // Some configs say that all of a head is rotated, which is what is done here.
    if (ropeKeys.has(key) || (key === 'partial_rotary_factor' && settings[key] === 1)) continue;
    throw new InputError(file, `has the key ${place}.${key}, which this version does not know`, {
      place: `${place}.${key}`,
    });
  }
  if (type === 'default') return { theta, scaling: undefined };
  if (type === 'linear') {
    const { factor } = parseConfig(z.object({ factor: z.number().positive() }), settings, `${file} ${place}`);
    return { theta, scaling: { type, factor } };
  }
  const s = parseConfig(llama3Schema, settings, `${file} ${place}`);
  return {
    theta,
    scaling: {
      type: 'llama3',
      factor: s.factor,
      lowFreqFactor: s.low_freq_factor,
      highFreqFactor: s.high_freq_factor,
      originalPositions: s.original_max_position_embeddings,
    },
  };
}

const architectures: Record<ModelFamily, string> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  gemma2: 'Gemma2ForCausalLM',
};

/** Keys that transformers 5 declares as float, and refuses (soft-caps) or warns of (rope) when they are written as whole numbers. */
const floats =
  /^(\s*"(?:attn_logit_softcapping|final_logit_softcapping|rope_theta|rms_norm_eps|factor|low_freq_factor|high_freq_factor)": \d+)(,?)$/gm;

/** The text of a `config.json` as transformers reads it without complaint. */
export function hfConfigJson(json: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(json, null, 2)}\n`.replace(floats, '$1.0$2');
}

/** The text of the `config.json` with which transformers computes the same. */
export function hfConfigText(config: ModelConfig, dtype: Dtype = 'F32'): string {
  return hfConfigJson(modelConfigToHf(config, dtype));
}

/** The `config.json` with which transformers (4.43 and later) computes the same. */
export function modelConfigToHf(config: ModelConfig, dtype: Dtype = 'F32'): Record<string, unknown> {
  const family = config.family ?? 'llama';
  const windows = config.windows ?? [];
  const window = windows.find((w) => w !== null);
  const scaling = config.ropeScaling;
  return {
    architectures: [architectures[family]],
    model_type: family,
    vocab_size: config.vocabSize,
    hidden_size: config.dim,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    intermediate_size: config.hidden,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    ...(scaling === undefined ? {} : { rope_scaling: scalingToHf(scaling) }),
    rms_norm_eps: config.normEps,
    tie_word_embeddings: config.tiedHead,
    ...(family === 'gemma2'
      ? {
          hidden_act: 'gelu_pytorch_tanh',
          hidden_activation: 'gelu_pytorch_tanh',
          query_pre_attn_scalar: config.queryScale,
          attn_logit_softcapping: config.attentionSoftcap ?? null,
          final_logit_softcapping: config.logitSoftcap ?? null,
          sliding_window: window ?? config.maxPositions,
          layer_types: Array.from({ length: config.layers }, (_, i) =>
            (windows[i] ?? null) === null ? 'full_attention' : 'sliding_attention',
          ),
          attention_bias: false,
        }
      : { hidden_act: 'silu' }),
    ...(family === 'llama' ? { attention_bias: false, mlp_bias: false } : {}),
    ...(family === 'qwen3' ? { attention_bias: false } : {}),
    ...(family === 'mistral' ? { sliding_window: window ?? null } : {}),
    ...(family === 'qwen2' || family === 'qwen3' ? qwenWindows(windows, window) : {}),
    torch_dtype: { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[dtype],
    ...(config.bosId === undefined ? {} : { bos_token_id: config.bosId }),
    ...(config.eosId === undefined ? {} : { eos_token_id: config.eosId }),
  };
}

function qwenWindows(
  windows: readonly (number | null)[],
  window: number | null | undefined,
): Record<string, unknown> {
  if (window == null) return { use_sliding_window: false, sliding_window: null };
  return {
    use_sliding_window: true,
    sliding_window: window,
    max_window_layers: windows.findIndex((w) => w !== null),
    layer_types: windows.map((w) => (w === null ? 'full_attention' : 'sliding_attention')),
  };
}

function scalingToHf(scaling: RopeScaling): Record<string, unknown> {
  if (scaling.type === 'linear') return { rope_type: 'linear', factor: scaling.factor };
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
}
