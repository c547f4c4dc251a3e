/**
 * How long to wait before a request is sent again: what the endpoint asks for, else exponential backoff with jitter. The jitter is drawn
 * from the request, so a run can be followed again, and requests that failed together do not come back together.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { drawOf } from '../../src/core/random.ts';

export interface Backoff {
  /** First wait; doubles each time. */
  baseMs: number;
  mostMs: number;
}

/** An endpoint that asks for longer is asked again after this. */
const mostRetryAfterMs = 10 * 60_000;

/** Milliseconds before try `attempt` (1: the first retry) of the request `key`: between half the backoff and all of it. */
export function backoffMs({ baseMs, mostMs }: Backoff, attempt: number, key: string): number {
  const full = Math.min(mostMs, baseMs * 2 ** Math.min(30, attempt - 1));
  return Math.round(full * (0.5 + 0.5 * drawOf(attempt, key)));
}

/**
 * Milliseconds that the endpoint asks to wait: `retry-after-ms`, `retry-after` in seconds or as a date, or nothing. `now` in milliseconds
 * since 1970. Source: RFC 9110 section 10.2.3; the first is OpenAI's and Azure's.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const exact = headers['retry-after-ms'];
  const wait = numberOf(typeof exact === 'string' ? exact : undefined) ?? plainRetryAfter(headers, now);
  return wait === undefined ? undefined : Math.min(mostRetryAfterMs, Math.max(0, wait));
}

function plainRetryAfter(headers: IncomingHttpHeaders, now: number): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = numberOf(text);
  if (seconds !== undefined) return seconds * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : date - now;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
