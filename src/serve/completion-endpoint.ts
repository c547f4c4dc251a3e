/** `/v1/completions`: texts or lists of token ids, each continued `n` times. With `echo` and `logprobs` it scores a prompt, as lm-eval asks for it. */
import { randomUUID } from 'node:crypto';
import { badRequest } from './api-error.ts';
import { sharedJob, type TextEndpoint } from './endpoint.ts';
import type { Engine, Outcome } from './engine.ts';
import { completionLogprobs, joinLogprobs } from './logprobs.ts';
import type { CompletionRequest } from './request-schemas.ts';

/** Throws a 400 that names the field. */
export function completionEndpoint(engine: Engine, request: CompletionRequest): TextEndpoint {
  const { prompt, echo, logprobs } = request;
  const given: (string | number[])[] =
    typeof prompt === 'string'
      ? [prompt]
      : typeof prompt[0] === 'number'
        ? [prompt as number[]]
        : (prompt as string[] | number[][]);
  const n = request.n ?? 1;
  const draws = request.best_of ?? n;
  if (draws < n) throw badRequest(`best_of: ${draws} is less than the ${n} of n`, 'best_of');
  if (draws > n && request.stream) throw badRequest('best_of: not together with stream', 'best_of');
  engine.makeRoom(given.length * draws);
  const { seeds, ...shared } = sharedJob(request, draws);
  const top = logprobs ?? undefined;
  const maxTokens = request.max_tokens ?? 16;
  if (maxTokens === 0 && !echo)
    throw badRequest('max_tokens: 0 tokens are written only with echo', 'max_tokens');
  if (echo && request.stream) throw badRequest('echo: not together with stream', 'echo');
  const special = request.add_special_tokens ?? true;
  const prompts = given.map((one) => {
    const { ids, added } =
      typeof one === 'string'
        ? engine.encode(one, special)
        : { ids: engine.checkIds(one, 'prompt'), added: 0 };
    engine.fit(ids, Math.max(1, maxTokens), 'prompt');
    return { ids, added, text: typeof one === 'string' ? one : engine.tokenizer.decode(ids) };
  });
  const rankPrompt = echo ? (top ?? (maxTokens === 0 ? 0 : undefined)) : undefined;
  const of = (index: number) => prompts[Math.floor(index / n)]!;
  const logprobsOf = (index: number, { ranked, promptRanked }: Outcome) => {
    if (top === undefined) return null;
    const { ids, added, text } = of(index);
    const written = completionLogprobs(engine.tokenizer, ranked, { offset: echo ? text.length : 0 });
    if (!echo) return written;
    // What is echoed is what was sent: a begin token that was put before a text is no part of it, and the text's first token follows it.
    const first = added === 0 ? { first: ids[0]! } : {};
    return joinLogprobs(completionLogprobs(engine.tokenizer, promptRanked, { ...first, offset: 0 }), written);
  };
  /** Characters of each choice that a stream has sent. */
  const sent: number[] = Array(prompts.length * n).fill(0);
  return {
    jobs: prompts.flatMap(({ ids }) =>
      seeds.map((seed) => ({
        prompt: ids,
        maxTokens,
        ...shared,
        seed,
        // The best are known by their log-probabilities.
        top: top ?? (draws > n ? 0 : undefined),
        rankPrompt,
      })),
    ),
    ...(draws > n && {
      choose: (outcomes) => prompts.flatMap((_, i) => best(outcomes.slice(i * draws, (i + 1) * draws), n)),
    }),
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

/** The `n` of the highest log-probability per token (OpenAI's `best_of`), the best first. */
function best(outcomes: readonly Outcome[], n: number): Outcome[] {
  const score = ({ ranked }: Outcome): number =>
    ranked.length === 0 ? 0 : ranked.reduce((sum, { logp }) => sum + logp, 0) / ranked.length;
  return outcomes
    .map((outcome) => ({ outcome, score: score(outcome) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, n)
    .map(({ outcome }) => outcome);
}
