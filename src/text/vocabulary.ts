/**
 * What is known about words and pieces of text that have occurred before: how a piece without white space is cut, the number of
 * each word, its length and kind. Documents share it, since most pieces of a page have been seen on pages before, and finding one
 * costs a fraction of cutting it (tokens of text read before: 28 ns a byte; of text that is new in one piece of eight: 55).
 *
 * It only grows; `currentVocabulary` starts a new one when it is full, and tokens keep the one their numbers are from. Numbers
 * depend on what was read before, so they never leave the program; everything measured with them does not.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { ChunkTable, longestKept } from './chunk-table.ts';
import { isPunctuationUnit } from './punctuation.ts';
import { splitChunk } from './split-chunk.ts';
import { hashUnits, UnitTable } from './unit-table.ts';

/** Kinds of words; see `Vocabulary.kinds`. */
export const wordKind = { other: 0, withLetter: 1, punctuation: 2 } as const;

/** A vocabulary beyond either is not used for the next document. With its tables it takes about 40 MB then. */
const fullAtEntries = 1 << 19;
const fullAtUnits = 1 << 23;

export class Vocabulary {
  readonly words = new UnitTable();
  /** By word: code points. */
  codePoints = new Int32Array(1 << 10);
  /** By word: has at least one letter, is nothing but punctuation, or neither. */
  kinds = new Uint8Array(1 << 10);
  readonly chunks = new ChunkTable();
  /** Words of the last chunk that was cut, `lastCount` of them. */
  lastWords = new Int32Array(64);
  lastCount = 0;
  private readonly strings: (string | undefined)[] = [];
  private readonly cuts: number[] = [];

  get full(): boolean {
    const { words, chunks } = this;
    return words.size + chunks.size > fullAtEntries || words.starts[words.size]! + chunks.used > fullAtUnits;
  }

  /** The text of word `id`. */
  text(id: number): string {
    return (this.strings[id] ??= this.words.text(id));
  }

  /**
   * Cuts the chunk at start .. end - 1, which `chunks.find` did not find, and keeps what it gives. Answers the place of its record; -1
   * when it is too long to be kept: its words are then only `lastWords`.
   */
  addChunk(units: Uint16Array, start: number, end: number, hash: number): number {
    const { cuts } = this;
    cuts.length = 0;
    splitChunk(units, start, end, cuts);
    if (cuts.length > this.lastWords.length) this.lastWords = new Int32Array(2 * cuts.length);
    this.lastCount = cuts.length;
    let from = start;
    for (let i = 0; i < cuts.length; i++) {
      const to = cuts[i]!;
      const wordHash = cuts.length === 1 ? hash : hashUnits(units, from, to);
      const known = this.words.find(units, from, to, wordHash);
      this.lastWords[i] = known >= 0 ? known : this.addWord(units, from, to, wordHash);
      from = to;
    }
    return end - start > longestKept ? -1 : this.chunks.add(units, start, end, hash, cuts, this.lastWords);
  }

  private addWord(units: Uint16Array, start: number, end: number, hash: number): number {
    const id = this.words.add(units, start, end, hash);
    if (id >= this.kinds.length) {
      this.kinds = doubled(this.kinds);
      this.codePoints = doubled(this.codePoints);
    }
    let pairs = 0;
    let letters = false;
    let marks = true;
    for (let at = start; at < end; at++) {
      const unit = units[at]!;
      const flags = characterFlags[unit]!;
      if ((flags & characterFlag.letter) !== 0) letters = true;
      if (!isPunctuationUnit(unit)) marks = false;
      if ((flags & characterFlag.surrogate) !== 0 && at + 1 < end && isPair(unit, units[at + 1]!)) {
        pairs++;
        if (astralLetter.test(String.fromCharCode(unit, units[at + 1]!))) letters = true;
      }
    }
    this.codePoints[id] = end - start - pairs;
    this.kinds[id] = letters ? wordKind.withLetter : marks ? wordKind.punctuation : wordKind.other;
    return id;
  }
}

const astralLetter = /^\p{L}/u;

function isPair(high: number, low: number): boolean {
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}

let current = new Vocabulary();

/** The vocabulary for the next document. */
export function currentVocabulary(): Vocabulary {
  if (current.full) current = new Vocabulary();
  return current;
}

function doubled<T extends Uint8Array | Int32Array>(array: T): T {
  const more = new (array.constructor as new (length: number) => T)(2 * array.length);
  more.set(array);
  return more;
}
