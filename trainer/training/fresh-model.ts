/** A model with random weights, its vocabulary taken from a tokenizer folder. */
import { UserError } from '../../src/core/errors.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig, ModelFamily } from '../model/config.ts';
import type { Precision } from '../model/half-weights.ts';
import { modelConfigFromHf } from '../model/hf-config.ts';
import { initialWeights } from '../model/init.ts';
import { ModelWeights } from '../model/weights.ts';
import type { TrainConfig } from './train-config.ts';

/** The shape that a config and a tokenizer give: its `model:` is read as a config.json is, so a family is the same model either way. */
export async function freshModelConfig(config: TrainConfig, tokenizerFolder: string): Promise<ModelConfig> {
  const { model } = config;
  if (!model) throw new UserError('the config has no `model:`');
  const { model_type: family = 'llama', initializer_range: _, ...shape } = model;
  checkFamilyKeys(family, model);
  const tokenizer = await loadTokenizer(tokenizerFolder);
  const headDim = model.head_dim ?? model.hidden_size / model.num_attention_heads;
  const windowed = family === 'mistral' || family === 'gemma2';
  return modelConfigFromHf(
    {
      ...shape,
      model_type: family,
      vocab_size: tokenizer.vocabSize,
      head_dim: headDim,
      ...(windowed ? { sliding_window: model.sliding_window ?? model.max_position_embeddings } : {}),
      ...(family === 'gemma2' ? { query_pre_attn_scalar: model.query_pre_attn_scalar ?? headDim } : {}),
      ...(tokenizer.bosId === undefined ? {} : { bos_token_id: tokenizer.bosId }),
      ...(tokenizer.eosId === undefined ? {} : { eos_token_id: tokenizer.eosId }),
    },
    'model',
  );
}

const gemmaKeys = ['query_pre_attn_scalar', 'attn_logit_softcapping', 'final_logit_softcapping'] as const;

/** A key that its family has no use for would be passed over in silence. */
function checkFamilyKeys(family: ModelFamily, model: NonNullable<TrainConfig['model']>): void {
  const refuse = (key: string, families: string) => {
    throw new UserError(`model.${key}: models of the family ${family} have no such setting`, {
      hint: `leave it out, or set model.model_type to ${families}`,
    });
  };
  if (family !== 'gemma2') for (const key of gemmaKeys) if (model[key] !== undefined) refuse(key, 'gemma2');
  if (model.sliding_window !== undefined && family !== 'gemma2' && family !== 'mistral')
    refuse('sliding_window', 'mistral or gemma2');
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
