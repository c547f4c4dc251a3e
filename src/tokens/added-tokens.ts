/**
 * Finds added tokens (`<|endoftext|>`, `<think>`) in text before it is cut into words: leftmost first, longest at one place, with
 * the whitespace that `lstrip` and `rstrip` swallow. (huggingface/tokenizers, `added_vocabulary.rs`)
 */
import type { AddedToken } from './tokenizer-json.ts';

/** A stretch of text, or the id of an added token. */
export type Section = string | number;

export class AddedTokenSplitter {
  /** By first two characters (or the only one), longest first: a text full of `<` costs little. */
  private readonly byStart = new Map<string, AddedToken[]>();
  private readonly firstChars: string[];

  constructor(tokens: readonly AddedToken[]) {
    for (const token of tokens) {
      if (token.content === '') continue;
      const key = token.content.slice(0, 2);
      const list = this.byStart.get(key);
      if (list === undefined) this.byStart.set(key, [token]);
      else list.push(token);
    }
    for (const list of this.byStart.values()) list.sort((a, b) => b.content.length - a.content.length);
    this.firstChars = [...new Set([...this.byStart.keys()].map((key) => key[0]!))];
  }

  split(text: string): Section[] {
    const sections: Section[] = [];
    let from = 0;
    for (let at = this.nextStart(text, 0); at !== -1; at = this.nextStart(text, at)) {
      const token = this.tokenAt(text, at);
      if (token === undefined) {
        at++;
        continue;
      }
      let start = at;
      let end = at + token.content.length;
      if (token.lstrip) while (start > from && isSpace(text, start - 1)) start--;
      if (token.rstrip) while (end < text.length && isSpace(text, end)) end++;
      if (start > from) sections.push(text.slice(from, start));
      sections.push(token.id);
      from = end;
      at = end;
    }
    if (from < text.length) sections.push(from === 0 ? text : text.slice(from));
    return sections;
  }

  private nextStart(text: string, from: number): number {
    let first = -1;
    for (const c of this.firstChars) {
      const at = text.indexOf(c, from);
      if (at !== -1 && (first === -1 || at < first)) first = at;
    }
    return first;
  }

  private tokenAt(text: string, at: number): AddedToken | undefined {
    const pair = this.byStart
      .get(text.slice(at, at + 2))
      ?.find((token) => text.startsWith(token.content, at));
    return pair ?? this.byStart.get(text[at]!)?.find((token) => text.startsWith(token.content, at));
  }
}

function isSpace(text: string, at: number): boolean {
  return /\p{White_Space}/u.test(text[at]!);
}
