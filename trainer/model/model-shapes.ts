/**
 * The shapes of models that mid-training starts from, for estimates of its cost: the config.json values as published, the parameters
 * counted from them by the same table that trains them (model/parameters.ts).
 *
 * Sources: config.json of meta-llama/Llama-3.2-1B, Llama-3.2-3B, Llama-3.1-8B, Qwen/Qwen2.5-0.5B, -1.5B, -3B, HuggingFaceTB/SmolLM2-135M.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { nearest } from '../../src/core/config.ts';
import { invariant, UserError } from '../../src/core/errors.ts';
import type { ModelShape } from '../../src/core/model-flops.ts';
import type { ModelConfig } from './config.ts';
import { readModelConfig } from './folder.ts';
import { countParameters } from './parameters.ts';

const llama = { ropeTheta: 500_000, normEps: 1e-5, maxPositions: 131_072, headDim: 128, kvHeads: 8 } as const;
const qwen = {
  ropeTheta: 1e6,
  normEps: 1e-6,
  maxPositions: 32_768,
  kvHeads: 2,
  vocabSize: 151_936,
  tiedHead: true,
  qkvBias: true,
  family: 'qwen2',
} as const;

const configs: Readonly<Record<string, ModelConfig>> = {
  'Llama-3.2-1B': {
    ...llama,
    vocabSize: 128_256,
    dim: 2048,
    layers: 16,
    heads: 32,
    headDim: 64,
    hidden: 8192,
    tiedHead: true,
  },
  'Llama-3.2-3B': {
    ...llama,
    vocabSize: 128_256,
    dim: 3072,
    layers: 28,
    heads: 24,
    hidden: 8192,
    tiedHead: true,
  },
  'Llama-3.1-8B': {
    ...llama,
    vocabSize: 128_256,
    dim: 4096,
    layers: 32,
    heads: 32,
    hidden: 14_336,
    tiedHead: false,
  },
  'Qwen2.5-0.5B': { ...qwen, dim: 896, layers: 24, heads: 14, headDim: 64, hidden: 4864 },
  'Qwen2.5-1.5B': { ...qwen, dim: 1536, layers: 28, heads: 12, headDim: 128, hidden: 8960 },
  'Qwen2.5-3B': { ...qwen, dim: 2048, layers: 36, heads: 16, headDim: 128, hidden: 11_008 },
  'SmolLM2-135M': {
    vocabSize: 49_152,
    dim: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    hidden: 1536,
    maxPositions: 8192,
    ropeTheta: 100_000,
    normEps: 1e-5,
    tiedHead: true,
  },
};

/** Of the models named above, smallest first. */
export const modelShapes: readonly ModelShape[] = Object.entries(configs)
  .map(([name, config]) => shapeOf(name, config))
  .sort((a, b) => a.parameters - b.parameters);

/** The decoder of one of them, by its name in `modelShapes`. */
export function modelConfigOf(name: string): ModelConfig {
  const config = configs[name];
  invariant(config, `a model named ${name}`);
  return config;
}

export function shapeOf(name: string, config: ModelConfig): ModelShape {
  return {
    name,
    parameters: countParameters(config),
    embeddingParameters: config.tiedHead ? 0 : config.vocabSize * config.dim,
    layers: config.layers,
    hidden: config.dim,
    heads: config.heads,
    attentionWidth: config.heads * config.headDim,
    vocabSize: config.vocabSize,
  };
}

/** The model that a recipe's base model names in its text ("meta-llama/Llama-3.2-3B", "... for the small one"); undefined if none. */
export function suggestedModel(text: string | undefined): ModelShape | undefined {
  return text === undefined ? undefined : modelShapes.find(({ name }) => text.includes(name));
}

/** A model by name, or by a Hugging Face folder. Throws a `UserError` that lists the names. */
export async function modelNamed(asked: string): Promise<ModelShape> {
  const config = await configNamed(asked);
  const known = Object.keys(configs).find((name) => name.toLowerCase() === asked.toLowerCase());
  return shapeOf(known ?? path.basename(path.resolve(asked)), config);
}

/** The decoder of a model by name, or of a Hugging Face folder. Throws a `UserError` that lists the names. */
export async function configNamed(asked: string): Promise<ModelConfig> {
  const names = modelShapes.map(({ name }) => name);
  const known = names.find((name) => name.toLowerCase() === asked.toLowerCase());
  if (known !== undefined) return modelConfigOf(known);
  if (existsSync(asked)) return readModelConfig(asked);
  const near = nearest(asked, names);
  throw new UserError(`no model "${asked}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
    hint: `give a Hugging Face folder, or one of ${names.join(', ')}`,
  });
}
