/**
 * The model section of a Nanotron config. It has decoders for Llama and Qwen2; a model that would be computed otherwise there is refused, and what
 * is only likely to fit is a warning.
 */
import type { ModelConfig } from '../../trainer/model/config.ts';
import { UserError } from '../core/errors.ts';
import { float, type Yaml } from './python-yaml.ts';

export interface NanotronModel {
  config: { readonly [key: string]: Yaml };
  warnings: string[];
}

export function nanotronModel(
  model: ModelConfig,
  training: { tp: number; zLoss: number; sequenceLength: number; initializerRange: number },
): NanotronModel {
  const family = model.family ?? 'llama';
  const refuse = (what: string, hint: string): never => {
    throw new UserError(`Nanotron cannot train this model: ${what}`, { hint });
  };
  const qwen = family === 'qwen2';
  const windowed = model.windows?.some((w) => w !== null && w < training.sequenceLength) === true;
  if (family === 'qwen3' || family === 'gemma2')
    refuse(
      `it has no decoder of the family ${family}`,
      'it has llama and qwen2; train this one with `midtrain train`',
    );
  if (windowed)
    refuse(
      'attention windows shorter than a sequence are not exported',
      `use a sequence_length up to ${Math.min(...model.windows!.flatMap((w) => w ?? []))}, or train it here`,
    );
  if (model.headDim * model.heads !== model.dim)
    refuse(
      `head_dim ${model.headDim} x ${model.heads} heads is not hidden_size ${model.dim}, and Nanotron derives the one from the others`,
      'leave head_dim out of the config',
    );
  if (model.activation === 'gelu-tanh') refuse('its activation is gelu', 'it has silu here');
  for (const [what, n] of [
    ['num_attention_heads', model.heads],
    ['num_key_value_heads', model.kvHeads],
    ['hidden_size', model.dim],
    ['intermediate_size', model.hidden],
  ] as const)
    if (n % training.tp !== 0)
      throw new UserError(`--tp ${training.tp} does not divide ${what} ${n}`, {
        hint: 'give a smaller --tp',
      });
  const scaling = model.ropeScaling;
  return {
    config: {
      ...(qwen ? { is_qwen2_config: true } : { is_llama_config: true }),
      bos_token_id: model.bosId ?? model.eosId ?? 0,
      eos_token_id: model.eosId ?? 0,
      pad_token_id: null,
      hidden_act: 'silu',
      hidden_size: model.dim,
      initializer_range: float(training.initializerRange),
      intermediate_size: model.hidden,
      max_position_embeddings: model.maxPositions,
      num_attention_heads: model.heads,
      num_key_value_heads: model.kvHeads,
      num_hidden_layers: model.layers,
      attention_bias: model.qkvBias === true,
      pretraining_tp: 1,
      rms_norm_eps: float(model.normEps),
      rope_scaling: scaling === undefined ? null : scalingOf(scaling),
      rope_theta: float(model.ropeTheta),
      rope_interleaved: false,
      tie_word_embeddings: model.tiedHead,
      use_cache: true,
      vocab_size: model.vocabSize,
      z_loss_enabled: training.zLoss > 0,
      z_loss_coefficient: float(training.zLoss > 0 ? training.zLoss : 1e-4),
    },
    warnings: [
      ...(scaling === undefined
        ? []
        : [
            `rope_scaling (${scaling.type}) is written as config.json has it; whether your Nanotron applies it was not seen [unknown]: compare logits of the converted checkpoint with transformers before you train`,
          ]),
      ...(family === 'mistral'
        ? ['a Mistral without windows is written as Llama, which computes the same [own]']
        : []),
    ],
  };
}

function scalingOf(scaling: NonNullable<ModelConfig['ropeScaling']>): Yaml {
  if (scaling.type === 'linear') return { rope_type: 'linear', factor: float(scaling.factor) };
  return {
    rope_type: 'llama3',
    factor: float(scaling.factor),
    low_freq_factor: float(scaling.lowFreqFactor),
    high_freq_factor: float(scaling.highFreqFactor),
    original_max_position_embeddings: scaling.originalPositions,
  };
}
