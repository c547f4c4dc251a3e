/** `/v1/chat/completions`: a conversation through the tokenizer's chat template, answered `n` times. */
import { randomUUID } from 'node:crypto';
import type { RankedPosition } from '../../trainer/sampler/sampler-session.ts';
import { badRequest } from './api-error.ts';
import { sharedJob, type TextEndpoint } from './endpoint.ts';
import type { Engine } from './engine.ts';
import { chatLogprobs } from './logprobs.ts';
import type { ChatRequest } from './request-schemas.ts';

/** Throws a 400 that names the field. */
export function chatEndpoint(engine: Engine, request: ChatRequest): TextEndpoint {
  const n = request.n ?? 1;
  engine.makeRoom(n);
  const { seeds, ...shared } = sharedJob(request, n);
  const prompt = engine.encodeMessages(request.messages);
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
