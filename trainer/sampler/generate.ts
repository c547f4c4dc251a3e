/** Text from a model folder: one prompt, any number of samples. */
import { join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { hash32 } from '../../src/core/random.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import { endTokenOf, endTokensOf } from '../model/end-token.ts';
import { loadModel, readModelConfig } from '../model/folder.ts';
import { Sampler } from './sampler.ts';
import type { SamplingParams } from './sampling.ts';
import { cutAtStop, stopWatch } from './token-text.ts';

export interface GenerateRequest {
  prompt: string;
  maxTokens: number;
  sampling: SamplingParams;
  /** Strings that end a sample; not part of its text. */
  stops: readonly string[];
  samples: number;
  seed: number;
  signal?: AbortSignal;
}

/** The prompt is encoded after the model's begin token, if it has one. An empty prompt starts from the end token otherwise, as documents do. */
export async function generate(
  gpu: Gpu,
  folder: string,
  request: GenerateRequest,
): Promise<{ text: string; tokens: number; truncated: boolean }[]> {
  const { maxTokens, sampling, stops, signal } = request;
  const tokenizer = await loadTokenizer(folder);
  const config = await readModelConfig(folder);
  const eosId = endTokenOf(folder, config, tokenizer);
  const bosId = config.bosId ?? tokenizer.bosId;
  const prompt = [...(bosId === undefined ? [] : [bosId]), ...tokenizer.encode(request.prompt)];
  // A model without a begin token must still have something to start from.
  if (prompt.length === 0) prompt.push(eosId);
  const left = config.maxPositions - prompt.length;
  if (maxTokens > left) {
    throw new UserError(
      `${prompt.length} prompt tokens and ${maxTokens} more are beyond the ${config.maxPositions} positions that ${join(folder, 'config.json')} names (max_position_embeddings)`,
      { hint: left > 0 ? `give --max-tokens ${left} or less` : 'give a shorter prompt' },
    );
  }
  const weights = await loadModel(gpu, folder);
  const sampler = await Sampler.create(gpu, weights, {
    config,
    promptLength: prompt.length,
    slots: Math.min(64, request.samples),
    responseLength: maxTokens,
    temperature: sampling.temperature,
    eosId,
  });
  const requests = Array.from({ length: request.samples }, (_, i) => ({
    prompt: 0,
    seed: hash32(`${request.seed}/generate/${i}`),
  }));
  const samples = await sampler.generate([prompt], requests, {
    maxTokens,
    sampling,
    endTokens: endTokensOf(folder, config, tokenizer),
    ...(stops.length > 0 && { watch: () => stopWatch(tokenizer, stops) }),
    ...(signal && { signal }),
  });
  sampler.destroy();
  weights.destroy();
  return samples.map(({ tokens, truncated }) => ({
    text: request.prompt + cutAtStop(tokenizer.decode(tokens, { special: false }), stops),
    tokens: tokens.length,
    truncated,
  }));
}
