/**
 * Batched generation on the device. Each sample has a seed of its own, so its tokens are the same alone, in a batch of 7 and of 64.
 * The CPU looks at the device every `checkEvery` tokens to see whether all samples have ended (or hold a stop string).
 */
import { UserError } from '../src/core/errors.ts';
import type { Gpu } from './device.ts';
import { Executable } from './executable.ts';
import { ropeTableOf } from './model/rope.ts';
import type { ModelWeights } from './model/weights.ts';
import { planSampler, type SamplerShape, type SamplerTensors } from './sampler-plan.ts';

export interface SampleRequest {
  /** Index into the prompts. */
  prompt: number;
  /** Any u32; decides the sample together with the prompt. */
  seed: number;
}

export interface Sample {
  prompt: number;
  seed: number;
  /** Tokens drawn, the end-of-text token included when it was drawn. */
  tokens: number[];
  /** Log-probability of each token at the sampling temperature. */
  logps: number[];
  /** Ended by the length limit. */
  truncated: boolean;
}

export interface GenerateOptions {
  /** Most tokens to draw, up to the sampler's responseLength. */
  maxTokens: number;
  /** True when the text so far should end (a stop string); asked every `checkEvery` tokens. */
  stopped?: (tokens: readonly number[]) => boolean;
  checkEvery?: number;
  signal?: AbortSignal;
}

const unused = 0xffffffff;

export class Sampler {
  readonly shape: SamplerShape;
  private readonly executable: Executable;
  private readonly tensors: SamplerTensors;
  private readonly gpu: Gpu;

  private constructor(gpu: Gpu, shape: SamplerShape, executable: Executable, tensors: SamplerTensors) {
    this.gpu = gpu;
    this.shape = shape;
    this.executable = executable;
    this.tensors = tensors;
  }

  static async create(gpu: Gpu, weights: ModelWeights, shape: SamplerShape): Promise<Sampler> {
    let external: ReturnType<ModelWeights['declare']>['external'] | undefined;
    const { plan, tensors } = planSampler(shape, (builder) => {
      const declared = weights.declare(builder);
      external = declared.external;
      return declared;
    });
    const executable = await Executable.create(gpu, plan, external);
    executable.write(
      tensors.constants.rope,
      ropeTableOf(shape.config, shape.promptLength + shape.responseLength),
    );
    executable.write(
      tensors.slotIds,
      Uint32Array.from({ length: shape.slots }, (_, i) => i),
    );
    return new Sampler(gpu, shape, executable, tensors);
  }

  /** Generates one sample per request; any number of prompts and requests, in batches of the sampler's shape. */
  async generate(
    prompts: readonly (readonly number[])[],
    requests: readonly SampleRequest[],
    options: GenerateOptions,
  ): Promise<Sample[]> {
    const { promptLength } = this.shape;
    prompts.forEach((prompt, i) => {
      if (prompt.length === 0 || prompt.length > promptLength) {
        throw new UserError(`prompt ${i} has ${prompt.length} tokens; this run takes 1 to ${promptLength}`, {
          hint: 'raise max_prompt_length or drop long prompts',
        });
      }
    });
    const samples: Sample[] = new Array(requests.length);
    for (const batch of batches(requests, this.shape)) {
      const done = await this.generateBatch(
        prompts,
        batch.map((i) => requests[i]!),
        options,
      );
      batch.forEach((request, i) => {
        samples[request] = done[i]!;
      });
    }
    return samples;
  }

  private async generateBatch(
    all: readonly (readonly number[])[],
    requests: readonly SampleRequest[],
    options: GenerateOptions,
  ): Promise<Sample[]> {
    const maxTokens = Math.min(options.maxTokens, this.shape.responseLength);
    this.writeBatch(all, requests, maxTokens);
    const { device } = this.gpu;
    this.executable.run('prefill', 'spread');
    const checkEvery = options.checkEvery ?? 8;
    let state = new Uint32Array();
    const stoppedAt = new Map<number, number>();
    for (let drawn = 1; ; ) {
      const steps = Math.min(checkEvery, maxTokens - drawn);
      if (steps > 0) {
        const encoder = device.createCommandEncoder();
        for (let i = 0; i < steps; i++) this.executable.encode(encoder, 'decode');
        device.queue.submit([encoder.finish()]);
        drawn += steps;
      }
      state = new Uint32Array(await this.executable.read(this.tensors.state, requests.length * 4));
      options.signal?.throwIfAborted();
      if (drawn >= maxTokens) break;
      if (options.stopped) await this.findStops(requests.length, state, stoppedAt, options.stopped);
      if (requests.every((_, slot) => state[slot * 4 + 1] === 1 || stoppedAt.has(slot))) break;
    }
    return this.readSamples(requests, state, stoppedAt);
  }

