/**
 * An OpenAI-compatible chat endpoint (`/v1/chat/completions`): vLLM, SGLang, llama.cpp, Ollama, OpenAI, OpenRouter, `midtrain serve`.
 *
 * At most `concurrency` requests are under way (p-limit), no more begin a minute than `requestsPerMinute`, each has a time limit. What may
 * go away is asked again with exponential backoff, or when the endpoint says (Retry-After, which then holds for every request); what
 * cannot go away ends the run (key, model, address, quota) or concerns one document (too long, filtered). A request that went out and
 * brought no answer may have been paid for: it is told to the caller each time. The key comes from the environment and is taken out of
 * everything that the endpoint says.
 *
 * Gives up: streaming; a request counts as answered when its whole body is here.
 */
import pLimit, { type LimitFunction } from 'p-limit';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { nearest } from '../../src/core/nearest.ts';
import type { ChatAnswer, ChatMessage, Sampling } from './chat-types.ts';
import { defaultKeyVariable, endpointAddress, keyRemover, readApiKey } from './endpoint-address.ts';
import { ExchangeFailure, type Exchanger, openExchanger } from './http-exchange.ts';
import { type DocumentReason, type Reading, type RetryReason, readAnswer } from './read-answer.ts';
import { backoffMs, retryAfterMs } from './retry-delay.ts';

export interface EndpointOptions {
  /** Base URL, with or without `/v1`. */
  url: string;
  model: string;
  /** Environment variable that holds the key. Default: OPENAI_API_KEY if it is set, else no key is sent. */
  apiKeyEnv?: string;
  /** Requests under way at once; default 8. */
  concurrency?: number;
  /** Requests begun per minute, evenly; no bound by default. */
  requestsPerMinute?: number;
  /** For one request, from sending to its last byte; default 300. */
  timeoutSeconds?: number;
  /** How often a request is sent again; default 8. */
  maxRetries?: number;
  /** First wait before a retry in seconds (doubles up to 60, or stays at this if it is more); default 1. */
  retrySeconds?: number;
  emit?: Emit;
  /** For tests: the environment that holds the key. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** What a caller is told about a request while it is under way. */
interface ChatHooks {
  /** No new try begins once it is aborted; the one under way is waited for. */
  signal?: AbortSignal | undefined;
  /** Just before each try goes out, which waits for it; may throw, then nothing is sent. */
  onSend?: (() => void | Promise<void>) | undefined;
  /** A try that went out ended without an answer that can be used; it may have been paid for. */
  onLost?: (() => void) | undefined;
  /** A try that went out was turned away: nothing was paid. */
  onRefused?: (() => void) | undefined;
}

interface EndpointCounts {
  /** Requests that went out, retries included. */
  sent: number;
  answered: number;
  retries: Partial<Record<RetryReason, number>>;
  /** Went out and brought nothing that can be used. */
  lost: number;
}

export interface Endpoint {
  readonly model: string;
  readonly host: string;
  readonly concurrency: number;
  readonly counts: EndpointCounts;
  /**
   * One answer. Throws `DocumentProblem` for what concerns this request alone, `EndpointFailure` when all tries failed, a `UserError` for
   * what ends the run, `InterruptedError` when the signal was aborted before an answer came.
   */
  chat(messages: readonly ChatMessage[], sampling: Sampling, hooks?: ChatHooks): Promise<ChatAnswer>;
  close(): void;
}

/** The endpoint will not answer for this document, however often it is asked. */
export class DocumentProblem extends Error {
  readonly reason: DocumentReason;
  constructor(reason: DocumentReason, message: string) {
    super(message);
    this.name = 'DocumentProblem';
    this.reason = reason;
  }
}

/** All tries of one request failed. */
export class EndpointFailure extends Error {
  readonly reason: RetryReason;
  constructor(reason: RetryReason, message: string) {
    super(message);
    this.name = 'EndpointFailure';
    this.reason = reason;
  }
}

const mostAnswerBytes = 32 * 1024 * 1024;
/** Tries at an endpoint that has never answered: a wrong address should be told soon. */
const firstRetries = 2;
/** Requests refused without a single answer that end the run. */
const mostRejected = 5;

/** Checks address and key; nothing is sent yet. Throws a `UserError` for what is wrong with them. */
export function openEndpoint(options: EndpointOptions): Endpoint {
  return new HttpEndpoint(options);
}

class HttpEndpoint implements Endpoint {
  readonly model: string;
  readonly host: string;
  readonly concurrency: number;
  readonly counts: EndpointCounts = { sent: 0, answered: 0, retries: {}, lost: 0 };
  private readonly address: ReturnType<typeof endpointAddress>;
  private readonly headers: Record<string, string>;
  private readonly clean: (text: string) => string;
  private readonly keyName: string;
  private readonly exchanger: Exchanger;
  private readonly limit: LimitFunction;
  private readonly options: EndpointOptions;
  /** `max_completion_tokens` once the endpoint has asked for it. */
  private tokensField = 'max_tokens';
  /** Milliseconds of the monotonic clock: no request before these. */
  private pausedUntil = 0;
  private nextSlot = 0;
  private rejected = 0;
  private fatal: UserError | undefined;
  /** That it cannot be reached was said since the last answer. */
  private warned = false;

