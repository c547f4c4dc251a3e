/**
 * What lm-evaluation-harness 0.4 posts, replayed: token ids, batches of them, texts, few-shot with stop strings, whole documents, conversations. Answers
 * are compared with transformers' on the same weights (test/oracles/lm-eval.py, which also holds them against the harness's own `hf` model).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../../src/serve/engine.ts';
import { type Endpoint, openEndpoint } from '../../src/serve/server.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';

interface Choice {
  text: string;
  finish_reason: string;
  token_logprobs?: (number | null)[];
  best_logprobs?: (number | null)[];
}
interface Recorded {
  groups: {
    name: string;
    requests: { path: string; body: { echo?: boolean; max_tokens: number }; choices: Choice[] }[];
  }[];
}
interface Answered {
  choices: {
    text?: string;
    message?: { content: string };
    finish_reason: string;
    logprobs: {
      tokens: string[];
      text_offset: number[];
      token_logprobs: (number | null)[];
      top_logprobs: (Record<string, number> | null)[];
    } | null;
  }[];
}

const folder = path.join(import.meta.dirname, '../fixtures/lm-eval');
const { groups } = JSON.parse(readFileSync(path.join(folder, 'requests.json'), 'utf8')) as Recorded;
let gpu: Gpu;
let engine: Engine;
let endpoint: Endpoint;

beforeAll(async () => {
  gpu = await openDevice();
  engine = await Engine.open(gpu, folder, { name: 'tiny', slots: 4, context: 128, queue: 64 });
  endpoint = await openEndpoint(engine, {
    host: '127.0.0.1',
    port: 0,
    maxBody: 1_000_000,
    onError: (error) => {
      throw error;
    },
  });
}, 60_000);
afterAll(async () => {
  await endpoint.close(0);
  engine.close();
  await gpu.close();
});

it.each(groups)('answers as transformers does: $name', async ({ requests }) => {
  // All at once, as num_concurrent sends them.
  const answers = await Promise.all(
    requests.map(async ({ path: route, body }) => {
      const response = await fetch(endpoint.url + route, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer ' },
        body: JSON.stringify(body),
      });
      expect(response.status, await response.clone().text()).toBe(200);
      return (await response.json()) as Answered;
    }),
  );
  for (const [i, { body, choices }] of requests.entries()) {
    expect(answers[i]!.choices).toHaveLength(choices.length);
    for (const [j, expected] of choices.entries()) {
      const { text, message, finish_reason, logprobs } = answers[i]!.choices[j]!;
      const where = JSON.stringify(body);
      if (!body.echo) {
        expect([message?.content ?? text, finish_reason], where).toEqual([
          expected.text,
          expected.finish_reason,
        ]);
        continue;
      }
      const { tokens, text_offset, token_logprobs, top_logprobs } = logprobs!;
      for (const list of [tokens, text_offset, token_logprobs, top_logprobs])
        expect(list, where).toHaveLength(expected.token_logprobs!.length);
      for (const [at, logp] of expected.token_logprobs!.entries()) {
        if (logp === null) {
          expect([token_logprobs[at], top_logprobs[at]], where).toEqual([null, null]);
          continue;
        }
        const best = Math.max(...Object.values(top_logprobs[at]!));
        expect(token_logprobs[at], where).toBeCloseTo(logp, 4);
        expect(best, where).toBeCloseTo(expected.best_logprobs![at]!, 4);
        // lm-eval calls a continuation greedy where the two numbers are the same number.
        expect(token_logprobs[at] === best, where).toBe(logp === expected.best_logprobs![at]);
      }
    }
  }
});
