/** Continuous batching: refilled slots, shared prefixes, cuts and aborted requests change no sample; what is drawn is what the cuts allow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leastKept } from '../../kernels/sample/reference.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';
import type { TokenRequest } from '../../trainer/sampler/sampler-session.ts';
import type { SamplingParams } from '../../trainer/sampler/sampling.ts';
import { tinyConfig, tinyWeights } from './tiny-model.ts';

let gpu: Gpu;
let model: ModelWeights;
const samplers = new Map<number, Sampler>();
const plain: SamplingParams = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };
const shared = Array.from({ length: 20 }, (_, i) => 1 + (i % 17));
const prompts = [[1, 5, 3], [7], [...shared, 2], [...shared, 2, 9], [...shared, 4], [3, 8]];
/** Requests of every kind: prompts that begin alike, other lengths, other cuts. */
const requests: TokenRequest[] = Array.from({ length: 40 }, (_, i) => ({
  prompt: prompts[(i * 5) % 6]!,
  seed: 77 + i,
  maxTokens: 1 + ((i * 7) % 13),
  sampling: {
    temperature: [1, 0.5, 0, 1.5][i % 4]!,
    top_k: i % 3 === 0 ? 4 : 0,
    top_p: i % 5 === 0 ? 0.7 : 1,
    min_p: i % 7 === 0 ? 0.1 : 0,
  },
  endTokens: i % 2 === 0 ? [0] : [0, 3, 5, 7, 9],
}));

beforeAll(async () => {
  gpu = await openDevice();
  model = new ModelWeights(gpu, tinyConfig);
  for (const [name, values] of tinyWeights(tinyConfig)) model.load(name, values);
  for (const slots of [1, 7, 64]) {
    const shape = {
      config: tinyConfig,
      promptLength: 24,
      responseLength: 16,
      slots,
      temperature: 1,
      eosId: 0,
    };
    samplers.set(slots, await Sampler.create(gpu, model, { ...shape, ranking: slots === 7 }));
  }
}, 60_000);
afterAll(() => gpu.close());

const draw = (slots: number, some: readonly TokenRequest[]) =>
  Promise.all(some.map((request) => samplers.get(slots)!.session.submit(request)));

