/**
 * Texts to token ids as transformers gives them with `truncation=True`: special tokens around as many of the text's tokens as fit.
 *
 * Own truncation, since transformers.js cuts after the special tokens were added. Only as much of a long text is encoded as can fit: a
 * prefix that ends at white space, twice as long each time it gave too few tokens. That gives the same ids as the whole text for
 * tokenizers that split at white space before anything else (WordPiece, byte-level BPE, SentencePiece with its usual pre-tokenizer).
 */

/** The part of transformers.js' tokenizers that is used. */
export interface IdEncoder {
  encode(text: string, options?: { add_special_tokens?: boolean }): number[];
}

/** Characters that are encoded at first for each token that fits. */
const charactersPerToken = 8;

export class TextTokenizer {
  readonly maxLength: number;
  private readonly encoder: IdEncoder;
  private readonly before: readonly number[];
  private readonly after: readonly number[];

  constructor(encoder: IdEncoder, maxLength: number) {
    this.encoder = encoder;
    this.maxLength = maxLength;
    const plain = encoder.encode('a', { add_special_tokens: false });
    const whole = encoder.encode('a', { add_special_tokens: true });
    const at = whole.findIndex((_, i) => plain.every((id, k) => whole[i + k] === id));
    this.before = at < 0 ? [] : whole.slice(0, at);
    this.after = at < 0 ? [] : whole.slice(at + plain.length);
  }

  /** Ids of a text, at most `maxLength`, special tokens included. */
  idsOf(text: string): number[] {
    const room = Math.max(0, this.maxLength - this.before.length - this.after.length);
    for (let characters = room * charactersPerToken; ; characters *= 2) {
      const end = cutAtSpace(text, characters);
      const ids = this.encoder.encode(text.slice(0, end), { add_special_tokens: false });
      // One more than fits shows that the last one that does is not the torn end of the prefix.
      if (end === text.length || ids.length > room)
        return [...this.before, ...ids.slice(0, room), ...this.after];
    }
  }
}

/** The last place at or before `characters` behind which white space begins, or the next one after it. */
function cutAtSpace(text: string, characters: number): number {
  if (characters >= text.length) return text.length;
  for (let at = characters; at > characters / 2; at--) if (isSpace(text.charCodeAt(at))) return at;
  for (let at = characters + 1; at < text.length; at++) if (isSpace(text.charCodeAt(at))) return at;
  return text.length;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}
