/** The tokens that end a document or an answer, by the model's config or else its tokenizer; generation cannot do without one. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { ModelConfig } from './config.ts';

/** The one that ends a document. */
export function endTokenOf(folder: string, model: ModelConfig, tokenizer: Tokenizer): number {
  const eosId = model.eosId ?? tokenizer.eosId;
  if (eosId !== undefined) return eosId;
  throw new UserError(`${folder}: neither config.json nor the tokenizer names an end-of-text token`, {
    hint: 'add eos_token_id to config.json',
  });
}

/**
 * Every token that ends an answer, as transformers and vLLM take them: the model's (first), the tokenizer's, and those that config.json and
 * generation_config.json list (instruct models name several). `more` are a chat template's own (trainer/prompts `endOfTurn`).
 */
export function endTokensOf(
  folder: string,
  model: ModelConfig,
  tokenizer: Tokenizer,
  ...more: readonly (number | undefined)[]
): number[] {
  const ids = new Set([endTokenOf(folder, model, tokenizer)]);
  if (tokenizer.eosId !== undefined) ids.add(tokenizer.eosId);
  for (const name of ['config.json', 'generation_config.json'])
    for (const id of listedIn(path.join(folder, name))) ids.add(id);
  for (const id of more) if (id !== undefined) ids.add(id);
  return [...ids].filter((id) => id < model.vocabSize);
}

function listedIn(file: string): number[] {
  if (!existsSync(file)) return [];
  let listed: unknown;
  try {
    listed = (JSON.parse(readFileSync(file, 'utf8')) as { eos_token_id?: unknown } | null)?.eos_token_id;
  } catch (cause) {
    throw new InputError(file, `not JSON: ${messageOf(cause)}`, { cause, hint: 'mend the file' });
  }
  return (Array.isArray(listed) ? listed : [listed]).filter(
    (id): id is number => Number.isInteger(id) && (id as number) >= 0,
  );
}
