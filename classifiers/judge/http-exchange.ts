/**
 * One request over HTTP and its whole answer, or why there is none.
 *
 * node:http and not fetch: fetch gives up after 300 seconds without a header whatever timeout its caller sets, and a large model behind a
 * queue takes longer. The failures are told apart by what matters for money: whether the endpoint may have done the work (`mayBePaid`).
 * Redirects are not followed: a key must not travel to another host. The proxies of HTTP_PROXY, HTTPS_PROXY and NO_PROXY are used as curl does
 * (Node's own agents do it), but never for the machine itself: a variable set for the world must not send a local server's requests away.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { messageOf } from '../../src/core/errors.ts';

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export type ExchangeProblem = 'timeout' | 'no_connection' | 'reset' | 'truncated' | 'too_large' | 'tls';

/** No whole answer came. */
export class ExchangeFailure extends Error {
  readonly problem: ExchangeProblem;
  /** The request had gone out, so the endpoint may have answered and counted it. */
  readonly mayBePaid: boolean;
  constructor(problem: ExchangeProblem, message: string, mayBePaid: boolean) {
    super(message);
    this.name = 'ExchangeFailure';
    this.problem = problem;
    this.mayBePaid = mayBePaid;
  }
}

export interface Exchanger {
  post(body: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  get(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  close(): void;
}

export interface ExchangeOptions {
  /** Connections kept open. */
  connections: number;
  /** From the first byte sent to the last one received. */
  timeoutMs: number;
  /** Larger answers are given up. */
  maxBytes: number;
  /** Where proxies are named. */
  environment: Readonly<Record<string, string | undefined>>;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || /^(127\.[\d.]+|\[::1\])$/.test(hostname)
  );
}

/** Keeps connections to one endpoint. Refuses nothing: what a status means is for the caller. */
export function openExchanger(url: URL, options: ExchangeOptions): Exchanger {
  const secure = url.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: options.connections,
    maxFreeSockets: options.connections,
    ...(isLoopback(url.hostname) ? {} : { proxyEnv: options.environment }),
  });
  const send = secure ? httpsRequest : httpRequest;

  const exchange = (
    target: URL,
    method: 'GET' | 'POST',
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(body);
      let connected = false;
      let received = false;
      let settled = false;
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        act();
      };
      const fail = (problem: ExchangeProblem, message: string): void =>
        settle(() => reject(new ExchangeFailure(problem, message, connected && method === 'POST')));
      const request = send(target, {
        method,
        agent,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          ...(method === 'POST'
            ? { 'content-type': 'application/json', 'content-length': String(bytes.length) }
            : {}),
          ...headers,
        },
      });
      const timer = setTimeout(() => {
        fail('timeout', `no whole answer within ${options.timeoutMs / 1000} s`);
        request.destroy();
      }, options.timeoutMs);
      request.on('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const code = error.code ?? '';
        if (/CERT|SSL|TLS|ALTNAME|SELF_SIGNED|UNABLE_TO/.test(code)) fail('tls', messageOf(error));
        else if (code === 'EPROTO') fail('tls', 'it does not speak TLS: try http:// instead of https://');
        else if (received) fail('truncated', 'the connection ended in the middle of the answer');
        else if (connected)
          fail('reset', `the connection ended without an answer (${code || messageOf(error)})`);
        else fail('no_connection', code === '' ? messageOf(error) : code);
      });
      request.on('response', (response) => {
        received = true;
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size > options.maxBytes) {
            fail('too_large', `the answer is larger than ${options.maxBytes} bytes`);
            request.destroy();
          } else pieces.push(piece);
        });
        response.on('end', () => {
          if (!response.complete) fail('truncated', 'the connection ended in the middle of the answer');
          else
            settle(() =>
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: Buffer.concat(pieces).toString('utf8'),
              }),
            );
        });
        const cut = (): void => fail('truncated', 'the connection ended in the middle of the answer');
        response.on('aborted', cut);
        response.on('error', cut);
      });
      request.end(bytes);
    });

  return {
    post: (body, headers) => exchange(url, 'POST', headers, body),
    get: (target, headers) => exchange(target, 'GET', headers, ''),
    close: () => agent.destroy(),
  };
}
