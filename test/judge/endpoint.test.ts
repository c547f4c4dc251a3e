/** The client of a chat endpoint against a server that misbehaves in every way it can. */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import type { Sampling } from '../../classifiers/judge/chat-types.ts';
import { endpointAddress, readApiKey } from '../../classifiers/judge/endpoint-address.ts';
import {
  DocumentProblem,
  EndpointFailure,
  type EndpointOptions,
  openEndpoint,
} from '../../classifiers/judge/open-endpoint.ts';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import { type Behaviour, type ChatServer, chatServer, type Seen } from './chat-server.ts';

const sampling: Sampling = { maxTokens: 50, temperature: 0 };
const ask = [{ role: 'user', content: 'hello' }] as const;
const open: { close(): void }[] = [];
afterAll(() => {
  for (const one of open) one.close();
});

function endpointOf(server: ChatServer, options: Partial<EndpointOptions> = {}) {
  const endpoint = openEndpoint({
    url: server.url,
    model: 'm',
    retrySeconds: 0.001,
    environment: {},
    ...options,
  });
  open.push(endpoint);
  return endpoint;
}

/** The first behaviours in turn, then an answer. */
function inTurn(...first: Behaviour[]): (seen: Seen) => Behaviour {
  return ({ attempt }) => first[attempt - 1] ?? { say: 'good' };
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

describe('what may go away is asked again', () => {
  const misdeeds: [name: string, behaviour: Behaviour, reason: string, lost: number][] = [
    ['429', { status: 429, body: { error: { message: 'slow down' } } }, 'rate_limited', 0],
    ['408', { status: 408 }, 'server_error', 1],
    ['409', { status: 409 }, 'server_error', 0],
    ['425', { status: 425 }, 'server_error', 0],
    ['500', { status: 500, body: 'boom' }, 'server_error', 0],
    ['503 with an HTML page', { status: 503, body: '<html><body>busy</body></html>' }, 'server_error', 0],
    ['504 of a gateway', { status: 504 }, 'server_error', 1],
    ['a reset connection', { reset: true }, 'connection', 1],
    ['half an answer', { truncate: true }, 'connection', 1],
    ['an HTML page with status 200', { raw: '<html>welcome</html>' }, 'bad_response', 1],
    ['half a JSON text', { raw: '{"choices":[{"mess' }, 'bad_response', 1],
    ['JSON without choices', { raw: '{"object":"chat.completion","choices":[]}' }, 'bad_response', 1],
    ['an error with status 200', { raw: '{"error":{"message":"upstream","code":502}}' }, 'server_error', 0],
    ['an answer of 40 MB', { bytes: 40 << 20 }, 'bad_response', 1],
  ];
  test.each(misdeeds)('%s', async (_, behaviour, reason, lost) => {
    const server = await chatServer(inTurn(behaviour, behaviour));
    const endpoint = endpointOf(server);
    let [sent, lostTold, refused] = [0, 0, 0];
    const hooks = {
      onSend: () => void sent++,
      onLost: () => void lostTold++,
      onRefused: () => void refused++,
    };
    const answer = await endpoint.chat(ask, sampling, hooks);
    expect(answer.content).toBe('good');
    expect(endpoint.counts.retries).toEqual({ [reason]: 2 });
    expect(endpoint.counts).toMatchObject({ sent: 3, answered: 1, lost: 2 * lost });
    expect([sent, lostTold, refused]).toEqual([3, 2 * lost, 2 - 2 * lost]);
  });

  test('an endpoint that never answers, within its time limit', async () => {
    const server = await chatServer(inTurn({ hang: true }));
    const endpoint = endpointOf(server, { timeoutSeconds: 0.5, maxRetries: 100 });
    expect((await endpoint.chat(ask, sampling)).content).toBe('good');
    expect(endpoint.counts.retries.timeout).toBeGreaterThan(0);
    expect(endpoint.counts.lost).toBe(endpoint.counts.retries.timeout);
  });

  test('but not for ever', async () => {
    const server = await chatServer(() => ({
      status: 500,
      body: { error: { message: 'cuda out of memory' } },
    }));
    const error = await failureOf(endpointOf(server, { maxRetries: 3 }).chat(ask, sampling));
    expect(error).toBeInstanceOf(EndpointFailure);
    expect(error).toMatchObject({ reason: 'server_error' });
    expect(error.message).toContain('cuda out of memory');
    expect(server.seen).toHaveLength(4);
  });

  test('a server that speaks no TLS is told at once', async () => {
    const server = await chatServer(() => ({ say: 'good' }));
    const endpoint = endpointOf(server, { url: server.url.replace('http:', 'https:') });
    const error = await failureOf(endpoint.chat(ask, sampling));
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain('does not speak TLS: try http://');
    expect(endpoint.counts.sent).toBe(1);
  });

  test('a proxy that the environment names carries requests to other hosts, and none to this machine', async () => {
    const proxy = await chatServer(() => ({ say: 'by proxy' }));
    const environment = { http_proxy: proxy.url };
    const away = endpointOf(proxy, { url: 'http://judge.invalid/v1', environment });
    expect((await away.chat(ask, sampling)).content).toBe('by proxy');
    expect(proxy.seen[0]!.path).toBe('http://judge.invalid/v1/chat/completions');
    const local = await chatServer(() => ({ say: 'direct' }));
    expect((await endpointOf(local, { environment }).chat(ask, sampling)).content).toBe('direct');
    const excepted = { ...environment, no_proxy: 'judge.invalid' };
    const options = { url: 'http://judge.invalid/v1', environment: excepted, maxRetries: 0 };
    await failureOf(endpointOf(proxy, options).chat(ask, sampling));
    expect(proxy.seen).toHaveLength(1);
  });

  test('a server that is not there is told after few tries', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const endpoint = openEndpoint({
      url: `127.0.0.1:${port}`,
      model: 'm',
      retrySeconds: 0.001,
      environment: {},
    });
    const error = await failureOf(endpoint.chat(ask, sampling));
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(`127.0.0.1:${port} cannot be reached: ECONNREFUSED`);
    expect(endpoint.counts).toMatchObject({ sent: 3, lost: 0 });
  });
});

