/**
 * The two endpoints that write text. Each turns its request into jobs (a job a choice), draws them side by side, and writes the answer whole or
 * as it comes. They differ in what a prompt is and in the shape of a choice; the rest is here once.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RankedPosition } from '../../trainer/sampler/sampler-session.ts';
import { hash32 } from '../core/random.ts';
import { ApiError, badRequest } from './api-error.ts';
import type { Engine, Job, Outcome } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { chatLogprobs, completionLogprobs } from './logprobs.ts';
import {
  type ChatRequest,
  type CompletionRequest,
  chatSchema,
  completionSchema,
  parseRequest,
} from './request-schemas.ts';

/** How an endpoint writes its choices. */
interface Endpoint {
  jobs: Omit<Job, 'signal'>[];
  /** Prompts, each counted once. */
  promptTokens: number;
  object: string;
  chunkObject: string;
  id: string;
  /** A whole choice. */
  choice(index: number, outcome: Outcome): object;
  /** Before any text of a stream. */
  opening(index: number): object | undefined;
  piece(index: number, text: string, ranked: readonly RankedPosition[]): object;
  ending(index: number, outcome: Outcome): object;
}

/** What an endpoint needs of the server. */
export interface AnswerContext {
  engine: Engine;
  response: ServerResponse;
  /** Aborted when the client has gone, or the server ends. */
  signal: AbortSignal;
}

/** POST /v1/completions. */
export function answerCompletion(context: AnswerContext, body: unknown): Promise<void> {
  const request = parseRequest(completionSchema, body);
  return answer(context, request, completionEndpoint(context.engine, request));
}

/** POST /v1/chat/completions. */
export function answerChat(context: AnswerContext, body: unknown): Promise<void> {
  const request = parseRequest(chatSchema, body);
  return answer(context, request, chatEndpoint(context.engine, request));
}

type Shared = CompletionRequest | ChatRequest;

async function answer(
  { engine, response, signal }: AnswerContext,
  request: Shared,
  to: Endpoint,
): Promise<void> {
  if (request.model !== undefined && request.model !== engine.name)
    throw new ApiError(
      404,
      `no model ${JSON.stringify(request.model)} here; this server has ${engine.name}`,
      {
        param: 'model',
        code: 'model_not_found',
      },
    );
  engine.makeRoom(to.jobs.length);
  // One choice that fails takes the others with it.
  const failed = new AbortController();
  const all = AbortSignal.any([signal, failed.signal]);
  const head = { id: to.id, created: Math.floor(Date.now() / 1000), model: engine.name };
  const draw = (job: Omit<Job, 'signal'>, onText?: Job['onText']) =>
    engine.draw({ ...job, signal: all, ...(onText && { onText }) }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  const usageOf = (outcomes: readonly Outcome[]) => {
    const completion = outcomes.reduce((total, { tokens }) => total + tokens, 0);
    return {
      prompt_tokens: to.promptTokens,
      completion_tokens: completion,
      total_tokens: to.promptTokens + completion,
    };
  };
  if (!request.stream) {
    const outcomes = await Promise.all(to.jobs.map((job) => draw(job)));
    const choices = outcomes.map((outcome, index) => to.choice(index, outcome));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...head, object: to.object, choices, usage: usageOf(outcomes) }));
    return;
  }
  const stream = new EventStream(response);
  const withUsage = request.stream_options?.include_usage === true;
  const send = (choice: object): void =>
    stream.send({ ...head, object: to.chunkObject, choices: [choice], ...(withUsage && { usage: null }) });
  const outcomes = await Promise.all(
    to.jobs.map(async (job, index) => {
      let opened = false;
      const open = (): void => {
        const opening = opened ? undefined : to.opening(index);
        opened = true;
        if (opening) send(opening);
      };
      const outcome = await draw(job, (text, ranked) => {
        open();
        send(to.piece(index, text, ranked));
      });
      open();
      send(to.ending(index, outcome));
      return outcome;
    }),
  );
  if (withUsage) stream.send({ ...head, object: to.chunkObject, choices: [], usage: usageOf(outcomes) });
  stream.end();
}

/** What both requests say in the same words. */
function sharedJob(request: Shared): Pick<Job, 'sampling' | 'stops'> & { seeds: number[] } {
  const { temperature, top_p, top_k, min_p, stop, n, seed } = request;
  const base = seed ?? randomInt(2 ** 32);
  return {
    sampling: {
      temperature: temperature ?? 1,
      top_p: top_p ?? 1,
      top_k: Math.max(0, top_k ?? 0),
      min_p: min_p ?? 0,
    },
    stops: typeof stop === 'string' ? [stop] : (stop ?? []),
    seeds: Array.from({ length: n ?? 1 }, (_, i) => hash32(`${base}/serve/${i}`)),
  };
}

