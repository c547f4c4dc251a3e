/** Generation: a sample's tokens do not depend on the batch, and its log-probabilities are the trainer's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { type SampleRequest, Sampler } from '../../trainer/sampler/sampler.ts';
import { tinyConfig, tinyShape, tinyWeights } from './tiny-model.ts';

let gpu: Gpu;
let model: ModelWeights;
beforeAll(async () => {
  gpu = await openDevice();
  model = new ModelWeights(gpu, tinyConfig);
  for (const [name, values] of tinyWeights(tinyConfig)) model.load(name, values);
});
afterAll(() => gpu.close());

const prompts = [[1, 5, 3], [7], [2, 2, 9, 4, 11], [3, 8]];
const shape = {
  config: tinyConfig,
  promptLength: 6,
  responseLength: 12,
  temperature: 1,
  eosId: 0,
};

describe('generation', () => {
  it('draws the same tokens alone, in a batch of 7 and in a batch of 64', async () => {
    const requests: SampleRequest[] = Array.from({ length: 64 }, (_, i) => ({
      prompt: i % 4,
      seed: 1000 + i,
    }));
    const drawn: number[][][] = [];
    for (const slots of [1, 7, 64]) {
      const sampler = await Sampler.create(gpu, model, { ...shape, slots });
      const some = slots === 1 ? requests.slice(0, 9) : requests;
      drawn.push((await sampler.generate(prompts, some, { maxTokens: 12 })).map((s) => s.tokens));
      sampler.destroy();
    }
    expect(drawn[1]).toEqual(drawn[2]);
    expect(drawn[0]).toEqual(drawn[2]!.slice(0, 9));
    // Different seeds on the same prompt give different texts.
    expect(new Set(drawn[2]!.map((t) => t.join())).size).toBeGreaterThan(32);
  });

  it('reports log-probabilities that the trainer agrees with to 1e-4', async () => {
    const sampler = await Sampler.create(gpu, model, { ...shape, slots: 16 });
    const requests = Array.from({ length: 16 }, (_, i) => ({ prompt: i % 4, seed: i }));
    const samples = await sampler.generate(prompts, requests, { maxTokens: 12 });
    const seq = 18;
    const learner = await Learner.create(gpu, model, tinyShape({ batch: 1, seq }));
    let compared = 0;
    for (const sample of samples) {
      const all = [...prompts[sample.prompt]!, ...sample.tokens];
      const pad = (values: number[]) => Uint32Array.from({ length: seq }, (_, i) => values[i] ?? 0);
      const stats = await learner.evaluate({
        tokens: pad(all.slice(0, -1)),
        targets: pad(all.slice(1)),
        positions: Uint32Array.from({ length: seq }, (_, i) => i),
        kvStart: new Uint32Array(seq),
      });
      sample.logps.forEach((logp, i) => {
        expect(Math.abs(stats[(prompts[sample.prompt]!.length - 1 + i) * 4]! - logp)).toBeLessThan(1e-4);
        compared++;
      });
    }
    expect(compared).toBeGreaterThan(50);
    sampler.destroy();
    learner.destroy();
  });

  it('ends at the end-of-text token, at the length limit, and at a stop condition', async () => {
    const sampler = await Sampler.create(gpu, model, { ...shape, slots: 64 });
    const requests = Array.from({ length: 64 }, (_, i) => ({ prompt: i % 4, seed: i }));
    const samples = await sampler.generate(prompts, requests, { maxTokens: 9 });
    for (const { tokens, truncated } of samples) {
      expect(tokens.indexOf(0)).toBe(truncated ? -1 : tokens.length - 1);
      expect(tokens.length).toBeLessThanOrEqual(9);
    }
    expect(samples.some((s) => s.truncated)).toBe(true);
    expect(samples.some((s) => !s.truncated)).toBe(true);
    const stopped = await sampler.generate(prompts, requests, {
      maxTokens: 12,
      watch: () => {
        let count = 0;
        return () => ++count >= 3;
      },
    });
    for (const { tokens, truncated } of stopped) {
      expect(tokens.length).toBeLessThanOrEqual(3);
      expect(truncated).toBe(false);
    }
    sampler.destroy();
  });

  it('greedy decoding takes the argmax of the full forward pass at every token', async () => {
    const sampler = await Sampler.create(gpu, model, { ...shape, slots: 4, temperature: 0 });
    const samples = await sampler.generate(
      prompts,
      prompts.map((_, prompt) => ({ prompt, seed: prompt })),
      { maxTokens: 12 },
    );
    const learner = await Learner.create(gpu, model, tinyShape({ batch: 1, seq: 18 }));
    for (const sample of samples) {
      const all = [...prompts[sample.prompt]!, ...sample.tokens];
      const pad = (values: number[]) => Uint32Array.from({ length: 18 }, (_, i) => values[i] ?? 0);
      const stats = await learner.evaluate({
        tokens: pad(all.slice(0, -1)),
        targets: pad(all.slice(1)),
        positions: Uint32Array.from({ length: 18 }, (_, i) => i),
        kvStart: new Uint32Array(18),
      });
      sample.tokens.forEach((token, i) => {
        expect(stats[(prompts[sample.prompt]!.length - 1 + i) * 4 + 3]).toBe(token);
      });
    }
    sampler.destroy();
    learner.destroy();
  });
});
