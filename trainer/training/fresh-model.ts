/** A model with random weights, its vocabulary taken from a tokenizer folder. */
import { UserError } from '../../src/core/errors.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import { checkModelConfig, type ModelConfig } from '../model/config.ts';
import type { Precision } from '../model/half-weights.ts';
import { initialWeights } from '../model/init.ts';
import { ModelWeights } from '../model/weights.ts';
import type { TrainConfig } from './train-config.ts';

/** The shape that a config and a tokenizer give. */
export async function freshModelConfig(config: TrainConfig, tokenizerFolder: string): Promise<ModelConfig> {
  const { model } = config;
  if (!model) throw new UserError('the config has no `model:`');
  const tokenizer = await loadTokenizer(tokenizerFolder);
  return checkModelConfig(
    {
      vocabSize: tokenizer.vocabSize,
      dim: model.hidden_size,
      layers: model.num_hidden_layers,
      heads: model.num_attention_heads,
      kvHeads: model.num_key_value_heads ?? model.num_attention_heads,
      headDim: model.hidden_size / model.num_attention_heads,
      hidden: model.intermediate_size,
      maxPositions: model.max_position_embeddings,
      ropeTheta: model.rope_theta,
      normEps: model.rms_norm_eps,
      tiedHead: model.tie_word_embeddings,
      ...(tokenizer.bosId === undefined ? {} : { bosId: tokenizer.bosId }),
      ...(tokenizer.eosId === undefined ? {} : { eosId: tokenizer.eosId }),
    },
    'model',
  );
}

export async function freshModel(
  gpu: Gpu,
  config: TrainConfig & { precision: Precision },
  tokenizerFolder: string,
): Promise<ModelWeights> {
  const shape = await freshModelConfig(config, tokenizerFolder);
  const weights = new ModelWeights(gpu, shape, { precision: config.precision });
  for (const [name, values] of initialWeights(shape, config.seed, config.model!.initializer_range))
    weights.load(name, values);
  return weights;
}