  private writeBatch(
    all: readonly (readonly number[])[],
    requests: readonly SampleRequest[],
    maxTokens: number,
  ): void {
    const { prompts, promptLength, slots } = this.shape;
    const rows = prompts * promptLength;
    const used = [...new Set(requests.map((r) => r.prompt))];
    const tokens = new Uint32Array(rows);
    const promptSlots = new Uint32Array(rows).fill(unused);
    used.forEach((prompt, p) => {
      const ids = all[prompt]!;
      tokens.set(ids, p * promptLength);
      promptSlots.fill(p, p * promptLength, p * promptLength + ids.length);
    });
    const perSlot = (value: (request: SampleRequest) => number, spare: number) =>
      Uint32Array.from({ length: slots }, (_, slot) =>
        slot < requests.length ? value(requests[slot]!) : spare,
      );
    const place = (request: SampleRequest) => used.indexOf(request.prompt);
    const lengthOf = (request: SampleRequest) => all[request.prompt]!.length;
    const { executable, tensors } = this;
    executable.write(tensors.batch.tokens, tokens);
    executable.write(
      tensors.batch.positions,
      Uint32Array.from({ length: rows }, (_, i) => i % promptLength),
    );
    executable.write(tensors.batch.kvStart, new Uint32Array(rows));
    executable.write(tensors.promptSlots, promptSlots);
    executable.write(tensors.source, perSlot(place, unused));
    executable.write(tensors.lengths, perSlot(lengthOf, 0));
    executable.write(
      tensors.lastRows,
      perSlot((r) => place(r) * promptLength + lengthOf(r) - 1, 0),
    );
    executable.write(
      tensors.seeds,
      perSlot((r) => r.seed, 0),
    );
    executable.write(
      tensors.limits,
      perSlot(() => maxTokens, 0),
    );
    const state = new Uint32Array(slots * 4);
    for (let slot = 0; slot < slots; slot++) {
      const request = requests[slot];
      // A spare slot is done from the start.
      state.set(request ? [lengthOf(request) - 1, 0, 0, 0] : [0, 1, 0, 0], slot * 4);
    }
    executable.write(tensors.state, state);
    executable.write(tensors.tokens, new Uint32Array(slots));
    executable.write(tensors.positions, new Uint32Array(slots));
  }

  private async findStops(
    count: number,
    state: Uint32Array,
    stoppedAt: Map<number, number>,
    stopped: (tokens: readonly number[]) => boolean,
  ): Promise<void> {
    const out = await this.readOut(count);
    for (let slot = 0; slot < count; slot++) {
      if (state[slot * 4 + 1] === 1 || stoppedAt.has(slot)) continue;
      const drawn = state[slot * 4 + 3]!;
      if (stopped(this.tokensOf(out, slot, drawn))) stoppedAt.set(slot, drawn);
    }
  }

  private async readOut(count: number): Promise<Uint32Array> {
    return new Uint32Array(
      await this.executable.read(this.tensors.out, count * this.shape.responseLength * 2),
    );
  }

  private tokensOf(out: Uint32Array, slot: number, drawn: number): number[] {
    return Array.from({ length: drawn }, (_, i) => out[(slot * this.shape.responseLength + i) * 2]!);
  }

  private async readSamples(
    requests: readonly SampleRequest[],
    state: Uint32Array,
    stoppedAt: ReadonlyMap<number, number>,
  ): Promise<Sample[]> {
    const out = await this.readOut(requests.length);
    const bits = new Float32Array(out.buffer);
    return requests.map(({ prompt, seed }, slot) => {
      const drawn = stoppedAt.get(slot) ?? state[slot * 4 + 3]!;
      const tokens = this.tokensOf(out, slot, drawn);
      const logps = Array.from(
        { length: drawn },
        (_, i) => bits[(slot * this.shape.responseLength + i) * 2 + 1]!,
      );
      return {
        prompt,
        seed,
        tokens,
        logps,
        truncated: !stoppedAt.has(slot) && tokens.at(-1) !== this.shape.eosId,
      };
    });
  }

  destroy(): void {
    this.executable.destroy();
  }
}

/** Splits request indices so that no batch has more samples than slots or more distinct prompts than the prefill takes. */
export function batches(
  requests: readonly SampleRequest[],
  shape: { slots: number; prompts: number },
): number[][] {
  const result: number[][] = [];
  let current: number[] = [];
  let prompts = new Set<number>();
  requests.forEach((request, i) => {
    const fresh = !prompts.has(request.prompt);
    if (current.length === shape.slots || (fresh && prompts.size === shape.prompts)) {
      result.push(current);
      current = [];
      prompts = new Set();
    }
    current.push(i);
    prompts.add(request.prompt);
  });
  if (current.length > 0) result.push(current);
  return result;
}