describe('continuous batching', () => {
  it('draws the same samples through 1, 7 and 64 slots, and again from a warm cache', async () => {
    const all = await draw(64, requests);
    expect(await draw(7, requests)).toEqual(all);
    expect(await draw(7, requests.toReversed())).toEqual(all.toReversed());
    expect(await draw(1, requests.slice(0, 8))).toEqual(all.slice(0, 8));
    expect(new Set(all.map(({ finish }) => finish))).toEqual(new Set(['end', 'length']));
    all.forEach(({ tokens, finish }, i) => {
      const { endTokens, maxTokens } = requests[i]!;
      const end = tokens.findIndex((token) => endTokens.includes(token));
      expect(finish).toBe(end === -1 ? 'length' : 'end');
      expect(tokens.length).toBe(end === -1 ? maxTokens : end + 1);
    });
  });

  it('takes requests while others are drawn, and lets go of those that are given up', async () => {
    const alone = await draw(7, requests.slice(0, 12));
    const { session } = samplers.get(7)!;
    const late: Promise<unknown>[] = [];
    const first = session.submit({
      ...requests[0]!,
      maxTokens: 16,
      endTokens: [],
      watch: () => {
        if (late.length === 0)
          for (const request of requests.slice(1, 12)) late.push(session.submit(request));
        return false;
      },
    });
    const gone = new AbortController();
    const given = session.submit({
      ...requests[1]!,
      maxTokens: 16,
      endTokens: [],
      watch: () => {
        gone.abort(new Error('gone'));
        return false;
      },
      signal: gone.signal,
    });
    await expect(given).rejects.toThrow('gone');
    await first;
    expect(await Promise.all(late)).toEqual(alone.slice(1));
    await session.idle();
    expect(session.load).toEqual({ waiting: 0, running: 0 });
    await expect(session.submit({ ...requests[0]!, maxTokens: 99 })).rejects.toThrow(/positions/);
  });

  it('tells a watcher every token once and ends where it says', async () => {
    const [whole] = await draw(7, [{ ...requests[0]!, sampling: plain, maxTokens: 12, endTokens: [] }]);
    const seen: number[] = [];
    const watch = (token: number) => seen.push(token) === 5;
    const [cut] = await draw(64, [{ ...requests[0]!, sampling: plain, maxTokens: 12, endTokens: [], watch }]);
    expect(cut).toMatchObject({
      tokens: whole!.tokens.slice(0, 5),
      logps: whole!.logps.slice(0, 5),
      finish: 'stop',
    });
    expect(seen).toEqual(cut!.tokens);
  });

  it('draws only what the cuts leave, in the shares that are left', async () => {
    const prompt = prompts[0]!;
    const logits = [...(await computeLogits(gpu, model, prompt)).slice(-tinyConfig.vocabSize)];
    for (const cuts of [{ top_k: 3 }, { top_p: 0.6 }, { min_p: 0.3 }, { top_k: 6, top_p: 0.8, min_p: 0.1 }]) {
      const sampling = { ...plain, temperature: 0.8, ...cuts };
      const z = logits.map((x) => x / sampling.temperature);
      const least = leastKept(z, {
        topK: sampling.top_k,
        topP: sampling.top_p,
        logMinP: sampling.min_p === 0 ? -3e38 : Math.log(sampling.min_p),
      });
      const kept = z.map((x) => (x >= least - 1e-6 ? Math.exp(x) : 0));
      const total = kept.reduce((a, b) => a + b, 0);
      const count = 600;
      const drawn = await draw(
        64,
        Array.from({ length: count }, (_, seed) => ({ prompt, seed, maxTokens: 1, sampling, endTokens: [] })),
      );
      const found = new Float64Array(tinyConfig.vocabSize);
      const full = Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0));
      for (const { tokens, logps } of drawn) {
        found[tokens[0]!]!++;
        // Of the whole vocabulary at this temperature, whatever was cut.
        expect(logps[0]).toBeCloseTo(z[tokens[0]!]! - full, 4);
      }
      kept.forEach((weight, token) => {
        const share = weight / total;
        if (share === 0) expect(found[token], JSON.stringify(cuts)).toBe(0);
        // Five standard deviations.
        expect(Math.abs(found[token]! / count - share)).toBeLessThan(
          5 * Math.sqrt((share * (1 - share)) / count) + 1e-9,
        );
      });
    }
  });

  it('ranks the tokens of a prompt and those drawn', async () => {
    const prompt = prompts[3]!;
    const [sample] = await draw(7, [
      { prompt, seed: 1, maxTokens: 3, sampling: plain, endTokens: [], top: 19, rankPrompt: 2 },
    ]);
    const all = [...prompt, ...sample!.tokens];
    const logits = await computeLogits(gpu, model, all);
    const { vocabSize } = tinyConfig;
    [...sample!.promptRanked, ...sample!.ranked].forEach(({ token, logp, top }, i) => {
      const row = [...logits.slice(i * vocabSize, (i + 1) * vocabSize)];
      const lse = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
      const order = row.map((_, t) => t).sort((a, b) => row[b]! - row[a]! || a - b);
      expect(token).toBe(all[i + 1]);
      expect(logp).toBeCloseTo(row[token]! - lse, 4);
      expect(top.map((one) => one.token)).toEqual(order.slice(0, i < prompt.length - 1 ? 2 : 19));
      expect(top[0]!.logp).toBeCloseTo(row[order[0]!]! - lse, 4);
    });
    expect([sample!.promptRanked.length, sample!.ranked.length]).toEqual([prompt.length - 1, 3]);
  });
});
