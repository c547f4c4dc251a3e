/**
 * Who may call. On loopback the server is reached by programs of this machine, and by every page that a browser on it has open. A page tells on
 * itself in two headers: `Host`, which names another site where that site's name was made to point here (DNS rebinding), and `Origin`, which
 * browsers send with every POST and with every request of a script that wants to read the answer. So on loopback the Host must name this
 * machine, and an Origin must be a page of this machine (any port, as Ollama has it) or one that `--allow-origin` names. Programs send no Origin.
 *
 * Given up: a page's GET without Origin (`<img src>`) is answered; it learns nothing from it and changes nothing. llama.cpp allows every origin.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';

export interface CallerRules {
  /** Address that is listened on. */
  host: string;
  /** Origins of pages on other machines that may call; `*` is every page. */
  allowOrigins: readonly string[];
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** Throws a 403 for a caller that may not; tells a page that may that it may read the answer. */
export function admit(request: IncomingMessage, response: ServerResponse, rules: CallerRules): void {
  // Who listens on a network is called by names that are not known here.
  if (loopback.test(rules.host)) {
    const [, named = ''] = /^(.*?)(?::\d+)?$/.exec(request.headers.host ?? '') ?? [];
    if (!loopback.test(named.toLowerCase()))
      throw new ApiError(
        403,
        `this server answers on loopback only, and the request names the host ${JSON.stringify(named)}`,
        { code: 'wrong_host' },
      );
  }
  const { origin } = request.headers;
  if (origin === undefined) return;
  if (!rules.allowOrigins.includes('*') && !rules.allowOrigins.includes(origin) && !isLocalPage(origin))
    throw new ApiError(
      403,
      `pages of ${JSON.stringify(origin)} may not call this server; start it with --allow-origin ${origin} to let them`,
      { code: 'wrong_origin' },
    );
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
  response.setHeader('access-control-expose-headers', 'retry-after');
}

/** What a browser asks before it sends JSON for a page (CORS preflight). */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const { headers } = request;
  const wanted = headers['access-control-request-headers'];
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST',
    // The client's own (x-stainless-...) are harmless: none of them changes what is done.
    ...(typeof wanted === 'string' && /^[\w\-, ]{1,2000}$/.test(wanted)
      ? { 'access-control-allow-headers': wanted }
      : {}),
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
    'access-control-max-age': '600',
  });
  response.end();
}

function isLocalPage(origin: string): boolean {
  try {
    const { protocol, hostname } = new URL(origin);
    return (protocol === 'http:' || protocol === 'https:') && loopback.test(hostname);
  } catch {
    return false;
  }
}
