/** Tokens of texts and texts of tokens, as vLLM answers `/tokenize`, `/detokenize` and `/tokenizer_info` (lm-eval's `tokenizer_backend=remote`). */

import { checkModel } from './answer.ts';
import { badRequest } from './api-error.ts';
import type { Engine } from './engine.ts';
import { detokenizeSchema, parseRequest, tokenizeSchema } from './request-schemas.ts';

/** POST /tokenize. A text gets the model's begin token unless `add_special_tokens` is false. Throws a 400 that names the field. */
export function tokenize(engine: Engine, body: unknown): object {
  const { model, prompt, messages, add_special_tokens, return_token_strs } = parseRequest(
    tokenizeSchema,
    body,
  );
  checkModel(engine, model);
  if ((prompt === undefined) === (messages === undefined))
    throw badRequest('prompt: give either prompt or messages', 'prompt');
  const tokens = messages
    ? engine.encodeMessages(messages)
    : add_special_tokens === false
      ? [...engine.tokenizer.encode(prompt!)]
      : engine.encode(prompt!).ids;
  return {
    count: tokens.length,
    max_model_len: engine.context,
    tokens,
    token_strs: return_token_strs ? tokens.map((id) => engine.tokenizer.tokenOf(id) ?? '') : null,
  };
}

/** POST /detokenize. Throws a 400 that names the field. */
export function detokenize(engine: Engine, body: unknown): object {
  const { model, tokens } = parseRequest(detokenizeSchema, body);
  checkModel(engine, model);
  return { prompt: engine.tokenizer.decode(engine.checkIds(tokens, 'tokens')) };
}

/** GET /tokenizer_info: what tokenizer_config.json says, with the chat template wherever it was found. */
export function tokenizerInfo({ tokenizer }: Engine): object {
  const spelling = (id: number | undefined) => (id === undefined ? null : (tokenizer.tokenOf(id) ?? null));
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: spelling(tokenizer.bosId),
    eos_token: spelling(tokenizer.eosId),
    pad_token: spelling(tokenizer.padId),
    ...tokenizer.files.config,
    chat_template: tokenizer.chat?.template ?? null,
  };
}