function completionEndpoint(engine: Engine, request: CompletionRequest): Endpoint {
  const { prompt, echo, logprobs } = request;
  const given: (string | number[])[] =
    typeof prompt === 'string'
      ? [prompt]
      : typeof prompt[0] === 'number'
        ? [prompt as number[]]
        : (prompt as string[] | number[][]);
  const { seeds, ...shared } = sharedJob(request);
  const top = logprobs ?? undefined;
  const maxTokens = request.max_tokens ?? 16;
  if (maxTokens === 0 && !echo)
    throw badRequest('max_tokens: 0 tokens are written only with echo', 'max_tokens');
  if (echo && request.stream) throw badRequest('echo: not together with stream', 'echo');
  const prompts = given.map((one) => {
    const ids = typeof one === 'string' ? engine.encode(one) : engine.checkIds(one);
    engine.fit(ids, Math.max(1, maxTokens), 'prompt');
    // What is echoed is what was sent: a begin token that was put before a text is not part of it.
    return { ids, text: typeof one === 'string' ? one : engine.tokenizer.decode(one) };
  });
  const rankPrompt = echo ? (top ?? (maxTokens === 0 ? 0 : undefined)) : undefined;
  const of = (index: number) => prompts[Math.floor(index / seeds.length)]!;
  const logprobsOf = (index: number, { ranked, promptRanked }: Outcome) => {
    if (top === undefined) return null;
    const { ids, text } = of(index);
    const written = completionLogprobs(engine.tokenizer, ranked, { offset: echo ? text.length : 0 });
    if (!echo) return written;
    const before = completionLogprobs(engine.tokenizer, promptRanked, { first: ids[0]!, offset: 0 });
    return {
      tokens: [...before.tokens, ...written.tokens],
      token_logprobs: [...before.token_logprobs, ...written.token_logprobs],
      top_logprobs: [...before.top_logprobs, ...written.top_logprobs],
      text_offset: [...before.text_offset, ...written.text_offset],
    };
  };
  /** Characters of each choice that a stream has sent. */
  const sent: number[] = Array(prompts.length * seeds.length).fill(0);
  return {
    jobs: prompts.flatMap(({ ids }) =>
      seeds.map((seed) => ({ prompt: ids, maxTokens, ...shared, seed, top, rankPrompt })),
    ),
    promptTokens: prompts.reduce((total, { ids }) => total + ids.length, 0),
    object: 'text_completion',
    chunkObject: 'text_completion',
    id: `cmpl-${randomUUID()}`,
    choice: (index, outcome) => ({
      index,
      text: `${echo ? of(index).text : ''}${outcome.text}`,
      logprobs: logprobsOf(index, outcome),
      finish_reason: outcome.finish,
    }),
    opening: () => undefined,
    piece: (index, text, ranked) => {
      const logprobs =
        top === undefined ? null : completionLogprobs(engine.tokenizer, ranked, { offset: sent[index]! });
      sent[index]! += text.length;
      return { index, text, logprobs, finish_reason: null };
    },
    ending: (index, { finish }) => ({ index, text: '', logprobs: null, finish_reason: finish }),
  };
}

function chatEndpoint(engine: Engine, request: ChatRequest): Endpoint {
  const { seeds, ...shared } = sharedJob(request);
  const prompt = engine.encodeMessages(
    request.messages.map(({ role, content }) => ({
      role,
      content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
    })),
  );
  const maxTokens = engine.fit(
    prompt,
    request.max_completion_tokens ?? request.max_tokens ?? undefined,
    'messages',
  );
  if (request.top_logprobs && !request.logprobs)
    throw badRequest('top_logprobs: only together with logprobs', 'top_logprobs');
  const top = request.logprobs ? (request.top_logprobs ?? 0) : undefined;
  const logprobsOf = (ranked: readonly RankedPosition[]) =>
    top === undefined ? null : chatLogprobs(engine.tokenizer, ranked);
  return {
    jobs: seeds.map((seed) => ({ prompt, maxTokens, ...shared, seed, top, rankPrompt: undefined })),
    promptTokens: prompt.length,
    object: 'chat.completion',
    chunkObject: 'chat.completion.chunk',
    id: `chatcmpl-${randomUUID()}`,
    choice: (index, { text, ranked, finish }) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: logprobsOf(ranked),
      finish_reason: finish,
    }),
    opening: (index) => ({
      index,
      delta: { role: 'assistant', content: '' },
      logprobs: null,
      finish_reason: null,
    }),
    piece: (index, text, ranked) => ({
      index,
      delta: { content: text },
      logprobs: logprobsOf(ranked),
      finish_reason: null,
    }),
    ending: (index, { finish }) => ({ index, delta: {}, logprobs: null, finish_reason: finish }),
  };
}
