/** The endpoint under clients that send too much, too slowly, too many at once, or go away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../../src/serve/engine.ts';
import { type Endpoint, openEndpoint } from '../../src/serve/server.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { writeTextModel } from '../trainer/text-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'serve-limits-'));
const maxBody = 20_000;
let gpu: Gpu;
let engine: Engine;
let endpoint: Endpoint;
let client: OpenAI;
const trouble: unknown[] = [];
const options = { host: '127.0.0.1', port: 0, maxBody, onError: (e: unknown) => trouble.push(e) };

beforeAll(async () => {
  gpu = await openDevice();
  await writeTextModel(gpu, folder, { chat: true });
  engine = await Engine.open(gpu, folder, { name: 'tiny', slots: 2, context: 96, queue: 10 });
  endpoint = await openEndpoint(engine, { ...options, drainMs: 60_000 });
  client = new OpenAI({ baseURL: `${endpoint.url}/v1`, apiKey: 'none', maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  await endpoint.close(0);
  engine.close();
  await gpu.close();
  rmSync(folder, { recursive: true, force: true });
});

const json = { 'content-type': 'application/json' };
const large = JSON.stringify({ prompt: 'a'.repeat(20_000_000) });

/** A POST written by hand: all of the body before anything is read, as Python's clients do it. */
function rawPost(head: string, write: (socket: ReturnType<typeof connect>) => void): Promise<string> {
  const { port } = new URL(endpoint.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('end', () => resolve(text));
    socket.write(
      `POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${head}\r\n\r\n`,
    );
    write(socket);
  });
}

it('says to every client that a body is too large', async () => {
  const response = await fetch(`${endpoint.url}/v1/completions`, {
    method: 'POST',
    headers: json,
    body: large,
  });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ error: { code: 'body_too_large', param: null } });

  const asked = client.completions.create({ model: 'tiny', prompt: 'a'.repeat(20_000_000) });
  await expect(asked).rejects.toMatchObject({ status: 413, code: 'body_too_large' });

  const raw = await rawPost(`content-length: ${large.length}`, (socket) => socket.write(large));
  expect(raw).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*"code":"body_too_large"/i);
  // Without a length, it is found out while it comes.
  const chunk = large.slice(0, 1_000_000);
  const chunked = await rawPost('transfer-encoding: chunked', (socket) => {
    for (let i = 0; i < 5; i++) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    socket.write('0\r\n\r\n');
  });
  expect(chunked).toMatch(/^HTTP\/1.1 413 [\s\S]*"code":"body_too_large"/);
});

