/**
 * Batched generation on the device. Each sample has a seed of its own, so its tokens are the same alone, in a batch of 7 and of 64, and
 * whatever the number of slots; a slot whose sample has ended takes the next request (sampler-session.ts).
 */
import { UserError } from '../../src/core/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Executable } from '../gpu/executable.ts';
import { ropeTableOf } from '../model/rope.ts';
import type { ModelWeights } from '../model/weights.ts';
import type { Tensor } from '../plan/plan.ts';
import { cacheElements, planSampler, type SamplerShape } from './sampler-plan.ts';
import { SamplerSession } from './sampler-session.ts';
import type { SamplingParams } from './sampling.ts';

export interface SampleRequest {
  /** Index into the prompts. */
  prompt: number;
  /** Any u32; decides the sample together with the prompt. */
  seed: number;
}

export interface Sample extends SampleRequest {
  /** Tokens drawn, the end-of-text token included when it was drawn. */
  tokens: number[];
  /** Log-probability of each token at the sampling temperature, over the whole vocabulary. */
  logps: number[];
  /** Ended by the length limit. */
  truncated: boolean;
}

export interface GenerateOptions {
  /** Most tokens to draw, up to the sampler's responseLength. */
  maxTokens: number;
  /** Other than the sampler's temperature and no cuts. */
  sampling?: Partial<SamplingParams>;
  /** Other than the sampler's one; they are part of the sample. */
  endTokens?: readonly number[];
  /** Makes what watches a sample for stop strings: told of each token once, in order, it says true where the sample should end. */
  watch?: (request: number) => (token: number) => boolean;
  signal?: AbortSignal;
}

/** Bytes that the cache of all layers may take, whatever slots are asked for. */
const cacheBudget = { software: 2 ** 30, hardware: 2 ** 34 };

/** The slots of `wanted` whose cache the device can bind and has room for; at least one. */
export function slotsThatFit(
  gpu: Gpu,
  { config, slots, promptLength, responseLength }: SamplerShape,
): number {
  const bytes = cacheElements(config, promptLength + responseLength) * 4;
  const binding = Math.min(gpu.info.limits.maxStorageBufferBindingSize!, gpu.info.limits.maxBufferSize!);
  const budget = gpu.info.software ? cacheBudget.software : cacheBudget.hardware;
  const most = Math.min(binding / bytes, budget / (bytes * config.layers), binding / (config.vocabSize * 4));
  return Math.max(1, Math.min(slots, Math.floor(most)));
}

export class Sampler {
  readonly shape: SamplerShape;
  /** For requests that come one by one. */
  readonly session: SamplerSession;
  private readonly executable: Executable;

  private constructor(shape: SamplerShape, executable: Executable, session: SamplerSession) {
    this.shape = shape;
    this.executable = executable;
    this.session = session;
  }

  /** `shape.slots` is how many are wanted; the device may hold fewer, which costs time and changes no sample. */
  static async create(gpu: Gpu, weights: ModelWeights, wanted: SamplerShape): Promise<Sampler> {
    const shape = { ...wanted, slots: slotsThatFit(gpu, wanted) };
    const buffers = new Map<Tensor, GPUBuffer>();
    const planned = planSampler(shape, (builder) => weights.declare(builder, buffers));
    const executable = await Executable.create(gpu, planned.plan, buffers);
    executable.write(
      planned.tensors.rope,
      ropeTableOf(shape.config, shape.promptLength + shape.responseLength),
    );
    return new Sampler(shape, executable, new SamplerSession(executable, planned, shape));
  }

  /** How a token is drawn where nothing else is said. */
  get sampling(): SamplingParams {
    return { temperature: this.shape.temperature, top_k: 0, top_p: 1, min_p: 0 };
  }

  /** Generates one sample per request with the weights as they are now; any number of prompts and requests. */
  async generate(
    prompts: readonly (readonly number[])[],
    requests: readonly SampleRequest[],
    options: GenerateOptions,
  ): Promise<Sample[]> {
    const { promptLength, responseLength, eosId } = this.shape;
    prompts.forEach((prompt, i) => {
      if (prompt.length === 0 || prompt.length > promptLength) {
        throw new UserError(`prompt ${i} has ${prompt.length} tokens; this run takes 1 to ${promptLength}`, {
          hint: 'raise max_prompt_length or drop long prompts',
        });
      }
    });
    this.session.forget();
    const sampling = { ...this.sampling, ...options.sampling };
    const drawn = requests.map(async ({ prompt, seed }, i): Promise<Sample> => {
      const watch = options.watch?.(i);
      const { tokens, logps, finish } = await this.session.submit({
        prompt: prompts[prompt]!,
        seed,
        maxTokens: Math.min(options.maxTokens, responseLength),
        sampling,
        endTokens: options.endTokens ?? [eosId],
        ...(watch && { watch }),
        ...(options.signal && { signal: options.signal }),
      });
      return { prompt, seed, tokens, logps, truncated: finish === 'length' };
    });
    // All of them, so that none goes on by itself when one has failed.
    const settled = await Promise.allSettled(drawn);
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  destroy(): void {
    this.executable.destroy();
  }
}
