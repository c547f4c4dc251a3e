/**
 * One request to the Hub: with the token, followed through redirects without it, tried again when the Hub is overloaded or the
 * connection breaks, and turned into an error that names the file and the cure otherwise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, messageOf } from '../core/errors.ts';
import { FetchError } from './fetch-error.ts';
import { type HubOptions, hubEndpoint, hubToken, isHubOffline } from './hub-settings.ts';

export type { HubOptions } from './hub-settings.ts';

const maxRedirects = 5;
const maxWaitMs = 60_000;
/** An upload slower than this (50 kB/s) counts as stalled. */
const slowestBytesPerMs = 50;
/** How often a reader that waits is said to live. */
const beatMs = 250;

export interface HubRequest {
  endpoint: string;
  token: string | undefined;
  /** Where the token came from, for messages. */
  tokenFrom: string | undefined;
  retries: number;
  offline: boolean;
  signal: AbortSignal | undefined;
  /** Waits before attempt `n + 2`, at least `seconds` where the Hub asks for it. */
  wait(n: number, seconds?: number): Promise<void>;
  /** Fails when the promise takes longer than a stalled connection may; `bytes` are sent before an answer can come. */
  beforeStall<T>(promise: Promise<T>, bytes?: number): Promise<T>;
}

export function requestOf(options: HubOptions): HubRequest {
  const { backoffMs = 1000, stallMs = 60_000, signal, beat } = options;
  const beating = async <T>(promise: Promise<T>): Promise<T> => {
    if (beat === undefined) return promise;
    beat();
    const timer = setInterval(beat, beatMs);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
    }
  };
  const token = hubToken(options);
  return {
    endpoint: hubEndpoint(options),
    token: token?.value,
    tokenFrom: token?.from,
    retries: options.retries ?? 5,
    offline: isHubOffline(options),
    signal,
    async wait(n, seconds = 0) {
      const ms = Math.min(maxWaitMs, Math.max(backoffMs * 2 ** n, seconds * 1000));
      await beating(sleep(ms, undefined, signal === undefined ? {} : { signal }));
    },
    async beforeStall(promise, bytes = 0) {
      const timer = new AbortController();
      const ms = stallMs + bytes / slowestBytesPerMs;
      const stalled = sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`nothing came for ${Math.round(ms / 1000)} s`);
      });
      try {
        return await beating(Promise.race([promise, stalled]));
      } finally {
        timer.abort();
        stalled.catch(() => {});
      }
    },
  };
}

export interface HubCall {
  /** What is asked for, as messages name it. */
  name: string;
  /** Bytes from here on, up to `to` (left out: to the end). */
  from?: number;
  to?: number;
  method?: 'GET' | 'POST' | 'PUT' | 'HEAD';
  body?: string | Blob;
  headers?: Readonly<Record<string, string>>;
  /** Refusals that the caller deals with, besides success. */
  accept?: readonly number[];
  /** Called with each answer of the Hub itself, before redirects lead away from it. */
  onHub?: (headers: Headers) => void;
}

/** The answer to a request for `path` (or a full address); the token goes to the endpoint only. */
export async function hubFetch(request: HubRequest, path: string, call: HubCall): Promise<Response> {
  const { name } = call;
  if (request.offline)
    throw new FetchError(name, 'it is not in the cache, and the Hub may not be asked', {
      hint: 'unset HF_HUB_OFFLINE, or fetch it first where there is a network (midtrain pull)',
    });
  for (let n = 0; ; n++) {
    let problem: string;
    let seconds = 0;
    let isXet = false;
    const onHub = (headers: Headers): void => {
      isXet ||= headers.has('x-xet-hash');
      call.onHub?.(headers);
    };
    try {
      const response = await request.beforeStall(
        follow(request, path, { ...call, onHub }),
        call.body instanceof Blob ? call.body.size : call.body?.length,
      );
      const { status } = response;
      if ((status >= 200 && status < 300) || call.accept?.includes(status) === true) return response;
      if (status !== 429 && status !== 408 && status < 500)
        throw refusal(request, name, response, await reasonOf(request, response), isXet);
      await response.body?.cancel();
      problem = `the Hub answers ${status}`;
      seconds = retryAfter(response.headers);
    } catch (error) {
      if (error instanceof InputError) throw error;
      request.signal?.throwIfAborted();
      const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
      problem = `the Hub cannot be reached (${messageOf(error)}${cause})`;
    }
    if (n >= request.retries)
      throw new FetchError(name, `${problem}, ${n + 1} times`, {
        hint: 'check the network and HF_ENDPOINT, and run again; HF_HUB_OFFLINE=1 reads the cache alone',
      });
    await request.wait(n, seconds);
  }
}

/** The JSON of an answer and the address of the next page; an answer that breaks off is asked for again. */
export async function hubJson(
  request: HubRequest,
  path: string,
  call: HubCall,
): Promise<{ body: unknown; next: string | undefined; status: number }> {
  const { name } = call;
  for (let n = 0; ; n++) {
    const response = await hubFetch(request, path, call);
    let text: string;
    try {
      text = await request.beforeStall(response.text());
    } catch (error) {
      request.signal?.throwIfAborted();
      if (n >= request.retries)
        throw new FetchError(name, `the answer of the Hub breaks off: ${messageOf(error)}`, {
          hint: 'run again',
        });
      await request.wait(n);
      continue;
    }
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    try {
      // Only ever the same host, so that the token cannot be asked elsewhere.
      const url = next === undefined ? undefined : new URL(next, request.endpoint);
      if (url !== undefined && url.origin !== new URL(request.endpoint).origin)
        throw new Error(`its list goes on at another host (${url.host})`);
      return {
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
        next: url?.href,
        status: response.status,
      };
    } catch (error) {
      throw new FetchError(name, `the answer of the Hub is not usable: ${messageOf(error).slice(0, 200)}`, {
        hint: 'check HF_ENDPOINT',
      });
    }
  }
}

