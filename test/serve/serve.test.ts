/** The endpoint as OpenAI's own client uses it, and as clients use it that are wrong, slow, greedy or gone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../src/serve/engine.ts';
import { type Endpoint, openEndpoint } from '../../src/serve/server.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { loadModel } from '../../trainer/model/folder.ts';
import { chatTemplate, writeTextModel } from '../trainer/text-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'serve-'));
const plainFolder = mkdtempSync(path.join(tmpdir(), 'serve-plain-'));
let gpu: Gpu;
let engine: Engine;
let endpoint: Endpoint;
let client: OpenAI;
const trouble: unknown[] = [];
const model = 'tiny';
const options = { host: '127.0.0.1', port: 0, maxBody: 20_000, onError: (e: unknown) => trouble.push(e) };

beforeAll(async () => {
  gpu = await openDevice();
  await writeTextModel(gpu, folder, { chat: true });
  await writeTextModel(gpu, plainFolder);
  engine = await Engine.open(gpu, folder, { name: model, slots: 4, context: 96, queue: 4 });
  endpoint = await openEndpoint(engine, options);
  client = new OpenAI({ baseURL: `${endpoint.url}/v1`, apiKey: 'none', maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  await endpoint.close(0);
  engine.close();
  await gpu.close();
  for (const one of [folder, plainFolder]) rmSync(one, { recursive: true, force: true });
});

async function post(body: string | object, headers: Record<string, string> = {}, route = '/v1/completions') {
  const response = await fetch(endpoint.url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as {
    error: { message: string; param: string | null; code: string | null };
  };
  return { status: response.status, ...answer.error };
}

describe("with OpenAI's client", () => {
  it('lists the model, and knows no other', async () => {
    const names = [];
    for await (const one of client.models.list()) names.push(one.id);
    expect(names).toEqual([model]);
    expect((await client.models.retrieve(model)).owned_by).toBe('midtrain');
    await expect(client.models.retrieve('gpt-4')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('completes a text: the same with the same seed, streamed or whole, alone or among others', async () => {
    const request = { model, prompt: 'the cat', max_tokens: 12, seed: 7, temperature: 1.3 };
    const alone = await client.completions.create(request);
    const text = alone.choices[0]!.text;
    expect(alone.usage!.completion_tokens).toBeGreaterThan(0);
    expect(alone.usage!.total_tokens).toBe(alone.usage!.prompt_tokens + alone.usage!.completion_tokens);
    const crowd = await Promise.all([
      ...[1, 2, 3].map((seed) => client.completions.create({ ...request, seed, n: 2 })),
      client.completions.create(request),
    ]);
    expect(crowd[3]!.choices[0]!.text).toBe(text);
    // Two choices of one request differ, and so do two seeds.
    const texts = crowd.flatMap(({ choices }) => choices.map((choice) => choice.text));
    expect(new Set(texts).size).toBe(7);
    let streamed = '';
    let finish: string | null = null;
    let usage: { completion_tokens: number } | null | undefined;
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.text ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(streamed).toBe(text);
    expect(finish).toBe(alone.choices[0]!.finish_reason);
    expect(usage).toEqual(alone.usage);
  });

  it('holds a conversation through the chat template, streamed and whole', async () => {
    const messages = [{ role: 'user' as const, content: 'the dog' }];
    const request = { model, messages, max_completion_tokens: 10, temperature: 0 };
    const whole = await client.chat.completions.create({ ...request, logprobs: true, top_logprobs: 2 });
    const choice = whole.choices[0]!;
    expect(choice.message.role).toBe('assistant');
    // What the template writes is what the model saw.
    const asText = await client.completions.create({
      model,
      prompt: 'user: the dog\nassistant:',
      max_tokens: 10,
      temperature: 0,
    });
    expect(choice.message.content).toBe(asText.choices[0]!.text);
    expect(whole.usage).toEqual(asText.usage);
    const [first] = choice.logprobs!.content!;
    expect(first!.top_logprobs).toHaveLength(2);
    expect(first!.top_logprobs[0]).toEqual({
      token: first!.token,
      logprob: first!.logprob,
      bytes: first!.bytes,
    });
    let streamed = '';
    const roles = [];
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      streamed += chunk.choices[0]!.delta.content ?? '';
      if (chunk.choices[0]!.delta.role) roles.push(chunk.choices[0]!.delta.role);
    }
    expect(streamed).toBe(choice.message.content);
    expect(roles).toEqual(['assistant']);
  });

  it('ends at a stop string, which is not in the text, and reports why it ended', async () => {
    const request = { model, prompt: 'the cat', max_tokens: 40, seed: 3, temperature: 1 };
    const { text } = (await client.completions.create(request)).choices[0]!;
    const stop = text.slice(5, 7);
    const cut = await client.completions.create({ ...request, stop: [stop, 'never there'] });
    expect(cut.choices[0]!.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(cut.choices[0]!.finish_reason).toBe('stop');
    expect(cut.usage!.completion_tokens).toBeLessThan(40);
    const short = await client.completions.create({ ...request, max_tokens: 2 });
    expect(short.choices[0]!.finish_reason).toBe('length');
  });

  it('scores a prompt as lm-eval asks for it: ids, echo, one token, log-probabilities', async () => {
    const ids = [
      [10, 20, 30, 40, 50],
      [7, 8],
    ];
    const scored = await client.completions.create({
      model,
      prompt: ids,
      max_tokens: 1,
      temperature: 0,
      logprobs: 1,
      echo: true,
      seed: 1234,
    });
    const weights = await loadModel(gpu, folder);
    for (const [i, prompt] of ids.entries()) {
      const { tokens, token_logprobs, top_logprobs } = scored.choices[i]!.logprobs!;
      expect(tokens).toHaveLength(prompt.length + 1);
      expect([token_logprobs![0], top_logprobs![0]]).toEqual([null, null]);
      const logits = await computeLogits(gpu, weights, prompt);
      const vocab = weights.config.vocabSize;
      for (let at = 1; at < prompt.length; at++) {
        const row = [...logits.slice((at - 1) * vocab, at * vocab)];
        const lse = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
        expect(token_logprobs![at]).toBeCloseTo(row[prompt[at]!]! - lse, 4);
        const best = Math.max(...Object.values(top_logprobs![at]!));
        expect(best).toBeCloseTo(Math.max(...row) - lse, 4);
      }
      // The drawn token is the likeliest: lm-eval compares the two numbers.
      expect(token_logprobs!.at(-1)).toBe(Math.max(...Object.values(top_logprobs!.at(-1)!)));
    }
    weights.destroy();
  });

  it('leaves what it put before a text out of what it echoes', async () => {
    // Token 0 is the end token; this model has no begin token, so an empty text alone gets one.
    const ids = engine.encode('the cat').ids;
    const request = { model, max_tokens: 0, logprobs: 1, echo: true };
    const asText = await client.completions.create({ ...request, prompt: 'the cat' });
    const asIds = await client.completions.create({ ...request, prompt: ids });
    expect(asText.choices[0]!.logprobs).toEqual(asIds.choices[0]!.logprobs);
    expect(asText.choices[0]!.logprobs!.text_offset![0]).toBe(0);
    const empty = await client.completions.create({ ...request, prompt: '' });
    expect(empty.choices[0]!.logprobs!.tokens).toEqual([]);
  });

  it('gives the best of several, by log-probability per token', async () => {
    const request = { model, prompt: 'the cat', max_tokens: 6, seed: 11, temperature: 1, logprobs: 0 };
    const all = (await client.completions.create({ ...request, n: 5 })).choices;
    const mean = ({ logprobs }: (typeof all)[number]) =>
      logprobs!.token_logprobs!.reduce((sum, logp) => sum + logp, 0) / logprobs!.token_logprobs!.length;
    const expected = all.toSorted((a, b) => mean(b) - mean(a)).map(({ text }) => text);
    const best = await client.completions.create({ ...request, n: 2, best_of: 5 });
    expect(best.choices.map(({ text }) => text)).toEqual(expected.slice(0, 2));
    expect(best.choices.map(({ index }) => index)).toEqual([0, 1]);
    const { logprobs: _, ...plain } = request;
    const one = await client.completions.create({ ...plain, best_of: 5 });
    expect([one.choices[0]!.text, one.choices[0]!.logprobs]).toEqual([expected[0], null]);
    expect(one.usage!.completion_tokens).toBe(best.usage!.completion_tokens);
  });

  it('takes four stop strings, and what changes nothing', async () => {
    const request = { model, prompt: 'the cat', max_tokens: 20, seed: 3, temperature: 1 };
    const { text } = (await client.completions.create(request)).choices[0]!;
    const neutral = {
      stop: ['never', 'there', 'at', text.slice(4, 6)],
      presence_penalty: 0,
      frequency_penalty: 0,
      repetition_penalty: 1,
      response_format: { type: 'text' },
      user: 'me',
    };
    const cut = await client.completions.create({ ...request, ...neutral });
    const ends = neutral.stop.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    expect(cut.choices[0]!.text).toBe(text.slice(0, Math.min(...ends)));
  });

  it('draws by top_p, top_k and min_p', async () => {
    const request = { model, prompt: 'the cat', max_tokens: 12, temperature: 1, seed: 5 };
    const greedy = await client.completions.create({ ...request, temperature: 0 });
    for (const cut of [{ top_p: 1e-6 }, { top_k: 1 }, { min_p: 1 }]) {
      const drawn = await client.completions.create({ ...request, ...cut } as typeof request);
      expect(drawn.choices[0]!.text, JSON.stringify(cut)).toBe(greedy.choices[0]!.text);
    }
    expect((await client.completions.create(request)).choices[0]!.text).not.toBe(greedy.choices[0]!.text);
  });

  it('frees the slots of a client that has gone', async () => {
    const stream = await client.completions.create({
      model,
      prompt: 'a',
      max_tokens: 90,
      n: 4,
      logit_bias: {},
      stream: true,
    });
    for await (const _ of stream) break; // leaves, which closes the connection
    await expect.poll(() => engine.load, { timeout: 60_000 }).toEqual({ waiting: 0, running: 0 });
  });
});

describe('with other clients', () => {
  const prompt = 'the cat';

  it.each([
    ['no JSON', '{', {}, 400, null],
    ['another content type', '{}', { 'content-type': 'text/plain' }, 400, null],
    ['no prompt', { model }, {}, 400, 'prompt'],
    ['a temperature below 0', { prompt, temperature: -1 }, {}, 400, 'temperature'],
    ['a parameter that nobody knows', { prompt, temprature: 1 }, {}, 400, 'temprature'],
    [
      'a parameter that would change the answer',
      { prompt, presence_penalty: 1 },
      {},
      400,
      'presence_penalty',
    ],
    ['a token that the model does not have', { prompt: [1, 100_000] }, {}, 400, 'prompt'],
    ['more than the context', { prompt, max_tokens: 96 }, {}, 400, 'prompt'],
    ['another model', { prompt, model: 'gpt-4' }, {}, 404, 'model'],
    ['a large body', { prompt: 'a'.repeat(30_000) }, {}, 413, null],
    ['more samples than there are places', { prompt, n: 9 }, {}, 400, null],
    ['fewer samples than choices', { prompt, n: 2, best_of: 1 }, {}, 400, 'best_of'],
    ['a stream of the best', { prompt, best_of: 2, stream: true }, {}, 400, 'best_of'],
    ['a bias', { prompt, logit_bias: { 5: 1 } }, {}, 400, 'logit_bias'],
    ['a penalty', { prompt, frequency_penalty: 0.5 }, {}, 400, 'frequency_penalty'],
    ['another format', { prompt, response_format: { type: 'json_object' } }, {}, 400, 'response_format.type'],
    ['too many stops', { prompt, stop: Array(17).fill('x') }, {}, 400, 'stop'],
    ['an empty stop', { prompt, stop: [''] }, {}, 400, 'stop.0'],
    ['an unknown stream option', { prompt, stream: true, stream_options: 1 }, {}, 400, 'stream_options'],
    ['a seed that is no number', { prompt, seed: 'x' }, {}, 400, 'seed'],
    ['a suffix', { prompt, suffix: 'x' }, {}, 400, 'suffix'],
  ])('refuses %s', async (_, body, headers, status, param) => {
    const refused = await post(body, headers);
    expect(refused).toMatchObject({ status, param });
    expect(refused.message.length).toBeGreaterThan(10);
  });

  it('encodes and decodes for clients without a tokenizer, as vLLM does', async () => {
    const ask = async (route: string, body?: object) => {
      const sent = body && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      };
      const response = await fetch(endpoint.url + route, sent);
      return (await response.json()) as Record<string, unknown>;
    };
    const tokens = [...engine.tokenizer.encode('the cat')];
    expect(
      await ask('/tokenize', { prompt: 'the cat', add_special_tokens: false, return_token_strs: true }),
    ).toEqual({
      count: tokens.length,
      max_model_len: 96,
      tokens,
      token_strs: tokens.map((id) => engine.tokenizer.tokenOf(id)),
    });
    expect((await ask('/tokenize', { messages: [{ role: 'user', content: 'the dog' }] })).tokens).toEqual([
      ...engine.tokenizer.encode('user: the dog\nassistant:'),
    ]);
    expect(await ask('/detokenize', { tokens })).toEqual({ prompt: 'the cat' });
    expect(await ask('/detokenize', { tokens: [100_000] })).toMatchObject({ error: { param: 'tokens' } });
    expect(await ask('/tokenizer_info')).toMatchObject({ error: { code: 'unknown_url' } });
    const open = await openEndpoint(engine, { ...options, tokenizerInfo: true });
    const info = (await (await fetch(`${open.url}/tokenizer_info`)).json()) as Record<string, unknown>;
    expect(info).toMatchObject({ eos_token: engine.tokenizer.tokenOf(0), chat_template: chatTemplate });
    await open.close(0);
  });

  it('knows its own addresses only', async () => {
    expect(await post({}, {}, '/v1/embeddings')).toMatchObject({ status: 404, code: 'unknown_url' });
    expect(await post({}, {}, '/v1/models')).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(await post({}, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      code: 'wrong_origin',
    });
    const page = { method: 'OPTIONS', headers: { origin: 'http://localhost:3000' } };
    expect((await fetch(`${endpoint.url}/v1/completions`, page)).status).toBe(204);
    const [listed] = (await client.models.list()).data;
    expect(listed).toMatchObject({ id: model, object: 'model', max_model_len: 96 });
    expect(listed!.created).toBeGreaterThan(1.7e9);
    expect((await fetch(`${endpoint.url}/health`, { method: 'HEAD' })).status).toBe(200);
    const { port } = new URL(endpoint.url);
    const statusFor = (host: string) =>
      new Promise<number>((resolve, reject) => {
        const sent = httpRequest(
          { port, host: '127.0.0.1', path: '/v1/models', headers: { host } },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode!);
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    expect(await statusFor(`evil.example:${port}`)).toBe(403);
    expect(await statusFor('evil.example')).toBe(403);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      expect(await statusFor(host)).toBe(200);
  });

  it('says that a model without a chat template takes no messages', async () => {
    const plain = await Engine.open(gpu, plainFolder, { slots: 1, context: 32, queue: 1 });
    expect(() => plain.encodeMessages([{ role: 'user', content: 'hi' }])).toThrow(/no chat template/);
    plain.close();
  });

  it('ends what is in hand, refuses what comes then, and lets go of the port', async () => {
    const other = await openEndpoint(engine, options);
    // Closed at the moment it asks for a draw: no wait, so no load of the machine can miss it.
    let closing: Promise<void> | undefined;
    const draw = engine.draw.bind(engine);
    const watched = vi.spyOn(engine, 'draw').mockImplementation((job) => {
      const drawn = draw(job);
      closing ??= other.close(20_000);
      return drawn;
    });
    const slow = fetch(`${other.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt, max_tokens: 60, temperature: 0.9, seed: 1 }),
    });
    const answer = (await (await slow).json()) as { choices: { text: string }[] };
    expect(answer.choices).toHaveLength(1);
    expect(closing).toBeDefined();
    await closing;
    watched.mockRestore();
    await expect(fetch(`${other.url}/health`)).rejects.toThrow();
    expect((await fetch(`${endpoint.url}/health`)).status).toBe(200);
    expect(trouble).toEqual([]);
  });
});
