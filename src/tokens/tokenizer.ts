/**
 * Text to token ids and back. Byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM) is read by our own code, eleven times the speed of the
 * native binding on one core (ecosystem.md 2); every other kind goes to `@huggingface/tokenizers` behind the same interface.
 */
import { basename, dirname } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { BpeTokenizer, whyNotNative } from './bpe-tokenizer.ts';
import { chatSpecOf } from './chat-spec.ts';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';
import type { Tokenizer } from './tokenizer-interface.ts';

export type { EncodeOptions, Tokenizer } from './tokenizer-interface.ts';

/**
 * Loads a tokenizer from a folder (with `tokenizer.json`, or GPT-2's `encoder.json` and `vocab.bpe`) or from a tokenizer.json.
 * Throws an `InputError` naming the file and what is wrong with it.
 */
export async function loadTokenizer(path: string, options: { name?: string } = {}): Promise<Tokenizer> {
  const files = await readTokenizerFiles(path);
  return tokenizerOf(files, options.name ?? nameOf(path));
}

/** The tokenizer that parsed files describe. */
export async function tokenizerOf(files: TokenizerFiles, name: string): Promise<Tokenizer> {
  const chat = chatSpecOf(files);
  const tokenizer = await bareTokenizer(files, name);
  return chat === undefined ? tokenizer : Object.assign(tokenizer, { chat });
}

async function bareTokenizer(files: TokenizerFiles, name: string): Promise<Tokenizer> {
  if (whyNotNative(files.json) === undefined) return new BpeTokenizer(files, name);
  try {
    const { FallbackTokenizer } = await import('./fallback-tokenizer.ts');
    return await FallbackTokenizer.load(files, name);
  } catch (error) {
    throw new UserError(
      `${files.path}: cannot load this tokenizer: not byte-level BPE (${whyNotNative(files.json)}), and @huggingface/tokenizers says: ${messageOf(error)}`,
      {
        hint: 'use a byte-level BPE tokenizer (Llama 3, Qwen, SmolLM, GPT-2) or train one with: midtrain tokenizer train',
        cause: error,
      },
    );
  }
}

function nameOf(path: string): string {
  return basename(path) === 'tokenizer.json' ? basename(dirname(path)) : basename(path);
}
