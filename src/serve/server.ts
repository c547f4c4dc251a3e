/**
 * The endpoint over HTTP: routes, limits, errors and the way it ends. Plain node:http; five routes need no framework.
 *
 * On loopback it is reached by programs of this machine, and by every page a browser on it has open: so requests must name this machine in
 * their Host header (a page of another site whose name was made to point here does not), bodies must be declared as JSON (which a page of
 * another site may not send unasked), and no answer allows another origin. Given up: keys and TLS; put a proxy before it for a network.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, UserError } from '../core/errors.ts';
import { answerChat, answerCompletion } from './answer.ts';
import { ApiError, badRequest } from './api-error.ts';
import type { Engine } from './engine.ts';

export interface ServerOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Bytes of a request's body. */
  maxBody: number;
  /** Told of what went wrong with the server, not with a request. */
  onError: (error: unknown) => void;
}

export interface Endpoint {
  /** Such as `http://127.0.0.1:8000`. */
  url: string;
  /** Takes no more requests, lets those in hand end for `graceMs`, then aborts them; resolves when the last connection is closed. */
  close(graceMs: number): Promise<void>;
}

/** Listens. Throws a `UserError` when the address cannot be had. */
export async function openEndpoint(engine: Engine, options: ServerOptions): Promise<Endpoint> {
  const { host, port } = options;
  const stopping = new AbortController();
  let draining = false;
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client has gone'));
    });
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    void handle(engine, options, { request, response, signal, draining: () => draining }).catch((error) =>
      refuse(response, error, options.onError),
    );
  });
  // A client that sends its request a byte at a time holds a connection, for this long.
  server.requestTimeout = 60_000;
  server.maxHeadersCount = 100;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot listen on ${host} port ${port}: ${messageOf(error)}`, {
      hint:
        code === 'EADDRINUSE'
          ? 'another program has this port: give --port another one, or 0 for any'
          : 'give another --host or --port',
      cause: error,
    });
  }
  server.on('error', options.onError);
  return {
    url: urlOf(server, host),
    async close(graceMs) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection is idle once its answer is out; clients would keep it open.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const timer = setTimeout(() => {
        stopping.abort(new ApiError(503, 'the server is shutting down', { code: 'shutting_down' }));
      }, graceMs);
      const hard = setTimeout(() => server.closeAllConnections(), graceMs + 2000);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
      clearTimeout(hard);
      await engine.idle();
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  signal: AbortSignal;
  draining: () => boolean;
}

async function handle(engine: Engine, options: ServerOptions, exchange: Exchange): Promise<void> {
  const { request, response, signal } = exchange;
  checkHost(request, options.host);
  const [path = '/'] = (request.url ?? '/').split('?');
  const route = `${request.method} ${path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path}`;
  const { name, slots, context } = engine;
  const model = { id: name, object: 'model', created: 0, owned_by: 'midtrain', max_model_len: context };
  switch (route) {
    case 'GET /health':
      // 503 while it drains, so that a balancer sends nobody.
      return json(response, exchange.draining() ? 503 : 200, {
        status: exchange.draining() ? 'draining' : 'ok',
        model: name,
        slots,
        ...engine.load,
      });
    case 'GET /v1/models':
      return json(response, 200, { object: 'list', data: [model] });
    case 'POST /v1/completions':
    case 'POST /v1/chat/completions': {
      if (exchange.draining())
        throw new ApiError(503, 'the server is shutting down', { code: 'shutting_down' });
      const body = await readJson(request, options.maxBody);
      const answer = path.includes('/chat/') ? answerChat : answerCompletion;
      return answer({ engine, response, signal }, body);
    }
    default: {
      const prefix = 'GET /v1/models/';
      if (route.startsWith(prefix)) {
        if (decoded(route.slice(prefix.length)) === name) return json(response, 200, model);
        throw new ApiError(404, `no such model; this server has ${name}`, {
          param: 'model',
          code: 'model_not_found',
        });
      }
      throw new ApiError(
        404,
        `no ${request.method} ${path} here: there are /v1/models, /v1/completions, /v1/chat/completions and /health`,
        {
          code: 'unknown_url',
        },
      );
    }
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

function checkHost(request: IncomingMessage, host: string): void {
  // Who listens on a network is called by names that are not known here.
  if (!loopback.test(host)) return;
  const [, named = ''] = /^(.*?)(?::\d+)?$/.exec(request.headers.host ?? '') ?? [];
  if (!loopback.test(named.toLowerCase()))
    throw new ApiError(
      403,
      `this server answers on loopback only, and the request names the host ${JSON.stringify(named)}`,
      {
        code: 'wrong_host',
      },
    );
}

async function readJson(request: IncomingMessage, most: number): Promise<unknown> {
  const tooLarge = new ApiError(413, `the body is larger than ${most} bytes`, { code: 'body_too_large' });
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw badRequest('send the request as JSON, with content-type: application/json');
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > most) throw tooLarge;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw badRequest(`the body is not JSON: ${messageOf(error)}`);
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, error: unknown, onError: (error: unknown) => void): void {
  if (response.destroyed) return;
  const known = error instanceof ApiError ? error : undefined;
  const shown =
    known ??
    (error instanceof UserError
      ? badRequest(error.message)
      : new ApiError(500, 'the server failed; its terminal says how'));
  if (!known && !(error instanceof UserError)) onError(error);
  if (response.headersSent) {
    // A stream that has begun: the error is its last event, as clients expect it.
    response.end(`data: ${JSON.stringify(shown.body)}\n\n`);
    return;
  }
  // What is left of a body that was not read would be taken for the next request.
  response.writeHead(shown.status, {
    'content-type': 'application/json',
    ...(shown.status === 413 || shown.status === 503 ? { connection: 'close' } : {}),
    ...(shown.status === 429 ? { 'retry-after': '1' } : {}),
  });
  response.end(JSON.stringify(shown.body));
}