async function follow(request: HubRequest, path: string, call: HubCall): Promise<Response> {
  const home = new URL(request.endpoint).origin;
  let url = new URL(path.startsWith('/') ? request.endpoint + path : path);
  for (let n = 0; ; n++) {
    // What the caller adds is for the first host.
    const headers: Record<string, string> = {
      'user-agent': 'midtrain',
      'accept-encoding': 'identity',
      ...(n === 0 ? call.headers : {}),
    };
    if (request.token !== undefined && url.origin === home) headers.authorization = `Bearer ${request.token}`;
    if (call.from !== undefined) headers.range = `bytes=${call.from}-${call.to ?? ''}`;
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      method: call.method ?? 'GET',
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (url.origin === home) call.onHub?.(response.headers);
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    if (n >= maxRedirects) throw new Error(`more than ${maxRedirects} redirects`);
    url = new URL(location, url);
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new Error(`a redirect to ${url.protocol}`);
  }
}

/** Seconds, or a date as HTTP writes it; a limit of the Hub stands in `RateLimit: "api";r=0;t=120`. */
function retryAfter(headers: Headers): number {
  const value = headers.get('retry-after');
  const left = /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  if (value === null) return Number(left ?? 0);
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds : Math.max(0, (Date.parse(value) - Date.now()) / 1000) || 0;
}

/** What the Hub itself says about a refusal, in its header or its JSON; never more than a line, and never the token. */
async function reasonOf(request: HubRequest, response: Response): Promise<string | undefined> {
  const said = response.headers.get('x-error-message');
  const text = said ?? (await request.beforeStall(response.text()).catch(() => ''));
  if (said !== null) await response.body?.cancel();
  const { token } = request;
  const shown = (words: string): string | undefined => {
    const line = (token === undefined ? words : words.replaceAll(token, '***')).split('\n')[0]!.trim();
    return line === '' || line.length > 300 ? undefined : line.replace(/\.$/, '');
  };
  if (said !== null) return shown(said);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? shown(error) : undefined;
  } catch {
    return undefined;
  }
}

function refusal(
  request: HubRequest,
  name: string,
  response: Response,
  reason: string | undefined,
  isXet: boolean,
): InputError {
  const { status, headers } = response;
  const code = headers.get('x-error-code');
  const said = reason === undefined ? '' : `: ${reason}`;
  const page = request.endpoint + (/^hf:\/(\/(?:datasets\/)?[\w.-]+\/[\w.-]+)/.exec(name)?.[1] ?? '');
  const sent =
    request.tokenFrom === undefined
      ? 'no token was sent: set HF_TOKEN (or HF_TOKEN_PATH, or run "hf auth login")'
      : `the token that was sent came from ${request.tokenFrom}`;
  if (code === 'GatedRepo')
    return new FetchError(name, `the repository is gated (${status})${said}`, {
      hint: `open ${page} in a browser, signed in as the owner of the token, and accept its conditions; ${sent}`,
    });
  // The Hub knows the file and the storage refuses. Every Xet file is to be had by plain HTTP through a bridge (hub/xet/legacy-git-lfs).
  if (
    isXet &&
    status !== 401 &&
    new URL(response.url || request.endpoint).origin !== new URL(request.endpoint).origin
  )
    return new FetchError(
      name,
      `lies in Xet storage, and plain HTTP does not get it there (${status})${said}`,
      {
        hint: `midtrain speaks HTTP only; Python's client has Xet: pip install -U huggingface_hub hf_xet, then ${pythonDownload(name)}; the cache is shared, so run again then`,
      },
    );
  if (status === 401 || status === 403) {
    return new FetchError(name, `the Hub refuses access (${status})${said}`, {
      hint:
        request.tokenFrom === undefined
          ? `check the name; if it is private or gated (${page}), it needs a token: ${sent}`
          : `${sent}, and it may not do this; look at ${page}, and at what the token allows (${request.endpoint}/settings/tokens), or set another as HF_TOKEN`,
    });
  }
  if (status === 404)
    return new FetchError(
      name,
      `the Hub has no such repository, revision or file (404)${code === null ? '' : ` (${code})`}`,
      { hint: 'check the name and the revision' },
    );
  return new FetchError(name, `the Hub answers ${status}${said}`, { hint: 'check the name and HF_ENDPOINT' });
}

/** What fetches a file by Python's client into the cache that both share. */
function pythonDownload(name: string): string {
  const [, data, repository, commit, path] =
    /^hf:\/\/(datasets\/)?([\w.-]+\/[\w.-]+)(?:@([^/]+))?(?:\/(.*))?$/.exec(name) ?? [];
  const type = data === undefined ? '' : ' --repo-type dataset';
  return `hf download ${repository} ${path ?? ''}${type}${commit === undefined ? '' : ` --revision ${commit}`}`;
}
