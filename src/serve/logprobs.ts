/** Log-probabilities as the two endpoints write them: at temperature 1, of the whole vocabulary, whatever the request was drawn with. */
import type { RankedPosition } from '../../trainer/sampler/sampler-session.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';

export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  text_offset: number[];
}

/**
 * The lists of `/v1/completions`. The likeliest tokens come with the token itself where it is not one of them. `first`: the prompt's first
 * token, before which there is nothing to expect it from. `offset`: where the text of these tokens begins.
 */
export function completionLogprobs(
  tokenizer: Tokenizer,
  positions: readonly RankedPosition[],
  { first, offset }: { first?: number; offset: number },
): CompletionLogprobs {
  const text = (token: number) => tokenizer.decode([token]);
  const out: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  let at = offset;
  const add = (token: number, logp: number | null, top: Record<string, number> | null): void => {
    const spelled = text(token);
    out.tokens.push(spelled);
    out.token_logprobs.push(logp);
    out.top_logprobs.push(top);
    out.text_offset.push(at);
    at += spelled.length;
  };
  if (first !== undefined) add(first, null, null);
  for (const { token, logp, top } of positions) {
    const listed: Record<string, number> = {};
    // From the least likely up: of two tokens that are spelled alike the likelier one stays.
    for (const one of [{ token, logp }, ...top.toReversed()]) listed[text(one.token)] = one.logp;
    add(token, logp, listed);
  }
  return out;
}

/** The lists of a prompt with those of what was written after it. */
export function joinLogprobs(before: CompletionLogprobs, after: CompletionLogprobs): CompletionLogprobs {
  return {
    tokens: [...before.tokens, ...after.tokens],
    token_logprobs: [...before.token_logprobs, ...after.token_logprobs],
    top_logprobs: [...before.top_logprobs, ...after.top_logprobs],
    text_offset: [...before.text_offset, ...after.text_offset],
  };
}

interface ChatToken {
  token: string;
  logprob: number;
  bytes: number[];
}

/** The list of `/v1/chat/completions`. */
export function chatLogprobs(
  tokenizer: Tokenizer,
  positions: readonly RankedPosition[],
): { content: (ChatToken & { top_logprobs: ChatToken[] })[]; refusal: null } {
  const spell = ({ token, logp }: { token: number; logp: number }): ChatToken => {
    const text = tokenizer.decode([token]);
    return { token: text, logprob: logp, bytes: [...Buffer.from(text, 'utf8')] };
  };
  return {
    content: positions.map((position) => ({ ...spell(position), top_logprobs: position.top.map(spell) })),
    refusal: null,
  };
}
