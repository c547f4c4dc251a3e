/**
 * What `/v1/completions` and `/v1/chat/completions` take, in OpenAI's names, with vLLM's `top_k` and `min_p` beside them. What would change
 * the answer and is not supported is refused by name, never ignored; what cannot change it (`user`, `metadata`) is let through.
 */
import { z } from 'zod';
import { mostRanked } from '../../trainer/sampler/sampler-plan.ts';
import { badRequest } from './api-error.ts';

const absent = z.null('this server does not support it: leave it out').optional();
const count = z.int().positive();
/** Of any length; what it costs is bounded by the size of the body. */
const tokens = z.array(z.int().min(0)).min(1);
const zero = z.literal(0).nullish();
const stops = z.union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).max(16)]).nullish();

const shared = {
  model: z.string().optional(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** -1 is off too, as in vLLM. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  n: count.max(128).nullish(),
  seed: z.int().nullish(),
  stop: stops,
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  presence_penalty: zero,
  frequency_penalty: zero,
  logit_bias: z.record(z.string(), z.never()).nullish(),
  user: z.string().nullish(),
  metadata: z.unknown().optional(),
  store: z.unknown().optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
};

export const completionSchema = z.strictObject({
  ...shared,
  prompt: z.union(
    [z.string(), tokens, z.array(z.string()).min(1).max(128), z.array(tokens).min(1).max(128)],
    'needed, and must be a text, a list of token ids, or a list of at most 128 of these',
  ),
  max_tokens: z.int().min(0).nullish(),
  logprobs: z.int().min(0).max(mostRanked).nullish(),
  echo: z.boolean().nullish(),
  best_of: absent,
  suffix: absent,
});
export type CompletionRequest = z.output<typeof completionSchema>;

const part = z.strictObject({ type: z.literal('text'), text: z.string() });
export const chatSchema = z.strictObject({
  ...shared,
  messages: z
    .array(
      z.object({
        role: z.string(),
        content: z.union([z.string(), z.array(part)]),
        name: z.string().optional(),
        refusal: absent,
        tool_calls: absent,
      }),
    )
    .min(1),
  max_tokens: count.nullish(),
  max_completion_tokens: count.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(mostRanked).nullish(),
  tools: z.array(z.never()).nullish(),
  response_format: z.strictObject({ type: z.literal('text') }).nullish(),
});
export type ChatRequest = z.output<typeof chatSchema>;

/** The body as a request. Throws a 400 that names the field. */
export function parseRequest<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const unknown = first?.code === 'unrecognized_keys' ? first.keys[0] : undefined;
  if (unknown !== undefined)
    throw badRequest(`this server does not know the parameter ${JSON.stringify(unknown)}`, unknown);
  const param = first?.path.length ? first.path.join('.') : null;
  throw badRequest(
    param === null ? (first?.message ?? 'not a request') : `${param}: ${first!.message}`,
    param,
  );
}