  constructor(options: EndpointOptions) {
    this.options = options;
    this.model = options.model;
    this.concurrency = options.concurrency ?? 8;
    this.address = endpointAddress(options.url);
    this.host = this.address.host;
    const key = readApiKey(options.apiKeyEnv, options.environment);
    this.headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    this.keyName = options.apiKeyEnv ?? defaultKeyVariable;
    this.clean = keyRemover(key);
    this.limit = pLimit(this.concurrency);
    this.exchanger = openExchanger(this.address.chat, {
      connections: this.concurrency,
      timeoutMs: (options.timeoutSeconds ?? 300) * 1000,
      maxBytes: mostAnswerBytes,
      environment: options.environment ?? process.env,
    });
  }

  chat(messages: readonly ChatMessage[], sampling: Sampling, hooks: ChatHooks = {}): Promise<ChatAnswer> {
    return this.limit(() => this.untilAnswered(messages, sampling, hooks));
  }

  close(): void {
    this.exchanger.close();
  }

  private async untilAnswered(
    messages: readonly ChatMessage[],
    sampling: Sampling,
    hooks: ChatHooks,
  ): Promise<ChatAnswer> {
    const prompt = messages.map(({ content }) => content).join('\n');
    const most = this.options.maxRetries ?? 8;
    const answeredBefore = this.counts.answered;
    for (let attempt = 1; ; attempt++) {
      await this.turn(hooks.signal);
      await hooks.onSend?.();
      const reading = await this.ask(messages, sampling, prompt, hooks);
      if (reading.kind === 'answer') {
        this.counts.answered++;
        this.warned = false;
        return reading.answer;
      }
      if (reading.kind === 'document') throw this.documentProblem(reading);
      if (reading.kind === 'fatal') throw await this.ending(reading);
      if (reading.kind === 'field') {
        // Asked again at once, under the other name; a second time it is the request that is wrong.
        if (this.tokensField === reading.field && attempt > 1)
          throw new DocumentProblem('rejected', `the endpoint refuses both max_tokens and ${reading.field}`);
        this.tokensField = reading.field;
        continue;
      }
      if (hooks.signal?.aborted) throw new InterruptedError();
      if (this.fatal !== undefined) throw this.fatal;
      const unknown = this.counts.answered === 0 && reading.unreachable === true;
      if (attempt > (unknown ? Math.min(most, firstRetries) : most)) {
        // Nobody was answered while this one was tried: it has gone, and would fail every document that is left.
        if (reading.unreachable === true && this.counts.answered === answeredBefore)
          throw unknown ? this.unreachable(reading.message) : this.gone(reading.message, attempt);
        throw new EndpointFailure(reading.reason, reading.message);
      }
      if (reading.unreachable === true && !unknown) this.warnOfSilence(reading.message, most);
      this.counts.retries[reading.reason] = (this.counts.retries[reading.reason] ?? 0) + 1;
      const baseMs = (this.options.retrySeconds ?? 1) * 1000;
      const backoff = { baseMs, mostMs: Math.max(60_000, baseMs) };
      const wait = reading.waitMs ?? backoffMs(backoff, attempt, prompt);
      // What the endpoint asks for it asks of everyone.
      if (reading.waitMs !== undefined)
        this.pausedUntil = Math.max(this.pausedUntil, performance.now() + wait);
      else await pause(wait, hooks.signal);
    }
  }

  /** Waits until a request may begin. */
  private async turn(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (signal?.aborted) throw new InterruptedError();
      if (this.fatal !== undefined) throw this.fatal;
      const now = performance.now();
      if (now < this.pausedUntil) {
        await pause(this.pausedUntil - now, signal);
        continue;
      }
      const perMinute = this.options.requestsPerMinute;
      if (perMinute === undefined) return;
      const slot = Math.max(now, this.nextSlot);
      this.nextSlot = slot + 60_000 / perMinute;
      if (slot <= now) return;
      await pause(slot - now, signal);
      if (signal?.aborted) throw new InterruptedError();
      if (performance.now() >= this.pausedUntil) return;
    }
  }

