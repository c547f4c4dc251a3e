/**
 * Which words of a document are on a given list: the place of each word of the vocabulary in the list, found once per word and kept.
 *
 * A family then adds up counts over the different words of a document without looking at a single character. Words are compared as
 * code units, without making strings; with `anyCase` in lower case.
 */
import { hashUnits, toUnits, UnitTable } from './unit-table.ts';
import type { Vocabulary } from './vocabulary.ts';

export class WordList {
  private readonly list = new UnitTable();
  private readonly anyCase: boolean;
  private readonly longest: number;
  private readonly lower: Uint16Array;
  private vocabulary: Vocabulary | undefined;
  private found = new Uint8Array(1 << 10);
  private known = 0;

  /** At most 255 different words, none empty; with `anyCase` ASCII and in lower case. */
  constructor(words: readonly string[], options: { anyCase?: boolean } = {}) {
    for (const word of words)
      this.list.add(toUnits(word), 0, word.length, hashUnits(toUnits(word), 0, word.length));
    this.anyCase = options.anyCase === true;
    this.longest = Math.max(...words.map((word) => word.length));
    this.lower = new Uint16Array(this.longest);
  }

  /** By number in `vocabulary`: the place of the word in the list, counted from 1, or 0. Valid until the next call. */
  places(vocabulary: Vocabulary): Uint8Array {
    if (this.vocabulary !== vocabulary) {
      this.vocabulary = vocabulary;
      this.known = 0;
    }
    const { size } = vocabulary.words;
    if (this.found.length < size) {
      const more = new Uint8Array(2 * size);
      more.set(this.found);
      this.found = more;
    }
    for (; this.known < size; this.known++) this.found[this.known] = this.placeOf(vocabulary, this.known);
    return this.found;
  }

  private placeOf(vocabulary: Vocabulary, word: number): number {
    const { pool, starts } = vocabulary.words;
    const start = starts[word]!;
    const end = starts[word + 1]!;
    if (end - start > this.longest) return 0;
    if (!this.anyCase) return this.list.find(pool, start, end, hashUnits(pool, start, end)) + 1;
    const { lower } = this;
    for (let at = start; at < end; at++) {
      const unit = pool[at]!;
      // Two characters outside ASCII have ASCII in their lower case (the Kelvin sign): the engine knows.
      if (unit >= 0x80) return this.placeOfText(vocabulary.text(word).toLowerCase());
      lower[at - start] = unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
    }
    return this.list.find(lower, 0, end - start, hashUnits(lower, 0, end - start)) + 1;
  }

  private placeOfText(text: string): number {
    const units = toUnits(text);
    return this.list.find(units, 0, units.length, hashUnits(units, 0, units.length)) + 1;
  }
}
