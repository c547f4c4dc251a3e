/** A chat endpoint on loopback that does what a test says to each request: answers, errors, and every way of not answering. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

interface ChatBody {
  model: string;
  messages: { role: string; content: string }[];
  [field: string]: unknown;
}

/** A request as the server got it. */
export interface Seen {
  body: ChatBody;
  /** The last message of the conversation. */
  last: string;
  headers: IncomingHttpHeaders;
  path: string;
  /** 1 for the first request with these messages, 2 for the second, ... */
  attempt: number;
}

export type Behaviour =
  | { say: string; finish?: string; usage?: object | null; message?: object; extra?: object }
  | { status: number; body?: string | object; headers?: Record<string, string> }
  /** The body as it is, with status 200. */
  | { raw: string }
  /** Ends the connection before anything is said. */
  | { reset: true }
  /** Promises a whole answer and ends the connection in the middle of it. */
  | { truncate: true }
  /** Never says anything. */
  | { hang: true }
  | { bytes: number };

export interface ChatServer {
  url: string;
  seen: Seen[];
  /** Answers that went out whole, by the messages they answered. */
  answered: Map<string, number>;
  /** The greatest number of requests that were under way at once. */
  readonly mostAtOnce: number;
  close(): Promise<void>;
}

export async function chatServer(
  behave: (seen: Seen) => Behaviour | Promise<Behaviour>,
  options: { models?: string[] } = {},
): Promise<ChatServer> {
  const seen: Seen[] = [];
  const answered = new Map<string, number>();
  const attempts = new Map<string, number>();
  let atOnce = 0;
  let mostAtOnce = 0;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('error', () => {}); // clients that go away
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', async () => {
      const path = request.url ?? '';
      if (request.method === 'GET') {
        const data = (options.models ?? ['m']).map((id) => ({ id }));
        response.end(JSON.stringify({ object: 'list', data }));
        return;
      }
      const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as ChatBody;
      const key = JSON.stringify(body.messages);
      const attempt = (attempts.get(key) ?? 0) + 1;
      attempts.set(key, attempt);
      const one = { body, last: body.messages.at(-1)!.content, headers: request.headers, path, attempt };
      seen.push(one);
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      response.once('close', () => atOnce--);
      const behaviour = await behave(one);
      if ('say' in behaviour) response.once('finish', () => answered.set(key, (answered.get(key) ?? 0) + 1));
      carryOut(behaviour, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  afterAll(close);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    answered,
    get mostAtOnce() {
      return mostAtOnce;
    },
    close,
  };
}

function carryOut(behaviour: Behaviour, response: ServerResponse): void {
  if ('hang' in behaviour) return;
  if ('reset' in behaviour) {
    response.socket?.resetAndDestroy();
    return;
  }
  if ('truncate' in behaviour) {
    const whole = JSON.stringify(completion({ say: 'Final score: 5' }));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(whole.length) });
    response.write(whole.slice(0, whole.length >> 1), () => response.socket?.destroy());
    return;
  }
  if ('bytes' in behaviour) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const piece = Buffer.alloc(1 << 20, 'x');
    let left = behaviour.bytes;
    const more = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        if (!response.write(piece)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
    return;
  }
  if ('raw' in behaviour) {
    response.writeHead(200, { 'content-type': 'text/html' }).end(behaviour.raw);
    return;
  }
  if ('status' in behaviour) {
    const { status, body = '', headers = {} } = behaviour;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(completion(behaviour)));
}

/** A whole completion, as OpenAI's servers write it. */
function completion({ say, finish = 'stop', usage, message, extra }: Extract<Behaviour, { say: string }>) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'm',
    choices: [{ index: 0, finish_reason: finish, message: { role: 'assistant', content: say, ...message } }],
    ...(usage === null
      ? {}
      : { usage: usage ?? { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } }),
    ...extra,
  };
}

/** The document in a prompt: what stands between the marks. */
export function documentIn(prompt: string): string {
  return /\[begin (document [0-9a-f]{8})\]\n([\s\S]*)\n\[end \1\]/.exec(prompt)?.[2] ?? '';
}
