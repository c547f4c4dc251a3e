/**
 * Trains a byte-level BPE vocabulary and writes it as a tokenizer.json that transformers and `@huggingface/tokenizers` read.
 *
 * 1. Count words (`word-counts.ts`); spell each as byte tokens.
 * 2. Merge the most frequent neighbouring pair until the vocabulary is full or no pair reaches `minFrequency` (`bpe-merges.ts`).
 *
 * Ids: special tokens in the order given, then bytes by their GPT-2 character, then merges as they are made. Ties go to the pair with
 * the smaller ids. This is the order of the trainer in huggingface/tokenizers (`models/bpe/trainer.rs`), so equal texts give equal
 * files; nothing depends on the order of the texts. Method: Sennrich et al. 2016; bytes: Radford et al. 2019.
 */
import { UserError } from '../core/errors.ts';
import { learnMerges } from './bpe-merges.ts';
import { byteToChar, sortedAlphabet } from './byte-alphabet.ts';
import { gpt2Pattern, llama3Pattern, qwen2Pattern } from './pre-tokenizer.ts';
import { type TokenizerFiles, tokenizerFilesOf } from './tokenizer-files.ts';
import type { Component, TokenizerJson } from './tokenizer-json.ts';
import { WordCounts } from './word-counts.ts';

export const preTokenizerNames = ['gpt2', 'llama3', 'qwen2', 'digits'] as const;
export type PreTokenizerName = (typeof preTokenizerNames)[number];

export interface TrainBpeOptions {
  /** Ids in all: special tokens, bytes, merges. Left out: no merges, so one token per byte. */
  vocabSize?: number;
  /** A pair that occurs less often is never merged. Default 2. */
  minFrequency?: number;
  /** Default `<|endoftext|>`, which also becomes the end-of-text token. */
  specialTokens?: readonly string[];
  /**
   * How words are cut: as GPT-2; as Llama 3 (digits in threes); as Qwen 2 (digits alone); or GPT-2's with digits alone, as SmolLM.
   * Arithmetic is learnt better with digits alone. Default `digits`.
   */
  preTokenizer?: PreTokenizerName;
  /**
   * `bytes` (default): all 256, so that any text can be encoded and decoded without loss. `seen`: only the bytes that occur, for tiny
   * vocabularies; a byte that did not occur becomes `<unk>` (id 0) and cannot be decoded back.
   */
  alphabet?: 'bytes' | 'seen';
  signal?: AbortSignal;
}

export const unknownToken = '<unk>';
export const defaultEndToken = '<|endoftext|>';

const gpt2Component: Component = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};
const bytesOnly: Component = { ...gpt2Component, use_regex: false };
const bySplit = (pattern: string): Component => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
    bytesOnly,
  ],
});

const preTokenizers: Record<PreTokenizerName, Component> = {
  gpt2: gpt2Component,
  llama3: bySplit(llama3Pattern),
  qwen2: bySplit(qwen2Pattern),
  // Written as one pattern and not as Digits + ByteLevel: then a word keeps its space ("a 12 b" -> "a", " ", "1", "2", " b").
  digits: bySplit(gpt2Pattern.replace(' ?\\p{N}+', '\\p{N}')),
};

export interface TrainedBpe {
  files: TokenizerFiles;
  vocabSize: number;
  merges: number;
  documents: number;
  characters: number;
  /** True if pairs ran out before the vocabulary was full. */
  ranOut: boolean;
}

/** Trains on `texts`. Throws a `UserError` if `vocabSize` is too small for special tokens and bytes, or if there is no text. */
export async function trainBpe(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainBpeOptions = {},
): Promise<TrainedBpe> {
  const preTokenizer = preTokenizers[options.preTokenizer ?? 'digits'];
  const words = new WordCounts(preTokenizer);
  for await (const text of texts) {
    options.signal?.throwIfAborted();
    words.add(text);
  }
  if (words.counts.size === 0)
    throw new UserError('there is no text to train a vocabulary on', {
      hint: 'check the input files and the name of their text column',
    });

  const restricted = options.alphabet === 'seen';
  const specials = specialTokens(options.specialTokens ?? [defaultEndToken], restricted);
  const alphabet = restricted ? seenAlphabet(words.counts.keys()) : sortedAlphabet;
  const least = specials.length + alphabet.length;
  const vocabSize = options.vocabSize ?? least;
  if (!Number.isInteger(vocabSize) || vocabSize < least) {
    throw new UserError(
      `vocabulary size ${vocabSize} is too small: ${specials.length} special tokens and ${alphabet.length} bytes need ${least}`,
      {
        hint: restricted
          ? `ask for ${least} or more`
          : `ask for ${least} or more, or take only the bytes that occur (alphabet: seen)`,
      },
    );
  }

  const vocab = new Map<string, number>();
  for (const token of [...specials, ...alphabet]) vocab.set(token, vocab.size);
  const merges = learnMerges(words.counts, vocab, {
    vocabSize,
    minFrequency: options.minFrequency ?? 2,
    ...(options.signal && { signal: options.signal }),
  });
  const json = tokenizerJson(vocab, merges, specials, preTokenizer, restricted);
  return {
    files: tokenizerFilesOf(json, tokenizerConfig(specials), 'trained tokenizer'),
    vocabSize: vocab.size,
    merges: merges.length,
    documents: words.documents,
    characters: words.characters,
    ranOut: vocab.size < vocabSize,
  };
}

function specialTokens(asked: readonly string[], restricted: boolean): string[] {
  const tokens = restricted && !asked.includes(unknownToken) ? [unknownToken, ...asked] : [...asked];
  const twice = tokens.find((token, i) => tokens.indexOf(token) !== i);
  if (twice !== undefined) throw new UserError(`special token ${JSON.stringify(twice)} is given twice`);
  // One character could be mistaken for a byte of the alphabet.
  const short = tokens.find((token) => token.length < 2);
  if (short !== undefined)
    throw new UserError(`special token ${JSON.stringify(short)} is too short`, {
      hint: 'use at least two characters, such as <s>',
    });
  return tokens;
}

function seenAlphabet(words: Iterable<string>): string[] {
  const seen = new Set<number>();
  const encoder = new TextEncoder();
  for (const word of words) for (const byte of encoder.encode(word)) seen.add(byte);
  return [...seen].map((byte) => byteToChar[byte]!).sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
}

function tokenizerJson(
  vocab: ReadonlyMap<string, number>,
  merges: [string, string][],
  specials: readonly string[],
  preTokenizer: Component,
  restricted: boolean,
): TokenizerJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: restricted ? unknownToken : null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab),
      merges,
    },
  };
}

function tokenizerConfig(specials: readonly string[]): Record<string, unknown> {
  const end =
    [defaultEndToken, '</s>', '<eos>'].find((token) => specials.includes(token)) ??
    specials.find((token) => token !== unknownToken);
  const named = (names: string[]) => names.find((token) => specials.includes(token)) ?? null;
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: named(['<s>', '<bos>', '<|begin_of_text|>']),
    eos_token: end ?? null,
    pad_token: named(['<pad>', '<|pad|>']),
    unk_token: named([unknownToken]),
    clean_up_tokenization_spaces: false,
    // transformers' own "no limit" is a number that JSON readers round; this one is exact.
    model_max_length: 1_000_000,
  };
}
