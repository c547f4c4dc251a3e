/**
 * What an endpoint's answer means: an answer, a reason to ask again, a reason that concerns this document alone, or one that concerns the
 * whole run. Statuses and codes are those of OpenAI, Azure, vLLM, SGLang, llama.cpp, OpenRouter and `midtrain serve`.
 */
import { type ChatAnswer, estimateTokens } from './chat-types.ts';
import type { HttpAnswer } from './http-exchange.ts';

/** Why a request is sent again; the name under which a document that got no answer at all is counted. */
export type RetryReason = 'rate_limited' | 'server_error' | 'bad_response' | 'timeout' | 'connection';

/** What is wrong with this document's request and with no other. */
export type DocumentReason = 'context_length' | 'content_filter' | 'rejected';

export type Reading =
  | { kind: 'answer'; answer: ChatAnswer }
  /** `mayBePaid`: an answer was made, and cannot be used. */
  | { kind: 'retry'; reason: RetryReason; message: string; mayBePaid: boolean }
  | { kind: 'document'; reason: DocumentReason; message: string }
  /** Wrong for every document: key, model, address, quota. */
  | { kind: 'fatal'; what: 'key' | 'model' | 'address' | 'quota' | 'request' | 'tls'; message: string }
  /** A field that this endpoint calls otherwise. */
  | { kind: 'field'; field: 'max_completion_tokens' };

const mostMessage = 500;

/** `prompt`: what was sent, for an estimate where the endpoint does not say its usage. `clean` takes secrets out of every text. */
export function readAnswer(http: HttpAnswer, prompt: string, clean: (text: string) => string): Reading {
  const value = parse(http.body);
  const error = errorOf(value);
  const message = shorten(clean(error?.message ?? plainText(http.body)));
  // OpenRouter and proxies put a provider's error into a 200.
  const done = http.status >= 200 && http.status < 300;
  const status = done && error !== undefined && !hasChoices(value) ? error.status || 502 : http.status;
  if (status >= 200 && status < 300) {
    const answer = answerOf(value, prompt, clean);
    if (answer !== undefined) return { kind: 'answer', answer };
    const what = value === undefined ? 'not JSON' : 'JSON without an answer in it';
    return {
      kind: 'retry',
      reason: 'bad_response',
      message: `the answer is ${what}: ${shorten(message, 120)}`,
      mayBePaid: true,
    };
  }
  return readError(status, error?.code ?? '', message);
}

function readError(status: number, code: string, message: string): Reading {
  const said = `${code} ${message}`;
  const told = `status ${status}${message === '' ? '' : `: ${message}`}`;
  if (status === 401 || status === 403) return { kind: 'fatal', what: 'key', message: told };
  if (status === 402 || /insufficient_quota|billing_hard_limit/.test(said))
    return { kind: 'fatal', what: 'quota', message: told };
  if (status === 404) {
    const model = /model/i.test(said);
    return { kind: 'fatal', what: model ? 'model' : 'address', message: told };
  }
  if (status === 408 || status === 409 || status === 425 || status === 429 || status >= 500) {
    const reason = status === 429 ? 'rate_limited' : 'server_error';
    // A gateway's timeout leaves the work behind it going on.
    return { kind: 'retry', reason, message: told, mayBePaid: status === 408 || status === 504 };
  }
  if (status === 413 || tooLong.test(said))
    return { kind: 'document', reason: 'context_length', message: told };
  if (/content_filter|content management policy|responsible.?ai/i.test(said))
    return { kind: 'document', reason: 'content_filter', message: told };
  if (/max_completion_tokens/.test(message) && /max_tokens/.test(message))
    return { kind: 'field', field: 'max_completion_tokens' };
  if (/model_not_found|model .{0,80}(does not exist|not found)/i.test(said))
    return { kind: 'fatal', what: 'model', message: told };
  if (status === 400 || status === 422) return { kind: 'document', reason: 'rejected', message: told };
  return { kind: 'fatal', what: status === 405 || status < 400 ? 'address' : 'request', message: told };
}

