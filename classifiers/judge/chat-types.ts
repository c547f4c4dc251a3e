/** What is said to a chat endpoint and what comes back, in OpenAI's names where it goes over the wire. */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** How the model is to answer. All of it decides the answer, so all of it is part of a journal's key. */
export interface Sampling {
  /** Most tokens of one answer, those of a reasoning model's thoughts included. */
  maxTokens: number;
  temperature: number;
  topP?: number;
  seed?: number;
  /** Further fields of the request body, such as vLLM's `chat_template_kwargs`. */
  extraBody?: Readonly<Record<string, unknown>>;
}

/** Tokens as the endpoint counted them. */
export interface TokenUsage {
  prompt_tokens: number;
  completion_tokens: number;
}

/** One answer. */
export interface ChatAnswer {
  /** The answer without the thoughts of a reasoning model. */
  content: string;
  /** `stop`, `length`, `content_filter` or whatever the endpoint says. */
  finish: string;
  /** What the endpoint calls a refusal, where it tells them apart. */
  refusal?: string;
  usage: TokenUsage;
  /** The endpoint gave no usage; these are estimates. */
  estimated?: boolean;
}

/** Counts the tokens of a text, or estimates them. */
export type CountTokens = (text: string) => number;

/** The usual rule for English web text: four bytes of UTF-8 to a token. */
const bytesPerToken = 4;

export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

export const noUsage: Readonly<TokenUsage> = { prompt_tokens: 0, completion_tokens: 0 };

export function addUsage(a: Readonly<TokenUsage>, b: Readonly<TokenUsage>): TokenUsage {
  return {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
  };
}
