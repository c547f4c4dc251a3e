/** The token that begins a document in the training data, to begin prompts with. */
import { UserError } from '../../src/core/errors.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { ModelConfig } from '../model/config.ts';

/** `auto` is the begin token if the model has one, else nothing. */
export function prefixToken(
  choice: 'auto' | 'bos' | 'eos' | 'none',
  model: ModelConfig,
  tokenizer: Tokenizer,
): number | undefined {
  if (choice === 'none') return undefined;
  const token = choice === 'eos' ? (model.eosId ?? tokenizer.eosId) : (model.bosId ?? tokenizer.bosId);
  if (token === undefined && choice !== 'auto') {
    throw new UserError(`prompt_prefix: ${choice}, but the model names no such token`, {
      hint: 'use prompt_prefix: none',
    });
  }
  return token;
}
