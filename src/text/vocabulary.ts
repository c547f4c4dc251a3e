/**
 * What is known about words and pieces of text that have occurred before: how a piece without white space is cut, the number of
 * each word, its length and kind. Documents share it, since nearly every piece of a page has been seen on pages before:
 * cutting a piece costs 1,000 ns, finding it 15.
 *
 * It only grows; `currentVocabulary` starts a new one when it is full, and tokens keep the one their numbers are from. Numbers
 * depend on what was read before, so they never leave the program; everything measured with them does not.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { isPunctuationUnit } from './punctuation.ts';
import { splitChunk } from './split-chunk.ts';
import { hashUnits, UnitTable } from './unit-table.ts';

/** Kinds of words; see `Vocabulary.kinds`. */
export const wordKind = { other: 0, withLetter: 1, punctuation: 2 } as const;

/** A vocabulary beyond either is not used for the next document. With its tables it takes about 20 MB then. */
const fullAtWords = 1 << 19;
const fullAtUnits = 1 << 23;
/** Longer chunks are rare and mostly data: they are cut, but not kept. */
const longestKept = 48;

export class Vocabulary {
  readonly words = new UnitTable();
  /** By word: code points. */
  codePoints = new Int32Array(1 << 10);
  /** By word: has at least one letter, is nothing but punctuation, or neither. */
  kinds = new Uint8Array(1 << 10);
  readonly chunks = new UnitTable();
  /** Words of piece `c` are parts[partsFrom[c]] .. parts[partsFrom[c + 1] - 1]. */
  partsFrom = new Int32Array(1 << 10);
  parts = new Int32Array(1 << 11);
  /** Words of the last chunk that was too long to be kept. */
  lastParts = new Int32Array(0);
  private readonly strings: (string | undefined)[] = [];
  private readonly cuts: number[] = [];

  get full(): boolean {
    const { words, chunks } = this;
    const units = words.starts[words.size]! + chunks.starts[chunks.size]!;
    return words.size + chunks.size > fullAtWords || units > fullAtUnits;
  }

  /** The text of word `id`. */
  text(id: number): string {
    return (this.strings[id] ??= this.words.text(id));
  }

  /**
   * Cuts the chunk at start .. end - 1, which `chunks.find` did not find, and gives it a number. A chunk that is too long to be kept
   * gets -1, and its words are `lastParts` until the next.
   */
  addChunk(units: Uint16Array, start: number, end: number, hash: number): number {
    const { cuts } = this;
    cuts.length = 0;
    splitChunk(units, start, end, cuts);
    if (end - start > longestKept) {
      this.lastParts = new Int32Array(cuts.length);
      this.addWords(units, start, this.lastParts, 0);
      return -1;
    }
    const id = this.chunks.add(units, start, end, hash);
    if (id + 2 > this.partsFrom.length) this.partsFrom = doubled(this.partsFrom);
    const from = this.partsFrom[id]!;
    if (from + cuts.length > this.parts.length) this.parts = doubled(this.parts);
    this.addWords(units, start, this.parts, from);
    this.partsFrom[id + 1] = from + cuts.length;
    return id;
  }

  /** Numbers of the words between `start` and each of the cuts, to `into` from `at` on. */
  private addWords(units: Uint16Array, start: number, into: Int32Array, at: number): void {
    for (const end of this.cuts) {
      const hash = hashUnits(units, start, end);
      const known = this.words.find(units, start, end, hash);
      into[at++] = known >= 0 ? known : this.addWord(units, start, end, hash);
      start = end;
    }
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