  /** One try. */
  private async ask(
    messages: readonly ChatMessage[],
    sampling: Sampling,
    prompt: string,
    hooks: ChatHooks,
  ): Promise<Reading & { waitMs?: number; unreachable?: boolean }> {
    this.counts.sent++;
    const lose = (): void => {
      this.counts.lost++;
      hooks.onLost?.();
    };
    try {
      const http = await this.exchanger.post(
        JSON.stringify(requestBody(this.model, messages, sampling, this.tokensField)),
        this.headers,
      );
      const reading = readAnswer(http, prompt, this.clean);
      if (reading.kind === 'retry' && reading.mayBePaid) lose();
      else if (reading.kind !== 'answer') hooks.onRefused?.();
      const asked = reading.kind === 'retry' ? retryAfterMs(http.headers, Date.now()) : undefined;
      return asked === undefined ? reading : { ...reading, waitMs: asked };
    } catch (error) {
      if (!(error instanceof ExchangeFailure)) throw error;
      if (error.mayBePaid) lose();
      else hooks.onRefused?.();
      const message = this.clean(error.message);
      if (error.problem === 'tls') return { kind: 'fatal', what: 'tls', message };
      const reason =
        error.problem === 'timeout'
          ? 'timeout'
          : error.problem === 'too_large'
            ? 'bad_response'
            : 'connection';
      const unreachable = error.problem === 'no_connection' ? { unreachable: true } : {};
      return { kind: 'retry', reason, message, mayBePaid: error.mayBePaid, ...unreachable };
    }
  }

  private documentProblem({ reason, message }: Extract<Reading, { kind: 'document' }>): Error {
    // When several are refused and none is answered, the request is wrong in itself, not for its document.
    if (reason === 'rejected') this.rejected++;
    if (reason !== 'rejected' || this.counts.answered > 0 || this.rejected < mostRejected)
      return new DocumentProblem(reason, message);
    return this.end(
      new UserError(`${this.host} refuses the request: ${message}`, {
        hint: 'the model may not take one of the settings (temperature, seed, max_tokens, extra body fields)',
      }),
    );
  }

  private async ending({ what, message }: Extract<Reading, { kind: 'fatal' }>): Promise<UserError> {
    const said =
      what === 'tls' ? `no TLS connection to ${this.host}: ${message}` : `${this.host} answers ${message}`;
    if (what === 'model') {
      const names = await this.modelNames();
      const near = nearest(this.model, names);
      const hint =
        names.length === 0
          ? 'check the name of the model'
          : `${near === undefined ? '' : `did you mean ${near}? `}it has ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}`;
      return this.end(new UserError(`the model "${this.model}" is not there: ${said}`, { hint }));
    }
    const hints = {
      key:
        this.headers.authorization === undefined
          ? `it wants a key: set ${this.keyName}, or name another variable with --api-key-env`
          : `check the key in ${this.keyName}; --api-key-env names another variable`,
      quota: 'the account has no credit or quota left; what was answered is kept, run again when it has',
      address: 'check the URL of the endpoint: it is the part before /chat/completions, often ending in /v1',
      tls: 'for a certificate of your own, name its file: NODE_EXTRA_CA_CERTS=ca.pem midtrain ...; a server on this machine mostly speaks http://',
      request: 'the endpoint does not take this request',
    } as const;
    return this.end(new UserError(said, { hint: hints[what] }));
  }

  private unreachable(message: string): UserError {
    return this.end(
      new UserError(`${this.host} cannot be reached: ${message}`, {
        hint: 'check the URL, that the server is running, and HTTP_PROXY, HTTPS_PROXY and NO_PROXY if they are set',
      }),
    );
  }

  private gone(message: string, tries: number): UserError {
    return this.end(
      new UserError(
        `${this.host} cannot be reached any more: ${message}, ${tries} tries without an answer to any request`,
        { hint: 'what was answered is kept: run the same command again when it is back' },
      ),
    );
  }

  private warnOfSilence(message: string, tries: number): void {
    if (this.warned) return;
    this.warned = true;
    const text = `${this.host} cannot be reached: ${message}; trying again, ${tries} times in all`;
    this.options.emit?.({ kind: 'message', level: 'warn', text });
  }

  /** From here on every request fails in the same way. */
  private end(error: UserError): UserError {
    this.fatal ??= error;
    return this.fatal;
  }

  private async modelNames(): Promise<string[]> {
    try {
      const { body } = await this.exchanger.get(this.address.models, this.headers);
      const { data } = JSON.parse(body) as { data: { id: string }[] };
      return data.map(({ id }) => this.clean(String(id)));
    } catch {
      return []; // only for a hint
    }
  }
}

/** The body of a request; extra fields win over ours, except model and messages. */
function requestBody(
  model: string,
  messages: readonly ChatMessage[],
  { maxTokens, temperature, topP, seed, extraBody }: Sampling,
  tokensField = 'max_tokens',
): Record<string, unknown> {
  return {
    temperature,
    [tokensField]: maxTokens,
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
    ...extraBody,
    model,
    messages,
  };
}

/** Ends early when the signal is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
