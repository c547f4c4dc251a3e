/**
 * A tokenizer of single characters, as verl's test model has one: its tokenizer_config.json names code points (`char_ords`) and there is no
 * tokenizer.json. It becomes one: four special tokens and the characters in order, as BPE without merges, which every reader of
 * tokenizer.json knows. (verl, `tests/special_e2e/envs/digit_completion/tokenizer.py`)
 *
 * The ids are verl's: `S` (separator) 0, `E` (end) 1, `P` (padding) 2, `U` (unknown) 3, then the characters. What it gives up: verl's
 * `[CLS] text [SEP]` around a text that no chat template made; nothing is put around a text here.
 */
import { InputError } from '../core/errors.ts';
import type { TokenizerConfig, TokenizerJson } from './tokenizer-json.ts';

/** Spelling and role, in order of their ids. */
const specials = [
  ['S', 'sep_token'],
  ['E', 'eos_token'],
  ['P', 'pad_token'],
  ['U', 'unk_token'],
] as const;

/** More characters than Unicode has is a damaged file. */
const mostCharacters = 0x110000;

/** Whether this tokenizer_config.json describes a character tokenizer. */
export function isCharacterTokenizer(config: unknown): config is TokenizerConfig & { char_ords: unknown[] } {
  return (
    typeof config === 'object' && config !== null && Array.isArray((config as TokenizerConfig).char_ords)
  );
}

/**
 * tokenizer.json and a tokenizer_config.json that transformers reads (the class and the roles of the special tokens are named). `file` is
 * where `config` was read, for the `InputError` that a code point outside Unicode, one that is there twice, or a special token's spelling gives.
 */
export function characterTokenizer(
  config: TokenizerConfig & { char_ords: unknown[] },
  file: string,
): { json: TokenizerJson; config: TokenizerConfig } {
  const { char_ords: ords, ...others } = config;
  const fail = (i: number, problem: string): never => {
    throw new InputError(file, `char_ords[${i}] ${problem}`, {
      hint: 'char_ords lists the code points of the characters, each once',
    });
  };
  if (ords.length === 0 || ords.length > mostCharacters) fail(0, `: ${ords.length} characters`);
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, [spelling]] of specials.entries()) vocab[spelling] = id;
  for (const [i, ord] of ords.entries()) {
    if (typeof ord !== 'number' || !Number.isInteger(ord) || ord < 0 || ord > 0x10ffff)
      return fail(i, `is ${JSON.stringify(ord)}, not a code point`);
    if (ord >= 0xd800 && ord <= 0xdfff) fail(i, `is ${ord}, half of a surrogate pair`);
    const character = String.fromCodePoint(ord);
    const known = vocab[character];
    if (known !== undefined)
      fail(
        i,
        known < specials.length ? `is "${character}", a special token` : `is "${character}", named before`,
      );
    vocab[character] = i + specials.length;
  }
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    json: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specials.map(([content], id) => ({ id, content, ...flags })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: { type: 'Fuse' },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: 'U',
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: { ...vocab },
        merges: [],
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...Object.fromEntries(specials.map(([spelling, role]) => [role, spelling])),
      clean_up_tokenization_spaces: false,
      ...others,
    },
  };
}
