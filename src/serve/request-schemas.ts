/**
 * What the endpoints take, in OpenAI's names, with vLLM's `top_k`, `min_p` and `add_special_tokens` beside them. What would change the answer and
 * is not supported is refused by name, never ignored, unless it is set to what changes nothing (`presence_penalty: 0`); what cannot change it
 * (`user`, `metadata`) is let through.
 */
import { z } from 'zod';
import { mostRanked } from '../../trainer/sampler/sampler-plan.ts';
import { badRequest } from './api-error.ts';

const unsupported = 'this server does not support it: leave it out';
const absent = z.null(unsupported).optional();
/** Supported with this value only. */
const only = <T extends string | number | boolean>(value: T) =>
  z.literal(value, `this server supports only ${JSON.stringify(value)}`).nullish();
const count = z.int().positive();
/** Of any length; what it costs is bounded by the size of the body. */
const tokens = z.array(z.int().min(0)).min(1);
const mostStops = 16;
const stopText = z.string().min(1, 'an empty text').max(256, 'more than 256 characters');
const stops = z
  .union(
    [stopText, z.array(stopText).max(mostStops)],
    `must be a text or a list of at most ${mostStops}, each of 1 to 256 characters`,
  )
  .nullish();

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
  presence_penalty: only(0),
  frequency_penalty: only(0),
  repetition_penalty: only(1),
  num_beams: only(1),
  min_tokens: only(0),
  ignore_eos: only(false),
  skip_special_tokens: only(true),
  logit_bias: z
    .record(z.string(), z.unknown())
    .refine((bias) => Object.keys(bias).length === 0, unsupported)
    .nullish(),
  response_format: z.strictObject({ type: only('text') }).nullish(),
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
    [z.string(), tokens, z.array(z.string()).min(1).max(2048), z.array(tokens).min(1).max(2048)],
    'needed, and must be a text, a list of token ids, or a list of at most 2048 of these',
  ),
  max_tokens: z.int().min(0).nullish(),
  logprobs: z.int().min(0).max(mostRanked).nullish(),
  echo: z.boolean().nullish(),
  best_of: count.max(128).nullish(),
  /** Whether a text gets the model's begin token; lists of ids never do. */
  add_special_tokens: z.boolean().nullish(),
  suffix: absent,
});
export type CompletionRequest = z.output<typeof completionSchema>;

const part = z.strictObject({ type: z.literal('text', 'this server reads only "text"'), text: z.string() });
const messages = z
  .array(
    z.object({
      role: z.string(),
      content: z.union([z.string(), z.array(part)], 'must be a text, or a list of parts of type "text"'),
      name: z.string().optional(),
      refusal: absent,
      tool_calls: absent,
    }),
  )
  .min(1);
export type RequestMessages = z.output<typeof messages>;
export const chatSchema = z.strictObject({
  ...shared,
  messages,
  max_tokens: count.nullish(),
  max_completion_tokens: count.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(mostRanked).nullish(),
  tools: z.array(z.unknown()).max(0, unsupported).nullish(),
});
export type ChatRequest = z.output<typeof chatSchema>;

/** vLLM's `/tokenize`: a text, or messages through the chat template. */
export const tokenizeSchema = z.strictObject({
  model: z.string().optional(),
  prompt: z.string().optional(),
  messages: messages.optional(),
  add_generation_prompt: only(true),
  add_special_tokens: z.boolean().nullish(),
  return_token_strs: z.boolean().nullish(),
});

/** vLLM's `/detokenize`. */
export const detokenizeSchema = z.strictObject({
  model: z.string().optional(),
  tokens: z.array(z.int().min(0)),
});

/** The body as a request. Throws a 400 that names the field. */
export function parseRequest<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const unknown = first?.code === 'unrecognized_keys' ? first.keys[0] : undefined;
  if (unknown !== undefined) {
    const at = [...first!.path, unknown].join('.');
    throw badRequest(
      `this server does not know the parameter ${JSON.stringify(at)}`,
      at,
      'unknown_parameter',
    );
  }
  const param = first?.path.length ? first.path.join('.') : null;
  throw badRequest(
    param === null ? (first?.message ?? 'not a request') : `${param}: ${first!.message}`,
    param,
  );
}
