/**
 * Carries out a request for text: a job a sample, drawn side by side, and the answer written whole or as it comes. What a prompt is and how a
 * choice looks is the endpoint's (completion-endpoint.ts, chat-endpoint.ts).
 */
import type { ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import { chatEndpoint } from './chat-endpoint.ts';
import { completionEndpoint } from './completion-endpoint.ts';
import type { JobOfRequest, TextEndpoint } from './endpoint.ts';
import type { Engine, Job, Outcome } from './engine.ts';
import { EventStream } from './event-stream.ts';
import {
  type ChatRequest,
  type CompletionRequest,
  chatSchema,
  completionSchema,
  parseRequest,
} from './request-schemas.ts';

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
  checkModel(context.engine, request.model);
  return answer(context, request, completionEndpoint(context.engine, request));
}

/** POST /v1/chat/completions. */
export function answerChat(context: AnswerContext, body: unknown): Promise<void> {
  const request = parseRequest(chatSchema, body);
  checkModel(context.engine, request.model);
  return answer(context, request, chatEndpoint(context.engine, request));
}

/** Throws a 404 for a model that is not served. */
export function checkModel(engine: Engine, name: string | undefined): void {
  if (name === undefined || engine.answersTo(name)) return;
  throw new ApiError(404, `no model ${JSON.stringify(name)} here; this server has ${engine.name}`, {
    param: 'model',
    code: 'model_not_found',
  });
}

async function answer(
  { engine, response, signal }: AnswerContext,
  request: CompletionRequest | ChatRequest,
  to: TextEndpoint,
): Promise<void> {
  // One choice that fails takes the others with it.
  const failed = new AbortController();
  const all = AbortSignal.any([signal, failed.signal]);
  const head = { id: to.id, created: Math.floor(Date.now() / 1000), model: engine.name };
  const draw = (job: JobOfRequest, onText?: Job['onText']) =>
    engine.draw({ ...job, of: to, signal: all, ...(onText && { onText }) }).catch((error: unknown) => {
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
    const chosen = to.choose?.(outcomes) ?? outcomes;
    const choices = chosen.map((outcome, index) => to.choice(index, outcome));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...head, object: to.object, choices, usage: usageOf(outcomes) }));
    return;
  }
  const stream = new EventStream(response);
  const withUsage = request.stream_options?.include_usage === true;
  const send = (choice: object): void => {
    const event = {
      ...head,
      object: to.chunkObject,
      choices: [choice],
      ...(withUsage && { usage: null }),
    };
    if (!stream.send(event))
      failed.abort(new ApiError(408, 'the client reads too slowly', { code: 'slow_reader' }));
  };
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
