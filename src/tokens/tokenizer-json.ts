/**
 * The parts of Hugging Face's `tokenizer.json` and `tokenizer_config.json` that we read and write, and a check that a parsed file
 * has them. Everything else in a foreign file is kept as it is when saved. (huggingface/tokenizers, `Tokenizer.save`)
 */
import { InputError } from '../core/errors.ts';

export interface AddedToken {
  id: number;
  content: string;
  single_word?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  normalized?: boolean;
  special?: boolean;
}

/** A normalizer, pre-tokenizer, post-processor or decoder: `type` and settings of its own. */
export type Component = { type: string } & Record<string, unknown>;

export interface BpeModel {
  type: 'BPE';
  vocab: Record<string, number>;
  /** `"a b"` in older files, `["a", "b"]` in newer ones. */
  merges: (string | [string, string])[];
  unk_token?: string | null;
  fuse_unk?: boolean;
  byte_fallback?: boolean;
  ignore_merges?: boolean;
  dropout?: number | null;
  continuing_subword_prefix?: string | null;
  end_of_word_suffix?: string | null;
}

export interface TokenizerJson {
  version?: string;
  truncation?: unknown;
  padding?: unknown;
  added_tokens: AddedToken[];
  normalizer: Component | null;
  pre_tokenizer: Component | null;
  post_processor: Component | null;
  decoder: Component | null;
  model: BpeModel | ({ type: string } & Record<string, unknown>);
}

/** `tokenizer_config.json`, of which only the names of the special tokens matter here. */
export type TokenizerConfig = Record<string, unknown>;

/** Checks the frame of a parsed `tokenizer.json`; throws an `InputError` that names what is missing. */
export function checkTokenizerJson(value: unknown, file: string): TokenizerJson {
  const fail = (problem: string): never => {
    throw new InputError(file, problem, {
      hint: 'give a tokenizer.json of the Hugging Face tokenizers library, or a folder that holds one',
    });
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('is not a JSON object');
  const json = value as Partial<TokenizerJson>;
  if (typeof json.model !== 'object' || json.model === null) return fail('has no "model"');
  const model = json.model as Record<string, unknown>;
  // Files from before the `type` field was written are told apart by their content, as the library itself does.
  if (model.type === undefined && Array.isArray(model.merges)) model.type = 'BPE';
  if (typeof model.type !== 'string') return fail('"model" has no "type"');
  if (
    model.type === 'BPE' &&
    (typeof model.vocab !== 'object' || model.vocab === null || !Array.isArray(model.merges))
  ) {
    return fail('"model" of type BPE needs "vocab" and "merges"');
  }
  return {
    ...json,
    added_tokens: json.added_tokens ?? [],
    normalizer: json.normalizer ?? null,
    pre_tokenizer: json.pre_tokenizer ?? null,
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
    model: json.model,
  };
}

/** The two halves of a merge, whichever way the file writes them. */
export function mergePair(merge: string | [string, string]): [string, string] {
  if (typeof merge !== 'string') return merge;
  const space = merge.indexOf(' ');
  return [merge.slice(0, space), merge.slice(space + 1)];
}

export interface SpecialIds {
  bosId?: number;
  eosId?: number;
  padId?: number;
}

/** Names tried, in order, where no tokenizer_config.json says which token is which. */
const usualNames = {
  bos: ['<s>', '<|begin_of_text|>', '<bos>', '<|startoftext|>'],
  eos: ['</s>', '<|end_of_text|>', '<|endoftext|>', '<eos>'],
  pad: ['<pad>', '<|pad|>', '[PAD]', '<|finetune_right_pad_id|>'],
} as const;

/** Ids of the begin, end and padding tokens: as the config names them, else by their usual names among the added tokens. */
export function specialIds(
  json: TokenizerJson,
  config: TokenizerConfig | undefined,
  vocab: ReadonlyMap<string, number>,
): SpecialIds {
  const added = new Map(json.added_tokens.map((t) => [t.content, t.id]));
  const find = (kind: 'bos' | 'eos' | 'pad'): number | undefined => {
    const named = config?.[`${kind}_token`];
    const content =
      typeof named === 'string' ? named : (named as { content?: unknown } | undefined | null)?.content;
    if (typeof content === 'string') return added.get(content) ?? vocab.get(content);
    // A config that is there and names no such token means the model has none.
    if (config !== undefined && `${kind}_token` in config) return undefined;
    for (const name of usualNames[kind]) {
      const id = added.get(name) ?? vocab.get(name);
      if (id !== undefined) return id;
    }
    return undefined;
  };
  const ids: SpecialIds = {};
  for (const kind of ['bos', 'eos', 'pad'] as const) {
    const id = find(kind);
    if (id !== undefined) ids[`${kind}Id`] = id;
  }
  return ids;
}