describe('an endpoint that has answered and goes away', () => {
  test('is asked again for a while, which is said once, then ends the run', async () => {
    const server = await chatServer(() => ({ say: 'good' }));
    const said: string[] = [];
    const endpoint = endpointOf(server, {
      maxRetries: 3,
      emit: (event) => {
        if (event.kind === 'message') said.push(`${event.level} ${event.text}`);
      },
    });
    await endpoint.chat(ask, sampling);
    await server.close();
    const errors = await Promise.all([1, 2].map(() => failureOf(endpoint.chat(ask, sampling))));
    for (const error of errors) {
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).toMatch(/cannot be reached any more: ECONNREFUSED, 4 tries/);
      expect((error as UserError).hint).toMatch(/what was answered is kept/);
    }
    expect(said).toEqual([expect.stringMatching(/^warn .*cannot be reached: ECONNREFUSED; trying again/)]);
    const { sent } = endpoint.counts;
    await failureOf(endpoint.chat(ask, sampling));
    expect(endpoint.counts.sent).toBe(sent);
  });

  test('and comes back is only slower', async () => {
    let refused = 0;
    const server = await chatServer(() => ({ say: 'good' }));
    const endpoint = endpointOf(server, { maxRetries: 3 });
    await endpoint.chat(ask, sampling);
    const { port } = new URL(server.url);
    await server.close();
    const waiting = endpoint.chat(ask, sampling, {
      onRefused: () => {
        refused++;
      },
      onSend: async () => {
        if (refused !== 2) return;
        const again = createHttpServer((request, response) => {
          request.resume();
          response.end(
            JSON.stringify({ choices: [{ message: { content: 'back' }, finish_reason: 'stop' }] }),
          );
        });
        open.push(again);
        await new Promise<void>((resolve) => again.listen(Number(port), '127.0.0.1', resolve));
      },
    });
    expect((await waiting).content).toBe('back');
  });
});

