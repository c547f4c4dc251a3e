/** The token that ends a document, by the model's config or else its tokenizer; generation cannot do without one. */
import { UserError } from '../../src/core/errors.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { ModelConfig } from './config.ts';

export function endTokenOf(folder: string, model: ModelConfig, tokenizer: Tokenizer): number {
  const eosId = model.eosId ?? tokenizer.eosId;
  if (eosId !== undefined) return eosId;
  throw new UserError(`${folder}: neither config.json nor the tokenizer names an end-of-text token`, {
    hint: 'add eos_token_id to config.json',
  });
}
