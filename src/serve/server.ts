/**
 * The endpoint over HTTP: routes, limits, errors and the way it ends. Plain node:http; a few routes need no framework. Who may call is in
 * callers.ts, how a body is read and refused in read-body.ts. Given up: keys and TLS; put a proxy before it for a network.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, UserError } from '../core/errors.ts';
import { answerChat, answerCompletion } from './answer.ts';
import { ApiError, badRequest } from './api-error.ts';
import { admit, answerPreflight } from './callers.ts';
import type { Engine } from './engine.ts';
import { BodyReader } from './read-body.ts';
import { detokenize, tokenize, tokenizerInfo } from './tokenize.ts';

export interface ServerOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Bytes of a request's body. */
  maxBody: number;
  /** Origins of pages elsewhere that may call; `*` is every page. */
  allowOrigins?: readonly string[];
  /** Whether `/tokenizer_info` is answered. */
  tokenizerInfo?: boolean;
  /** Time that a body may take to come (default a minute), and time and bytes that a refused one may still take. */
  bodyTimeoutMs?: number;
  drainMs?: number;
  drainBytes?: number;
  /** Connections at once; more are closed. */
  maxConnections?: number;
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
  const { host, port, maxBody, bodyTimeoutMs = 60_000 } = options;
  const stopping = new AbortController();
  let draining = false;
  const service: Service = {
    engine,
    options,
    bodies: new BodyReader({
      maxBody,
      bodyTimeoutMs,
      drainMs: options.drainMs ?? 5000,
      drainBytes: options.drainBytes ?? 16 * maxBody + 64_000_000,
    }),
    draining: () => draining,
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client has gone'));
    });
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    void handle(service, { request, response, signal }).catch((error) =>
      refuse(service, request, response, error),
    );
  };
  const server = createServer(onRequest);
  // Who waits to be told to go on is told by read-body.ts, or refused.
  server.on('checkContinue', onRequest);
  // read-body.ts cuts slow bodies with an answer; this is for what it does not see, slow headers among it.
  server.requestTimeout = bodyTimeoutMs + 30_000;
  server.headersTimeout = 30_000;
  server.maxHeadersCount = 100;
  server.maxConnections = options.maxConnections ?? 2048;
  // Longer than clients keep an idle connection, so that none is closed under a request that is on its way.
  server.keepAliveTimeout = 75_000;
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

/** What all requests share. */
interface Service {
  engine: Engine;
  options: ServerOptions;
  bodies: BodyReader;
  draining: () => boolean;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  signal: AbortSignal;
}

type Route = (service: Service, exchange: Exchange, name: string) => void | Promise<void>;

const getRoutes: Readonly<Record<string, Route>> = {
  '/health': ({ engine, draining }, { response }) =>
    // 503 while it drains, so that a balancer sends nobody.
    json(response, draining() ? 503 : 200, {
      status: draining() ? 'draining' : 'ok',
      model: engine.name,
      slots: engine.slots,
      ...engine.load,
    }),
  '/v1/models': ({ engine }, { response }) =>
    json(response, 200, { object: 'list', data: [describeModel(engine)] }),
  '/v1/models/*': ({ engine }, { response }, name) => {
    if (engine.answersTo(name)) return json(response, 200, describeModel(engine));
    throw new ApiError(404, `no such model; this server has ${engine.name}`, {
      param: 'model',
      code: 'model_not_found',
    });
  },
  '/tokenizer_info': ({ engine, options }, { response }) => {
    if (options.tokenizerInfo) return json(response, 200, tokenizerInfo(engine));
    throw new ApiError(404, 'start the server with --enable-tokenizer-info-endpoint to have this', {
      code: 'unknown_url',
    });
  },
};

const postRoutes: Readonly<Record<string, Route>> = {
  '/v1/completions': async (service, exchange) =>
    answerCompletion({ engine: service.engine, ...exchange }, await bodyOf(service, exchange)),
  '/v1/chat/completions': async (service, exchange) =>
    answerChat({ engine: service.engine, ...exchange }, await bodyOf(service, exchange)),
  '/tokenize': async (service, exchange) =>
    json(exchange.response, 200, tokenize(service.engine, await bodyOf(service, exchange))),
  '/detokenize': async (service, exchange) =>
    json(exchange.response, 200, detokenize(service.engine, await bodyOf(service, exchange))),
};

async function handle(service: Service, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  admit(request, response, {
    host: service.options.host,
    allowOrigins: service.options.allowOrigins ?? [],
  });
  const [url = '/'] = (request.url ?? '/').split('?');
  const path = url.length > 1 && url.endsWith('/') ? url.slice(0, -1) : url;
  const [, name] = /^\/v1\/models\/(.+)$/.exec(path) ?? [];
  const key = name === undefined ? path : '/v1/models/*';
  const get = Object.hasOwn(getRoutes, key) ? getRoutes[key] : undefined;
  const post = Object.hasOwn(postRoutes, key) ? postRoutes[key] : undefined;
  if (!get && !post)
    throw new ApiError(
      404,
      `no ${path} here: there are ${[...Object.keys(getRoutes), ...Object.keys(postRoutes)].join(', ')}`,
      { code: 'unknown_url' },
    );
  const { method } = request;
  if (method === 'OPTIONS') return answerPreflight(request, response);
  // A HEAD is a GET whose text node:http leaves out.
  const route = method === 'POST' ? post : method === 'GET' || method === 'HEAD' ? get : undefined;
  if (!route) {
    response.setHeader('allow', get ? 'GET, HEAD' : 'POST');
    throw new ApiError(405, `${path} takes ${get ? 'GET' : 'POST'}, not ${method}`, {
      code: 'method_not_allowed',
    });
  }
  return route(service, exchange, decoded(name ?? ''));
}

function bodyOf({ bodies, draining }: Service, { request, response }: Exchange): Promise<unknown> {
  if (draining()) throw new ApiError(503, 'the server is shutting down', { code: 'shutting_down' });
  return bodies.json(request, response);
}

function describeModel({ name, context, created }: Engine): object {
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'midtrain',
    root: name,
    parent: null,
    max_model_len: context,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(
  { bodies, options }: Service,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  if (response.destroyed) return;
  const known = error instanceof ApiError ? error : undefined;
  const shown =
    known ??
    (error instanceof UserError
      ? badRequest(error.message)
      : new ApiError(500, 'the server failed; its terminal says how'));
  if (!known && !(error instanceof UserError)) options.onError(error);
  if (response.headersSent) {
    // A stream that has begun: the error is its last event, as clients expect it. Who does not read will not read that either.
    if (shown.code === 'slow_reader') response.destroy();
    else response.end(`data: ${JSON.stringify(shown.body)}\n\n`);
    return;
  }
  const text = JSON.stringify(shown.body);
  // What is left of a body that was not read would be taken for the next request, so the connection ends with this one.
  const unread = !request.complete;
  response.writeHead(shown.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(unread || shown.status === 503 ? { connection: 'close' } : {}),
    ...(shown.status === 429 || shown.status === 503 ? { 'retry-after': '1' } : {}),
  });
  if (!unread) {
    response.end(text);
    return;
  }
  response.write(text);
  bodies.linger(request, response);
}