it('refuses an announced body before it is sent, and takes one that fits', async () => {
  const { port } = new URL(endpoint.url);
  const announce = (length: number, body: string) =>
    new Promise<{ status: number; continued: boolean }>((resolve, reject) => {
      const sent = httpRequest({
        port,
        method: 'POST',
        path: '/v1/completions',
        headers: { ...json, 'content-length': length, expect: '100-continue' },
      });
      let continued = false;
      sent.on('continue', () => {
        continued = true;
        sent.end(body);
      });
      sent.on('response', (answer) => {
        answer.resume();
        answer.on('end', () => {
          resolve({ status: answer.statusCode!, continued });
          sent.destroy();
        });
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
  expect(await announce(large.length, large)).toEqual({ status: 413, continued: false });
  const small = JSON.stringify({ prompt: 'a', max_tokens: 1 });
  expect(await announce(small.length, small)).toEqual({ status: 200, continued: true });
});

it('cuts a body that does not come', async () => {
  const slow = await openEndpoint(engine, { ...options, bodyTimeoutMs: 50, drainMs: 50 });
  const { port } = new URL(slow.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
  );
  let text = '';
  for await (const part of socket) text += part;
  expect(text).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"request_timeout"/);
  await slow.close(0);
});

it('holds only so many unfinished bodies at once', async () => {
  const small = await openEndpoint(engine, { ...options, maxBody: 100, drainMs: 0 });
  const { port } = new URL(small.url);
  const sockets = Array.from({ length: 17 }, () => connect(Number(port), '127.0.0.1'));
  // 17 bodies of 99 bytes, each without its last one, are beyond 16 of 100.
  const answer = await new Promise<string>((resolve) => {
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('data', (part) => resolve(String(part)));
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n${' '.repeat(99)}`,
      );
    }
  });
  expect(answer).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*"code":"overloaded"/i);
  for (const socket of sockets) socket.destroy();
  await small.close(0);
});

it('gives up on who does not stop sending what was refused', async () => {
  const strict = await openEndpoint(engine, { ...options, drainBytes: 100_000 });
  const { port } = new URL(strict.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /nowhere HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000000\r\n\r\n');
  const filler = Buffer.alloc(50_000);
  const more = (): void => {
    while (!socket.destroyed && socket.write(filler));
  };
  socket.on('drain', more);
  more();
  await new Promise((resolve) => socket.on('close', resolve));
  await strict.close(0);
});

it('answers two hundred clients at once: what fits is drawn, the rest is told to come again', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, seed) => {
      const response = await fetch(`${endpoint.url}/v1/completions`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ prompt: 'the cat', max_tokens: 2, seed }),
      });
      const body = (await response.json()) as { choices?: unknown[]; error?: { type: string; code: string } };
      return { status: response.status, again: response.headers.get('retry-after'), body };
    }),
  );
  const done = answers.filter(({ status }) => status === 200);
  const told = answers.filter(({ status }) => status === 429);
  expect(done.length + told.length).toBe(200);
  // Two places and a queue of ten: the first of them fill it.
  expect(done.length).toBeGreaterThanOrEqual(12);
  for (const { body } of done) expect(body.choices).toHaveLength(1);
  for (const { again, body } of told) {
    expect(again).toBe('1');
    expect(body.error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
  }
  expect(engine.load).toEqual({ waiting: 0, running: 0 });
});

/** A sample without HTTP, so that nothing depends on when a request arrives. */
const sample = (of: object, maxTokens: number, signal = new AbortController().signal) =>
  engine.draw({
    of,
    prompt: engine.encode('the cat').ids,
    maxTokens,
    sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0 },
    seed: 1,
    stops: [],
    top: undefined,
    rankPrompt: undefined,
    signal,
  });

it('tells a request that can never fit from one that has to wait', async () => {
  const never = client.completions.create({ model: 'tiny', prompt: Array(13).fill('a'), max_tokens: 1 });
  await expect(never).rejects.toMatchObject({ status: 400, code: 'too_many_samples' });
  const of = {};
  const held = Array.from({ length: 11 }, () => sample(of, 4));
  expect(() => engine.makeRoom(1)).not.toThrow();
  expect(() => engine.makeRoom(2)).toThrow('9 samples are waiting already');
  await Promise.all(held);
  expect(() => engine.makeRoom(12)).not.toThrow();
});

it('serves a small request before the whole of a large one', async () => {
  const ended: string[] = [];
  const [many, one] = [{}, {}];
  await Promise.all([
    ...Array.from({ length: 10 }, () => sample(many, 8).then(() => ended.push('many'))),
    sample(one, 8).then(() => ended.push('one')),
  ]);
  // Both places were taken, and the large request's third sample was before it.
  expect(ended.indexOf('one')).toBeLessThan(5);
});

it('forgets a client that leaves while it waits', async () => {
  const leaving = new AbortController();
  const staying = [sample({}, 8), sample({}, 8)];
  const waiting = sample({}, 8, leaving.signal);
  const running = sample({}, 80, AbortSignal.timeout(0));
  const left = [waiting, running].map((one) => expect(one).rejects.toThrow());
  expect(engine.load).toEqual({ waiting: 2, running: 2 });
  leaving.abort(new Error('gone'));
  expect(engine.load.waiting).toBe(1);
  await Promise.all([...staying, ...left]);
  expect(engine.load).toEqual({ waiting: 0, running: 0 });
});

it.each([
  ['SIGTERM', 0],
  ['SIGKILL', null],
] as const)(
  '%s in the middle of a stream',
  async (signal, code) => {
    const program = spawn(
      process.execPath,
      [
        path.join(import.meta.dirname, '../../src/main.ts'),
        'serve',
        folder,
        '--port',
        '0',
        '--max-num-seqs',
        '2',
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const exited = once(program, 'exit');
    try {
      let said = '';
      program.stdout.on('data', (part) => {
        said += part;
      });
      await expect.poll(() => /http:\S+/.exec(said)?.[0], { timeout: 150_000 }).toBeDefined();
      const baseURL = /http:\S+/.exec(said)![0];
      const own = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
      const request = { model: path.basename(folder), prompt: 'the cat', max_tokens: 100, temperature: 0 };
      const stream = await own.completions.create({ ...request, stream: true });
      let pieces = 0;
      let finish: string | null = null;
      const reading = (async () => {
        for await (const { choices } of stream) {
          if (pieces++ === 0) program.kill(signal);
          finish = choices[0]?.finish_reason ?? finish;
        }
      })();
      if (signal === 'SIGTERM') {
        // What is in hand ends as it would have.
        await reading;
        expect(finish).not.toBeNull();
      } else await reading.catch(() => {});
      expect((await exited)[0]).toBe(code);
      await expect(fetch(`${baseURL}/models`)).rejects.toThrow();
    } finally {
      program.kill('SIGKILL');
    }
  },
  180_000,
);

it('saw no trouble of its own', () => expect(trouble).toEqual([]));
