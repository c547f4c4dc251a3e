/** What a tokenizer is to the rest of the project, whoever does the work; `loadTokenizer` (tokenizer.ts) gives one. */

import type { ChatSpec } from './chat-spec.ts';
import type { TokenizerFiles } from './tokenizer-files.ts';

export interface EncodeOptions {
  /**
   * Whether the spelling of a special token in the text becomes that token, as the Hugging Face library does (default true). Pages
   * are untrusted: with false, a page that writes `<|endoftext|>` gets its characters as plain text and cannot end a document.
   */
  special?: boolean;
}

export interface Tokenizer {
  /** Folder or Hub name, written into shard metadata. */
  readonly name: string;
  /** One more than the greatest id. */
  readonly vocabSize: number;
  /** sha256 of tokenizer.json: equal fingerprints give equal ids. */
  readonly fingerprint: string;
  readonly bosId?: number;
  readonly eosId?: number;
  readonly padId?: number;
  /** Its chat template, where it has one. */
  readonly chat?: ChatSpec;
  /** Who does the work: our BPE or the fallback library. */
  readonly kind: 'byte-level-bpe' | 'huggingface';
  /** What it was made from: plain data, so that a worker can make it again. */
  readonly files: TokenizerFiles;
  /** Ids of the text alone; no begin or end token is added. */
  encode(text: string, options?: EncodeOptions): Uint32Array;
  /** The text of the ids, special tokens spelled out unless `special` is false. */
  decode(ids: ArrayLike<number>, options?: { special?: boolean }): string;
  /** The token's spelling in the vocabulary; `undefined` for an id that is not used. */
  tokenOf(id: number): string | undefined;
  /** The id of a token by its spelling in the vocabulary. */
  idOf(token: string): number | undefined;
  /** Writes tokenizer.json and the files beside it into `folder`. */
  saveTo(folder: string): Promise<void>;
}
