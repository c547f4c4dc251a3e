/**
 * How often each word (a piece of the pre-tokenizer) occurs in a corpus: all that a BPE trainer needs of it. Memory is one entry per
 * distinct word, so a hundred megabytes of text become some tens.
 */

import { invariant } from '../core/errors.ts';
import { compilePreTokenizer } from './pre-tokenizer.ts';
import type { Component } from './tokenizer-json.ts';

export class WordCounts {
  readonly counts = new Map<string, number>();
  characters = 0;
  documents = 0;
  private readonly cut: (text: string) => string[];

  constructor(preTokenizer: Component) {
    const cut = compilePreTokenizer(preTokenizer);
    invariant(cut !== undefined, 'the trainer offers only pre-tokenizers that it can run');
    this.cut = cut;
  }

  add(text: string): void {
    const { counts } = this;
    this.characters += text.length;
    this.documents++;
    for (const word of this.cut(text.isWellFormed() ? text : text.toWellFormed())) {
      const n = counts.get(word);
      // A slice keeps its whole document alive, so a new key is copied.
      if (n === undefined) counts.set(` ${word}`.slice(1), 1);
      else counts.set(word, n + 1);
    }
  }
}
