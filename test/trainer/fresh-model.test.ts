/** Fresh models of every family: the decoder that the family's config.json means, trained, written and read back. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { readMetrics } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { modelFamilies } from '../../trainer/model/config.ts';
import { modelConfigFromHf } from '../../trainer/model/hf-config.ts';
import { freshModelConfig } from '../../trainer/training/fresh-model.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { type TrainingWorld, trainingWorld, trainStable } from './training-world.ts';

let gpu: Gpu;
let world: TrainingWorld;
beforeAll(async () => {
  gpu = await openDevice();
  world = await trainingWorld('fresh');
});
afterAll(async () => {
  await gpu.close();
  world.remove();
});

const shape = { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24 };
const tokenizerOf = () => path.join(world.root, 'data', 'tokenizer');
const configOf = (model: Record<string, unknown>) => world.config('unused', { model });

describe('a fresh model', () => {
  it.each(modelFamilies)(
    'of the family %s learns, and its folder reads back as the same decoder',
    async (family) => {
      const model = { ...shape, model_type: family, initializer_range: 0.1 };
      const config = world.config(family, {
        model,
        stable: { steps: 40, learning_rate: 0.01 },
        checkpoint_every: 40,
      });
      const { result } = await trainStable(gpu, config);
      const file = path.join(result.checkpoint, 'config.json');
      const written = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      expect(written.model_type).toBe(family);
      expect(modelConfigFromHf(written, file)).toEqual(await freshModelConfig(config, tokenizerOf()));
      const losses = readMetrics(path.join(result.runFolder, 'metrics.jsonl')).flatMap(({ loss }) =>
        typeof loss === 'number' ? [loss] : [],
      );
      expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.3);
    },
  );

  it('has what its family is known by', async () => {
    const of = (family: string, more = {}) =>
      freshModelConfig(configOf({ ...shape, model_type: family, ...more }), tokenizerOf());
    expect(await of('qwen2')).toMatchObject({ qkvBias: true, headDim: 8 });
    expect(await of('qwen3')).toMatchObject({ headNorms: true, headDim: 8 });
    expect(await of('gemma2', { attn_logit_softcapping: null })).toMatchObject({
      outputNorms: true,
      normOffset: true,
      embeddingScale: 4,
      activation: 'gelu-tanh',
      queryScale: 8,
      logitSoftcap: 30,
      headDim: 8,
    });
    expect((await of('gemma2', { attn_logit_softcapping: null })).attentionSoftcap).toBeUndefined();
    expect((await of('mistral', { sliding_window: 5 })).windows).toEqual([5, 5]);
    expect((await of('gemma2', { sliding_window: 5 })).windows).toEqual([5, null]);
    expect(await of('llama', { head_dim: 12 })).toMatchObject({ headDim: 12, family: 'llama' });
  });

  it('refuses a setting that its family would pass over', async () => {
    const refused = async (model: Record<string, unknown>) => {
      const error = await freshModelConfig(configOf({ ...shape, ...model }), tokenizerOf()).catch(
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(UserError);
      return error as UserError;
    };
    expect((await refused({ sliding_window: 4 })).message).toContain('model.sliding_window');
    const { message, hint } = await refused({ model_type: 'qwen3', final_logit_softcapping: 30 });
    expect(message).toContain('final_logit_softcapping');
    expect(hint).toContain('gemma2');
    expect(() =>
      trainConfigSchema.parse({ ...configOf(shape), model: { ...shape, model_type: 'gpt2' } }),
    ).toThrow();
  });
});
