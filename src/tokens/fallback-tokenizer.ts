/**
 * Unigram, WordPiece and sentencepiece-style BPE through `@huggingface/tokenizers`, behind our interface. Slower (for a
 * vocabulary without pre-tokenizer some 60,000 tokens/s), so long text is better tokenised with a byte-level BPE.
 */
import type { Tokenizer as Library } from '@huggingface/tokenizers';
import { UserError } from '../core/errors.ts';
import { saveTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';
import type { EncodeOptions, Tokenizer } from './tokenizer-interface.ts';
import { specialIds } from './tokenizer-json.ts';

export class FallbackTokenizer implements Tokenizer {
  readonly kind = 'huggingface';
  readonly name: string;
  readonly vocabSize: number;
  readonly fingerprint: string;
  declare readonly bosId?: number;
  declare readonly eosId?: number;
  declare readonly padId?: number;
  readonly files: TokenizerFiles;
  private readonly library: Library;
  private readonly specials: string[];

  static async load(files: TokenizerFiles, name: string): Promise<FallbackTokenizer> {
    const { Tokenizer: Constructor } = await import('@huggingface/tokenizers');
    // The library changes what it is given.
    return new FallbackTokenizer(
      files,
      name,
      new Constructor(structuredClone(files.json), structuredClone(files.config ?? {})),
    );
  }

  private constructor(files: TokenizerFiles, name: string, library: Library) {
    this.files = files;
    this.name = name;
    this.library = library;
    this.fingerprint = files.fingerprint;
    const vocab = library.get_vocab();
    let greatest = -1;
    for (const id of vocab.values()) greatest = Math.max(greatest, id);
    this.vocabSize = greatest + 1;
    this.specials = files.json.added_tokens
      .filter((t) => t.special && t.content.length > 1)
      .map((t) => t.content);
    Object.assign(this, specialIds(files.json, files.config, vocab));
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    if (text === '') return new Uint32Array(0);
    if (options.special === false) {
      const spelled = this.specials.find((token) => text.includes(token));
      if (spelled !== undefined) return this.encodeAround(text, spelled);
    }
    return this.ids(text);
  }

  decode(ids: ArrayLike<number>, options: { special?: boolean } = {}): string {
    if (ids.length === 0) return '';
    const list = Array.from(ids);
    const wrong = list.find((id) => this.library.id_to_token(id) === undefined);
    if (wrong !== undefined)
      throw new UserError(
        `token id ${wrong} is not in the vocabulary of ${this.name} (0 to ${this.vocabSize - 1})`,
      );
    return this.library.decode(list, {
      skip_special_tokens: options.special === false,
      clean_up_tokenization_spaces: false,
    });
  }

  tokenOf(id: number): string | undefined {
    return this.library.id_to_token(id);
  }

  idOf(token: string): number | undefined {
    return this.library.token_to_id(token);
  }

  saveTo(folder: string): Promise<void> {
    return saveTokenizerFiles(this.files, folder);
  }

  private ids(text: string): Uint32Array {
    return Uint32Array.from(this.library.encode(text, { add_special_tokens: false }).ids);
  }

  /**
   * The library cannot be told to read a special token's spelling as text, so the spelling is cut in two and each side encoded.
   * A tokenizer that puts a space before every text puts one at the cut.
   */
  private encodeAround(text: string, spelled: string): Uint32Array {
    const at = text.indexOf(spelled) + 1;
    const left = this.encode(text.slice(0, at), { special: false });
    const right = this.encode(text.slice(at), { special: false });
    const ids = new Uint32Array(left.length + right.length);
    ids.set(left);
    ids.set(right, left.length);
    return ids;
  }
}
