/** config.json in and out: what decides the computation is read, what is not supported is an error that names it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ropeFrequencies } from '../../kernels/rope/reference.ts';
import { hfConfigText, modelConfigFromHf, modelConfigToHf } from '../../trainer/model/hf-config.ts';
import { scaleFrequencies } from '../../trainer/model/rope.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/families');
const small = {
  model_type: 'llama',
  vocab_size: 40,
  hidden_size: 16,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  intermediate_size: 24,
  max_position_embeddings: 64,
};

describe('config.json', () => {
  it.each(readdirSync(fixtures))('%s comes back the same after it was written', (family) => {
    const file = path.join(fixtures, family, 'config.json');
    const config = modelConfigFromHf(JSON.parse(readFileSync(file, 'utf8')), file);
    expect(modelConfigFromHf(modelConfigToHf(config), 'again')).toEqual(config);
  });

  it('reads rope settings under the names of transformers 4 and 5', () => {
    const scaling = {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const four = modelConfigFromHf({ ...small, rope_theta: 500000, rope_scaling: scaling }, 'config.json');
    const five = modelConfigFromHf(
      { ...small, rope_parameters: { ...scaling, rope_theta: 500000 } },
      'config.json',
    );
    expect(five).toEqual(four);
    expect(four).toMatchObject({ ropeTheta: 500000, ropeScaling: { type: 'llama3', factor: 32 } });
  });

  it('writes whole numbers that transformers declares as float with a point', () => {
    const gemma = modelConfigFromHf({ ...small, model_type: 'gemma2', head_dim: 4 }, 'config.json');
    const text = hfConfigText(gemma);
    for (const key of ['attn_logit_softcapping', 'final_logit_softcapping', 'rope_theta'])
      expect(text).toMatch(new RegExp(`"${key}": \\d+\\.0,`));
    expect(text).toMatch(/"query_pre_attn_scalar": 256,/);
    expect(JSON.parse(text)).toEqual(modelConfigToHf(gemma));
  });

  it('gives each layer the window that its family means', () => {
    const windows = (given: object) => modelConfigFromHf({ ...small, ...given }, 'config.json').windows;
    expect(windows({ model_type: 'mistral', sliding_window: 8 })).toEqual([8, 8, 8]);
    expect(windows({ model_type: 'mistral', sliding_window: null })).toBeUndefined();
    expect(windows({ model_type: 'mistral' })).toEqual([4096, 4096, 4096]);
    expect(windows({ model_type: 'gemma2', head_dim: 4, sliding_window: 8 })).toEqual([8, null, 8]);
    expect(windows({ model_type: 'qwen2', sliding_window: 8, use_sliding_window: false })).toBeUndefined();
    expect(
      windows({ model_type: 'qwen2', sliding_window: 8, use_sliding_window: true, max_window_layers: 2 }),
    ).toEqual([null, null, 8]);
    expect(
      windows({
        model_type: 'qwen3',
        sliding_window: 8,
        use_sliding_window: true,
        layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
      }),
    ).toEqual([8, null, 8]);
  });

  it.each([
    [{ model_type: 'mamba' }, /model_type/],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4 } }, /yarn/],
    [{ rope_scaling: { rope_type: 'llama3', factor: 4 } }, /low_freq_factor/],
    [{ rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } }, /partial_rotary_factor/],
    [{ hidden_act: 'relu2' }, /relu2/],
    [{ attention_bias: true }, /attention bias/],
    [{ mlp_bias: true }, /mlp_bias/],
    [{ attention_dropout: 0.1 }, /attention_dropout/],
    [{ num_local_experts: 8 }, /num_local_experts/],
    [{ hidden_size: 18 }, /head_dim 4.5/],
    [{ model_type: 'gemma2', hidden_activation: 'gelu' }, /gelu/],
  ])('%j is an error that names it', (change, message) => {
    expect(() => modelConfigFromHf({ ...small, ...change }, 'config.json')).toThrow(message);
  });
});

describe('scaled rotation', () => {
  it('llama3 keeps short wavelengths, divides long ones, and goes over smoothly between', () => {
    const plain = ropeFrequencies(64, 500000);
    const scaled = scaleFrequencies(plain, {
      type: 'llama3',
      factor: 32,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalPositions: 8192,
    });
    const ratios = [...scaled].map((f, i) => f / plain[i]!);
    expect(ratios[0]).toBe(1);
    expect(ratios.at(-1)).toBeCloseTo(1 / 32, 12);
    for (let i = 1; i < ratios.length; i++) expect(ratios[i]!).toBeLessThanOrEqual(ratios[i - 1]!);
    expect(ratios.some((r) => r < 0.99 && r > 1.01 / 32)).toBe(true);
  });
});