const tooLong =
  /context_length|context (length|window|size)|maximum (context|model) length|max_model_len|prompt is too long|input (is )?too long|too many (input )?tokens|reduce the length|exceeds? the (available )?context|string_above_max_length/i;

interface Told {
  message: string;
  code: string;
  status: number;
}

/** The error in a body: OpenAI's `{error: {message, code, type}}`, `{error: "..."}`, FastAPI's `{detail}`, vLLM's `{object: "error"}`. */
function errorOf(value: unknown): Told | undefined {
  if (!isRecord(value)) return undefined;
  const inner = value.error ?? value.detail ?? (value.object === 'error' ? value : undefined);
  if (inner === undefined || inner === null) return undefined;
  if (!isRecord(inner))
    return { message: typeof inner === 'string' ? inner : JSON.stringify(inner), code: '', status: 0 };
  const { message, code, type } = inner;
  return {
    message: typeof message === 'string' ? message : JSON.stringify(inner),
    code: [code, type].filter((part) => typeof part === 'string').join(' '),
    status: typeof code === 'number' ? code : 0,
  };
}

function hasChoices(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value.choices) && value.choices.length > 0;
}

function answerOf(value: unknown, prompt: string, clean: (text: string) => string): ChatAnswer | undefined {
  if (!isRecord(value) || !Array.isArray(value.choices)) return undefined;
  const choice: unknown = value.choices[0];
  if (!isRecord(choice) || !isRecord(choice.message)) return undefined;
  const { content, refusal } = choice.message;
  const raw = textOf(content);
  const thoughts = textOf(choice.message.reasoning_content ?? choice.message.reasoning) ?? '';
  // Nothing at all, not even null, is no answer; null is one of a model that only thought or refused.
  if (raw === undefined && content !== null && refusal === undefined && thoughts === '') return undefined;
  const finish = typeof choice.finish_reason === 'string' ? choice.finish_reason : 'stop';
  const counted = usageOf(value.usage);
  const estimate = {
    prompt_tokens: estimateTokens(prompt),
    completion_tokens: estimateTokens((raw ?? '') + thoughts),
  };
  return {
    content: clean(withoutThoughts(raw ?? '')),
    finish,
    ...(typeof refusal === 'string' && refusal !== '' ? { refusal: shorten(clean(refusal)) } : {}),
    usage: counted ?? estimate,
    ...(counted === undefined ? { estimated: true } : {}),
  };
}

/** A text, or the text parts of a list. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content
    .filter(isRecord)
    .map((part) => (typeof part.text === 'string' && (part.type ?? 'text') === 'text' ? part.text : ''))
    .join('');
}

function usageOf(usage: unknown): { prompt_tokens: number; completion_tokens: number } | undefined {
  if (!isRecord(usage)) return undefined;
  const { prompt_tokens, completion_tokens } = usage;
  const isCount = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;
  if (!isCount(prompt_tokens) || !isCount(completion_tokens)) return undefined;
  return { prompt_tokens, completion_tokens };
}

/**
 * The answer behind the thoughts of a reasoning model whose server leaves them in: `<think>...</think>` at the start, or an end alone where
 * the template opened it. Thoughts that never end leave no answer.
 */
function withoutThoughts(text: string): string {
  const opens = /^\s*<think(ing)?>/i.test(text);
  const end = /<\/think(ing)?>/i.exec(text);
  if (end !== null && (opens || !/<think(ing)?>/i.test(text.slice(0, end.index))))
    return text.slice(end.index + end[0].length).trim();
  return opens ? '' : text.trim();
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The words of an error page. */
function plainText(body: string): string {
  return body
    .slice(0, 20_000)
    .replace(/<(style|script)\b[\s\S]{0,10000}?<\/\1>/gi, ' ')
    .replace(/<[^<>]{0,1000}>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function shorten(text: string, most = mostMessage): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most).toWellFormed()}...`;
}
