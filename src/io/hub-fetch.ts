/**
 * One request to the Hub: with the token, followed through redirects without it, tried again when the Hub is overloaded or the
 * connection breaks, and turned into an error that names the file and the cure otherwise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, messageOf } from '../core/errors.ts';

export interface HubOptions {
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  endpoint?: string;
  /** Default: HF_TOKEN. */
  token?: string;
  /** Default: HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub. */
  cacheFolder?: string;
  /** Attempts after the first; default 5. */
  retries?: number;
  /** Wait before the first retry, doubled each time; default 1000. */
  backoffMs?: number;
  /** A connection that gives nothing for so long is broken; default 60,000. */
  stallMs?: number;
  signal?: AbortSignal;
}

const maxRedirects = 5;
const maxWaitMs = 60_000;

export interface HubRequest {
  endpoint: string;
  token: string | undefined;
  retries: number;
  signal: AbortSignal | undefined;
  /** Waits before attempt `n + 2`, at least `seconds` where the Hub asks for it. */
  wait(n: number, seconds?: number): Promise<void>;
  /** Fails when the promise takes longer than a stalled connection may. */
  beforeStall<T>(promise: Promise<T>): Promise<T>;
}

export function requestOf(options: HubOptions): HubRequest {
  const { backoffMs = 1000, stallMs = 60_000, signal } = options;
  return {
    endpoint: (options.endpoint ?? process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, ''),
    token: options.token ?? process.env.HF_TOKEN,
    retries: options.retries ?? 5,
    signal,
    async wait(n, seconds = 0) {
      const ms = Math.min(maxWaitMs, Math.max(backoffMs * 2 ** n, seconds * 1000));
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    },
    async beforeStall(promise) {
      const timer = new AbortController();
      const stalled = sleep(stallMs, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`nothing came for ${stallMs / 1000} s`);
      });
      try {
        return await Promise.race([promise, stalled]);
      } finally {
        timer.abort();
        stalled.catch(() => {});
      }
    },
  };
}

/** The answer to a GET of `path` (or a full address at the endpoint); `from` asks for the bytes from there on. */
export async function hubFetch(
  request: HubRequest,
  path: string,
  { name, from }: { name: string; from?: number },
): Promise<Response> {
  for (let n = 0; ; n++) {
    let problem: string;
    let seconds = 0;
    try {
      const response = await request.beforeStall(follow(request, path, from));
      const { status } = response;
      if (status === 200 || status === 206) return response;
      await response.body?.cancel();
      if (status !== 429 && status < 500) throw refusal(name, status, request.token !== undefined);
      problem = `the Hub answers ${status}`;
      seconds = Number(response.headers.get('retry-after')) || 0;
    } catch (error) {
      if (error instanceof InputError) throw error;
      request.signal?.throwIfAborted();
      const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
      problem = `the Hub cannot be reached (${messageOf(error)}${cause})`;
    }
    if (n >= request.retries)
      throw new InputError(name, `${problem}, ${n + 1} times`, {
        hint: 'check the network and HF_ENDPOINT, and run again',
      });
    await request.wait(n, seconds);
  }
}

async function follow(request: HubRequest, path: string, from: number | undefined): Promise<Response> {
  const home = new URL(request.endpoint).origin;
  let url = new URL(path.startsWith('/') ? request.endpoint + path : path);
  for (let n = 0; ; n++) {
    const headers: Record<string, string> = { 'user-agent': 'midtrain', 'accept-encoding': 'identity' };
    if (request.token !== undefined && request.token !== '' && url.origin === home)
      headers.authorization = `Bearer ${request.token}`;
    if (from !== undefined) headers.range = `bytes=${from}-`;
    const init: RequestInit = { headers, redirect: 'manual' };
    const response = await fetch(
      url,
      request.signal === undefined ? init : { ...init, signal: request.signal },
    );
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    if (n >= maxRedirects) throw new Error(`more than ${maxRedirects} redirects`);
    url = new URL(location, url);
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new Error(`a redirect to ${url.protocol}`);
  }
}

function refusal(name: string, status: number, hasToken: boolean): InputError {
  if (status === 401 || status === 403) {
    return new InputError(name, `the Hub refuses access (${status})`, {
      hint: hasToken
        ? 'the token in HF_TOKEN may not read it; accept the conditions on its page, or use another token'
        : 'check the name; if it is private or gated, set HF_TOKEN',
    });
  }
  if (status === 404)
    return new InputError(name, 'the Hub has no such repository, revision or file (404)', {
      hint: 'check the name and the revision',
    });
  return new InputError(name, `the Hub answers ${status}`, { hint: 'check the name and HF_ENDPOINT' });
}