describe('Retry-After', () => {
  test.each([
    ['in milliseconds', { 'retry-after-ms': '80' }],
    ['in seconds', { 'retry-after': '0.08' }],
  ])('is kept to, %s, by every request', async (_, headers) => {
    let told = 0;
    const tooSoon: string[] = [];
    const server = await chatServer(({ last }) => {
      if (told === 0) {
        told = performance.now();
        return { status: 429, headers };
      }
      if (performance.now() - told < 78) tooSoon.push(last);
      return { say: 'good' };
    });
    // With a base wait of 1,000 s nothing but the header can let the test end.
    const endpoint = endpointOf(server, { retrySeconds: 1000, concurrency: 1 });
    await Promise.all(['a', 'b'].map((content) => endpoint.chat([{ role: 'user', content }], sampling)));
    expect(tooSoon).toEqual([]);
    expect(server.seen).toHaveLength(3);
  });

  test('as a date that is past means now', async () => {
    const headers = { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' };
    const server = await chatServer(inTurn({ status: 503, headers }));
    expect((await endpointOf(server, { retrySeconds: 1000 }).chat(ask, sampling)).content).toBe('good');
  });
});

describe('what ends the run', () => {
  const ends: [name: string, behaviour: Behaviour, said: RegExp, hint: RegExp][] = [
    [
      '401',
      { status: 401, body: { error: { message: 'no such key' } } },
      /401: no such key/,
      /OPENAI_API_KEY/,
    ],
    ['403', { status: 403, body: '<h1>Forbidden</h1>' }, /403: Forbidden/, /OPENAI_API_KEY/],
    ['an unknown path', { status: 404, body: { detail: 'Not Found' } }, /404: Not Found/, /URL/],
    ['no credit', { status: 402, body: { error: { message: 'pay' } } }, /402: pay/, /credit/],
    [
      'no quota, though it says 429',
      { status: 429, body: { error: { message: 'You exceeded', code: 'insufficient_quota' } } },
      /429: You exceeded/,
      /quota/,
    ],
    ['a redirect', { status: 301, headers: { location: 'https://elsewhere/' } }, /301/, /URL/],
  ];
  test.each(ends)('%s', async (_, behaviour, said, hint) => {
    const server = await chatServer(() => behaviour);
    const endpoint = endpointOf(server);
    const error = await failureOf(endpoint.chat(ask, sampling));
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(said);
    expect((error as UserError).hint).toMatch(hint);
    // And no further request goes out.
    await failureOf(endpoint.chat(ask, sampling));
    expect(server.seen).toHaveLength(1);
  });

  test('an unknown model, with the names that there are', async () => {
    const server = await chatServer(
      () => ({
        status: 404,
        body: { error: { message: 'The model `lama` does not exist.', code: 'model_not_found' } },
      }),
      { models: ['llama', 'qwen'] },
    );
    const error = (await failureOf(endpointOf(server, { model: 'lama' }).chat(ask, sampling))) as UserError;
    expect(error.message).toContain('the model "lama" is not there');
    expect(error.hint).toBe('did you mean llama? it has llama, qwen');
  });

  test('a request that is refused five times and never answered', async () => {
    const server = await chatServer(() => ({
      status: 400,
      body: { error: { message: 'temperature must be 1' } },
    }));
    const endpoint = endpointOf(server, { concurrency: 1 });
    for (let i = 0; i < 4; i++)
      expect(await failureOf(endpoint.chat(ask, sampling))).toBeInstanceOf(DocumentProblem);
    expect((await failureOf(endpoint.chat(ask, sampling))).message).toContain('temperature must be 1');
  });
});

describe('what concerns one document', () => {
  test.each([
    ['OpenAI', { error: { message: 'Too much.', code: 'context_length_exceeded' } }, 'context_length'],
    [
      'vLLM',
      { object: 'error', message: "This model's maximum context length is 8192 tokens." },
      'context_length',
    ],
    [
      'llama.cpp',
      { error: { code: 400, message: 'the request exceeds the available context size' } },
      'context_length',
    ],
    ['Azure', { error: { message: 'filtered', code: 'content_filter' } }, 'content_filter'],
    ['anything else', { error: { message: 'bad character' } }, 'rejected'],
  ])('of %s', async (_, body, reason) => {
    const server = await chatServer(() => ({ status: 400, body }));
    const error = await failureOf(endpointOf(server).chat(ask, sampling));
    expect(error).toBeInstanceOf(DocumentProblem);
    expect(error).toMatchObject({ reason });
    expect(server.seen).toHaveLength(1);
  });

  test('413 is a document that is too long', async () => {
    const server = await chatServer(() => ({ status: 413, body: '<html>Request Entity Too Large</html>' }));
    expect(await failureOf(endpointOf(server).chat(ask, sampling))).toMatchObject({
      reason: 'context_length',
    });
  });
});

describe('requests', () => {
  test('hold model, messages and sampling, and what the user adds', async () => {
    const server = await chatServer(() => ({ say: 'ok' }));
    const extraBody = {
      chat_template_kwargs: { enable_thinking: false },
      model: 'not this',
      temperature: 0.5,
    };
    await endpointOf(server).chat(ask, { maxTokens: 7, temperature: 0, topP: 0.9, seed: 3, extraBody });
    expect(server.seen[0]!.body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hello' }],
      max_tokens: 7,
      temperature: 0.5,
      top_p: 0.9,
      seed: 3,
      chat_template_kwargs: { enable_thinking: false },
    });
  });

  test('use max_completion_tokens where max_tokens is refused', async () => {
    const message =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    const server = await chatServer(({ body }) =>
      'max_tokens' in body ? { status: 400, body: { error: { message } } } : { say: 'ok' },
    );
    const endpoint = endpointOf(server);
    await endpoint.chat(ask, sampling);
    await endpoint.chat(ask, sampling);
    expect(server.seen.map(({ body }) => Object.keys(body).filter((key) => key.startsWith('max_')))).toEqual([
      ['max_tokens'],
      ['max_completion_tokens'],
      ['max_completion_tokens'],
    ]);
  });

  test('are never more at once than was said', async () => {
    const server = await chatServer(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { say: 'ok' };
    });
    const endpoint = endpointOf(server, { concurrency: 3 });
    await Promise.all(Array.from({ length: 20 }, () => endpoint.chat(ask, sampling)));
    expect(server.mostAtOnce).toBe(3);
  });

  test('begin no more often in a minute than was said', async () => {
    const times: number[] = [];
    const server = await chatServer(() => {
      times.push(performance.now());
      return { say: 'ok' };
    });
    const endpoint = endpointOf(server, { requestsPerMinute: 3000 });
    const began = performance.now();
    await Promise.all(Array.from({ length: 6 }, () => endpoint.chat(ask, sampling)));
    // The sixth may not begin before 5 x 20 ms; a slow machine is only later.
    expect(times.at(-1)! - began).toBeGreaterThan(98);
  });

  test('stop when the run is stopped: the one under way is waited for, no other begins', async () => {
    const abort = new AbortController();
    const server = await chatServer(async () => {
      abort.abort();
      return { say: 'ok' };
    });
    const endpoint = endpointOf(server, { concurrency: 1 });
    const hooks = { signal: abort.signal };
    const [first, second] = await Promise.allSettled([1, 2].map(() => endpoint.chat(ask, sampling, hooks)));
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(InterruptedError) });
    expect(server.seen).toHaveLength(1);
  });

  test('a long wait before a retry ends when the run is stopped', async () => {
    const abort = new AbortController();
    const server = await chatServer(() => {
      setTimeout(() => abort.abort(), 1);
      return { status: 500 };
    });
    const chat = endpointOf(server, { retrySeconds: 1000 }).chat(ask, sampling, { signal: abort.signal });
    expect(await failureOf(chat)).toBeInstanceOf(InterruptedError);
  });
});

