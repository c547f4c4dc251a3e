/**
 * Byte-level BPE from a tokenizer.json, with the ids of the Hugging Face library.
 *
 * 1. Added tokens are found in the raw text (and, those declared so, in the normalised text).
 * 2. The rest is normalised, cut into words (`pre-tokenizer.ts`) and each word merged (`bpe-merge.ts`) over its UTF-8 bytes.
 * 3. Words repeat: a table from word to ids (`word-table.ts`) does most of the work. For the usual patterns words are found and looked up
 *    without making strings (`word-scanner.ts`).
 *
 * Gives up: dropout, word-piece prefixes, and pre-tokenizers that `pre-tokenizer.ts` does not read; `whyNotNative` says so and the
 * fallback library takes over. Post-processors are not applied: nothing is added around the text.
 */
import { UserError } from '../core/errors.ts';
import { AddedTokenSplitter } from './added-tokens.ts';
import { BpeMerger } from './bpe-merge.ts';
import { bytesOfToken, byteToChar } from './byte-alphabet.ts';
import { MergeTable } from './merge-table.ts';
import { compileNormalizer, type Normalize } from './normalizer.ts';
import { compilePreTokenizer, isByteLevel, type PreTokenize } from './pre-tokenizer.ts';
import { saveTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';
import type { EncodeOptions, Tokenizer } from './tokenizer-interface.ts';
import { type BpeModel, mergePair, specialIds, type TokenizerJson } from './tokenizer-json.ts';
import { type NextWordEnd, wordScannerOf } from './word-scanner.ts';
import { longestKnownWord, WordTable } from './word-table.ts';

/** Why a tokenizer.json needs the fallback library; `undefined` if `BpeTokenizer` reads it. */
export function whyNotNative(json: TokenizerJson): string | undefined {
  if (json.model.type !== 'BPE') return `model is ${json.model.type}`;
  const model = json.model as BpeModel;
  if (!isByteLevel(json.pre_tokenizer)) return 'pre-tokenizer does not end in ByteLevel';
  if (compilePreTokenizer(json.pre_tokenizer) === undefined)
    return 'pre-tokenizer has a part that only the library reads';
  if (compileNormalizer(json.normalizer) === undefined) return `normalizer ${json.normalizer?.type}`;
  if (json.decoder !== null && json.decoder.type !== 'ByteLevel') return `decoder ${json.decoder.type}`;
  if (model.dropout) return 'dropout';
  if (model.byte_fallback) return 'byte fallback';
  if (model.continuing_subword_prefix || model.end_of_word_suffix) return 'sub-word prefix or suffix';
  if (json.added_tokens.some((token) => token.single_word))
    return 'an added token that must be a single word';
  return undefined;
}

export class BpeTokenizer implements Tokenizer {
  readonly kind = 'byte-level-bpe';
  readonly name: string;
  readonly vocabSize: number;
  readonly fingerprint: string;
  declare readonly bosId?: number;
  declare readonly eosId?: number;
  declare readonly padId?: number;

  readonly files: TokenizerFiles;
  private readonly vocab: Map<string, number>;
  private readonly tokens: (string | undefined)[];
  /** Bytes of each id, made when first decoded; added tokens as they are spelled. */
  private readonly bytes = new Map<number, Uint8Array>();
  private readonly addedIds: Set<number>;
  private readonly specialIdSet: Set<number>;
  private readonly byteIds = new Int32Array(256).fill(-1);
  private readonly unkId: number | undefined;
  private readonly fuseUnk: boolean;
  private readonly ignoreMerges: boolean;
  private readonly normalize: Normalize | undefined;
  private readonly words: PreTokenize;
  private readonly merger: BpeMerger;
  /** Added tokens matched before and after normalisation; without special ones for untrusted text. */
  private readonly raw: { all: AddedTokenSplitter; plain: AddedTokenSplitter };
  private readonly normalized: AddedTokenSplitter | undefined;
  /** Where the next word ends, for the usual patterns. */
  private readonly nextEnd: NextWordEnd | undefined;
  private readonly known = new WordTable();
  private out = new Uint32Array(4096);
  private used = 0;
  private wordBytes = new Uint8Array(1024);
  private wordIds = new Int32Array(1024);

  constructor(files: TokenizerFiles, name: string) {
    const { json } = files;
    const model = json.model as BpeModel;
    this.files = files;
    this.name = name;
    this.fingerprint = files.fingerprint;
    this.vocab = new Map(Object.entries(model.vocab));
    this.tokens = [];
    for (const [token, id] of this.vocab) this.tokens[id] = token;
    for (const token of json.added_tokens) this.tokens[token.id] = token.content;
    this.vocabSize = this.tokens.length;
    this.addedIds = new Set(json.added_tokens.map((t) => t.id));
    this.specialIdSet = new Set(json.added_tokens.filter((t) => t.special).map((t) => t.id));
    Object.assign(this, specialIds(json, files.config, this.vocab));

    for (let b = 0; b < 256; b++) this.byteIds[b] = this.vocab.get(byteToChar[b]!) ?? -1;
    this.unkId = model.unk_token == null ? undefined : this.idOf(model.unk_token);
    this.fuseUnk = model.fuse_unk === true;
    this.ignoreMerges = model.ignore_merges === true;
    this.merger = new BpeMerger(mergeTable(model, this.vocab, files.path));
    this.words = compilePreTokenizer(json.pre_tokenizer)!;
    this.nextEnd = wordScannerOf(json.pre_tokenizer);
    this.normalize = json.normalizer === null ? undefined : compileNormalizer(json.normalizer);

    const late =
      this.normalize === undefined ? [] : json.added_tokens.filter((t) => t.normalized ?? !t.special);
    const early = json.added_tokens.filter((t) => !late.includes(t));
    this.raw = {
      all: new AddedTokenSplitter(early),
      plain: new AddedTokenSplitter(early.filter((t) => !t.special)),
    };
    if (late.length > 0) {
      this.normalized = new AddedTokenSplitter(
        late.map((t) => ({ ...t, content: this.normalize!(t.content) })),
      );
    }
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    this.used = 0;
    const splitter = options.special === false ? this.raw.plain : this.raw.all;
    for (const section of splitter.split(text.isWellFormed() ? text : text.toWellFormed())) {
      if (typeof section === 'number') this.push(section);
      else if (this.normalize === undefined) this.encodePlain(section);
      else this.encodeNormalized(this.normalize(section));
    }
    return this.out.slice(0, this.used);
  }

  decode(ids: ArrayLike<number>, options: { special?: boolean } = {}): string {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (options.special === false && this.specialIdSet.has(id)) continue;
      parts.push(this.bytesOf(id));
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  private bytesOf(id: number): Uint8Array {
    const known = this.bytes.get(id);
    if (known !== undefined) return known;
    const token = this.tokens[id];
    if (token === undefined) {
      throw new UserError(
        `token id ${id} is not in the vocabulary of ${this.name} (0 to ${this.vocabSize - 1})`,
      );
    }
    const bytes =
      (this.addedIds.has(id) ? undefined : bytesOfToken(token)) ?? new TextEncoder().encode(token);
    this.bytes.set(id, bytes);
    return bytes;
  }

  tokenOf(id: number): string | undefined {
    return this.tokens[id];
  }

  idOf(token: string): number | undefined {
    return this.files.json.added_tokens.find((t) => t.content === token)?.id ?? this.vocab.get(token);
  }

  saveTo(folder: string): Promise<void> {
    return saveTokenizerFiles(this.files, folder);
  }

  private encodeNormalized(text: string): void {
    const sections = this.normalized === undefined ? [text] : this.normalized.split(text);
    for (const section of sections) {
      if (typeof section === 'number') this.push(section);
      else this.encodePlain(section);
    }
  }

  private encodePlain(text: string): void {
    const { nextEnd } = this;
    if (nextEnd === undefined) {
      for (const word of this.words(text)) this.encodeWord(word, 0, word.length);
      return;
    }
    for (let at = 0; at < text.length; ) {
      const end = nextEnd(text, at);
      this.encodeWord(text, at, end);
      at = end;
    }
  }

  /** The word `text[from, to)`. */
  private encodeWord(text: string, from: number, to: number): void {
    const { known } = this;
    const isShort = to - from <= longestKnownWord;
    if (isShort) {
      const word = known.find(text, from, to);
      if (word >= 0) {
        const end = known.start(word + 1);
        for (let i = known.start(word); i < end; i++) this.push(known.ids[i]!);
        return;
      }
    }
    const n = this.idsOfWord(text.slice(from, to));
    for (let i = 0; i < n; i++) this.push(this.wordIds[i]!);
    if (isShort) known.add(text, from, to, this.wordIds, n);
  }

  /** Fills `wordIds`; returns how many. */
  private idsOfWord(word: string): number {
    if (this.wordBytes.length < word.length * 3) {
      this.wordBytes = new Uint8Array(word.length * 3);
      this.wordIds = new Int32Array(word.length * 3);
    }
    const { wordBytes, wordIds } = this;
    const length = new TextEncoder().encodeInto(word, wordBytes).written;
    if (this.ignoreMerges) {
      let token = '';
      for (let i = 0; i < length; i++) token += byteToChar[wordBytes[i]!]!;
      const id = this.vocab.get(token);
      if (id !== undefined) {
        wordIds[0] = id;
        return 1;
      }
    }
    let n = 0;
    for (let i = 0; i < length; i++) {
      const id = this.byteIds[wordBytes[i]!]!;
      if (id !== -1) wordIds[n++] = id;
      else {
        if (this.unkId === undefined) throw this.unknownByte(word, wordBytes[i]!);
        if (!this.fuseUnk || n === 0 || wordIds[n - 1] !== this.unkId) wordIds[n++] = this.unkId;
      }
    }
    return this.merger.merge(wordIds, n);
  }

  private unknownByte(word: string, byte: number): UserError {
    return new UserError(
      `${this.files.path}: the vocabulary has no token for byte 0x${byte.toString(16).padStart(2, '0')} of ${JSON.stringify(word.slice(0, 40))}, and no unknown token`,
      { hint: 'train the vocabulary on all 256 bytes (alphabet: bytes), or give it an unknown token' },
    );
  }

  private push(id: number): void {
    if (this.used === this.out.length) {
      const grown = new Uint32Array(this.used * 2);
      grown.set(this.out);
      this.out = grown;
    }
    this.out[this.used++] = id;
  }
}

function mergeTable(model: BpeModel, vocab: ReadonlyMap<string, number>, file: string): MergeTable {
  const table = new MergeTable(model.merges.length);
  for (let rank = 0; rank < model.merges.length; rank++) {
    const [left, right] = mergePair(model.merges[rank]!);
    const ids = [vocab.get(left), vocab.get(right), vocab.get(left + right)];
    const missing = ids.indexOf(undefined);
    if (missing !== -1) {
      throw new UserError(
        `${file}: merge ${rank} (${JSON.stringify([left, right])}) uses ${JSON.stringify([left, right, left + right][missing])}, which is not in the vocabulary`,
        {
          hint: 'vocabulary and merges belong to different tokenizers, or the file is cut off',
        },
      );
    }
    table.set(ids[0]!, ids[1]!, rank, ids[2]!);
  }
  return table;
}