describe('answers', () => {
  test.each([
    [
      'thoughts in the text',
      { say: '<think>is it 4? Final score: 4</think>\n\nFinal score: 2' },
      'Final score: 2',
    ],
    ['thoughts whose beginning the template wrote', { say: 'hm, hm\n</think>\nyes' }, 'yes'],
    ['thoughts that never end', { say: '<think>and then', finish: 'length' }, ''],
    ['thoughts in a field of their own', { say: 'yes', message: { reasoning_content: 'Score: 5' } }, 'yes'],
    ['thoughts and nothing else', { say: '', message: { content: null, reasoning_content: 'hm' } }, ''],
    [
      'text in parts',
      {
        say: '',
        message: {
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      },
      'ab',
    ],
    [
      'a text that speaks of <think> and </think>',
      { say: 'the tags <think> and </think>' },
      'the tags <think> and </think>',
    ],
  ] as [string, Behaviour, string][])('with %s', async (_, behaviour, content) => {
    const server = await chatServer(() => behaviour);
    expect((await endpointOf(server).chat(ask, sampling)).content).toBe(content);
  });

  test('without usage have an estimate that is called one', async () => {
    const server = await chatServer(() => ({ say: '12345678', usage: null }));
    expect(await endpointOf(server).chat(ask, sampling)).toMatchObject({
      usage: { prompt_tokens: 2, completion_tokens: 2 },
      estimated: true,
    });
  });

  test('that are refusals say so', async () => {
    const server = await chatServer(() => ({ say: '', message: { content: null, refusal: 'I will not.' } }));
    expect((await endpointOf(server).chat(ask, sampling)).refusal).toBe('I will not.');
  });
});

describe('addresses', () => {
  test.each([
    ['http://h:1', 'http://h:1/v1/chat/completions'],
    ['h:1/', 'http://h:1/v1/chat/completions'],
    ['http://h:1/v1', 'http://h:1/v1/chat/completions'],
    ['http://h:1/v1/', 'http://h:1/v1/chat/completions'],
    ['https://openrouter.ai/api/v1', 'https://openrouter.ai/api/v1/chat/completions'],
    ['https://h/v1/chat/completions', 'https://h/v1/chat/completions'],
    [
      'https://h/openai/deployments/d?api-version=2024-06-01',
      'https://h/openai/deployments/d/chat/completions?api-version=2024-06-01',
    ],
  ])('%s', (given, chat) => {
    expect(endpointAddress(given).chat.href).toBe(chat);
  });

  test.each(['http://u:secretsecret@h/v1', 'https://h/v1?api_key=secretsecret'])(
    'with a key in them are refused: %s',
    (url) => {
      expect(() => endpointAddress(url)).toThrow(UserError);
      expect(() => endpointAddress(url)).not.toThrow(/secretsecret/);
    },
  );

  test('of other protocols are refused', () => {
    expect(() => endpointAddress('ftp://h/v1')).toThrow('not an http or https URL');
    expect(() => endpointAddress('http://')).toThrow('not a URL');
  });
});

describe('the key', () => {
  const key = 'sk-test-0123456789abcdef';

  test('is sent, and taken out of everything that comes back', async () => {
    const server = await chatServer(({ attempt, headers }) =>
      attempt === 1
        ? { status: 500, body: `you sent ${headers.authorization}` }
        : { say: `your key is ${key}`, message: { refusal: `not with ${key}` } },
    );
    const endpoint = endpointOf(server, { environment: { OPENAI_API_KEY: key } });
    const answer = await endpoint.chat(ask, sampling);
    expect(server.seen[1]!.headers.authorization).toBe(`Bearer ${key}`);
    expect(JSON.stringify(answer)).not.toContain(key);
    expect(answer.content).toBe('your key is [api key]');
    const failing = await chatServer(({ headers }) => ({
      status: 401,
      body: { error: { message: `bad ${headers.authorization}` } },
    }));
    const error = await failureOf(
      endpointOf(failing, { environment: { K: key }, apiKeyEnv: 'K' }).chat(ask, sampling),
    );
    expect(`${error.message} ${(error as UserError).hint} ${error.stack}`).not.toContain(key);
    expect(error.message).toContain('bad Bearer [api key]');
  });

  test('is not sent where there is none', async () => {
    const server = await chatServer(() => ({ say: 'ok' }));
    await endpointOf(server).chat(ask, sampling);
    expect(server.seen[0]!.headers.authorization).toBeUndefined();
  });

  test('comes from the variable that was named, and its value is in no error', () => {
    expect(readApiKey(undefined, {})).toBeUndefined();
    expect(readApiKey('MINE', { MINE: ` ${key}\n` })).toBe(key);
    expect(() => readApiKey('MINE', {})).toThrow('the environment variable MINE is not set');
    expect(() => readApiKey(key, {})).toThrow(/name of an environment variable, not the key itself$/);
    expect(() => readApiKey('MINE', { MINE: `${key}\n${key}` })).not.toThrow(new RegExp(key));
    expect(() => readApiKey('MINE', { MINE: `${key} ${key}` })).toThrow('characters that a key cannot have');
  });
});
