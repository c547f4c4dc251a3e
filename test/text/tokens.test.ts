/** Tokens, their counts and n-grams against the plain definitions, and that hostile text costs linear time. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterFlag, characterFlags, countCodePoints } from '../../src/text/character-class.ts';
import { UnitReader } from '../../src/text/code-units.ts';
import { measureText } from '../../src/text/measure-text.ts';
import { splitChunk } from '../../src/text/split-chunk.ts';
import { hashUnits, toUnits, UnitTable } from '../../src/text/unit-table.ts';
import { WordList } from '../../src/text/word-list.ts';
import {
  isPunctuationWord,
  splitOnWhitespace,
  splitWords,
  type Tokens,
  textsOf,
  tokenise,
} from '../../src/text/words.ts';

/** Text as pages have it: words, contractions, marks, numbers, addresses, formulas, other scripts, broken surrogates. */
const pieces = fc.oneof(
  fc.constantFrom(
    ...`the of don't can't Mr. U.S. e.g. well-known 5km $5.00 10% ... … -- (a) [1] {x} https://a.org/b?c=d. me@site.org
      "quoted" ‘so’ naïve привет 数学 😀 𝑥 \ud835 \udc00 \\frac{a}{b} $\\alpha$ a,b x/y 3-4 end.Next C++ 5pm I’ll's`.split(
      /\s+/,
    ),
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom('a', 'B', '1', '.', ',', "'", '’', '-', '$', '(', ')', '/', '…'),
    maxLength: 60,
  }),
);
const spaces = fc.constantFrom(' ', ' ', ' ', '\n', '\n\n', '\t', '\u00a0', '\u2028', '\u001c', '\r\n');
const texts = fc.array(fc.tuple(pieces, spaces), { maxLength: 60 }).map((list) => list.flat().join(''));

/** The definition: cut at white space, then each chunk alone, with no memory of others. */
function plainWords(text: string): { word: string; start: number }[] {
  const units = toUnits(text);
  const found: { word: string; start: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    if ((characterFlags[units[at]!]! & characterFlag.space) !== 0) continue;
    let end = at;
    while (end < text.length && (characterFlags[units[end]!]! & characterFlag.space) === 0) end++;
    const cuts: number[] = [];
    splitChunk(units, at, end, cuts);
    for (const cut of cuts) {
      found.push({ word: text.slice(at, cut), start: at });
      at = cut;
    }
  }
  return found;
}

describe('tokenise', () => {
  it('gives the words of every chunk, where they begin, and numbers them in order of first appearance', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const tokens = tokenise(text);
        const expected = plainWords(text);
        expect(textsOf(tokens)).toEqual(expected.map(({ word }) => word));
        expect(splitWords(text)).toEqual(expected.map(({ word }) => word));
        expect([...tokens.starts]).toEqual(expected.map(({ start }) => start));
        const numbers = new Map<string, number>();
        for (const { word } of expected) if (!numbers.has(word)) numbers.set(word, numbers.size);
        expect([...tokens.ids]).toEqual(expected.map(({ word }) => numbers.get(word)));
        expect(tokens.counts.length).toBe(numbers.size);
        for (const [word, id] of numbers) {
          expect(tokens.counts[id]).toBe(expected.filter((one) => one.word === word).length);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('loses no character but white space', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(splitWords(text).join('')).toBe(splitOnWhitespace(text).join(''));
      }),
    );
  });

  it('keeps the tokens of one text while others are read, and over a change of vocabulary', () => {
    const first = tokenise('one two three two');
    let words = 0;
    for (let i = 0; i < 3; i++) {
      const many = Array.from({ length: 100_000 }, (_, k) => letters(100_000 * i + k)).join(' ');
      words += tokenise(many).words.length;
    }
    expect(words).toBe(300_000);
    expect(tokenise('four').vocabulary).not.toBe(first.vocabulary);
    expect(textsOf(first)).toEqual(['one', 'two', 'three', 'two']);
    const list = new WordList(['two', 'four']);
    const placesIn = (tokens: Tokens): number[] =>
      [...tokens.words].map((word) => list.places(tokens.vocabulary)[word]!);
    expect(placesIn(first)).toEqual([0, 1, 0]);
    expect(placesIn(tokenise('four Two two'))).toEqual([2, 0, 1]);
    expect(placesIn(first)).toEqual([0, 1, 0]);
  });
});

describe('WordList', () => {
  it('finds words whatever their case, as toLowerCase says', () => {
    const words = ['kelvin', 'matrix', 'i'];
    const list = new WordList(words, { anyCase: true });
    const tokens = tokenise('Matrix MATRIX matrix matrixes \u212aelvin KELVIN kelvins İ I i');
    const places = list.places(tokens.vocabulary);
    const expected = textsOf(tokens).map((word) => words.indexOf(word.toLowerCase()) + 1);
    expect([...tokens.ids].map((id) => places[tokens.words[id]!])).toEqual(expected);
    expect(expected).toContain(1);
  });
});

describe('wordCounts', () => {
  it('counts as word by word', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const words = plainWords(text).map(({ word }) => word);
        const counted = words.filter((word) => /\p{L}/u.test(word) || !isPunctuationWord(word));
        const document = measureText(text, { math: 'plain' });
        expect(document.wordCounts).toEqual({
          tokens: words.length,
          words: counted.length,
          wordCharacters: counted.reduce((sum, word) => sum + countCodePoints(word), 0),
          withLetter: words.filter((word) => /\p{L}/u.test(word)).length,
        });
        expect(document.characters).toBe(Array.from(text).length);
        expect(document.filledLines).toEqual(document.lines.filter((line) => line.trim() !== ''));
      }),
    );
  });
});

describe('UnitReader', () => {
  it('gives every code unit, lone surrogates too, and a line end behind them', () => {
    const reader = new UnitReader();
    fc.assert(
      fc.property(texts, (text) => {
        const units = reader.read(text);
        expect([...units.subarray(0, text.length)]).toEqual([...toUnits(text)]);
        expect(units[text.length]).toBe(0x0a);
      }),
    );
  });
});

/** `number` in base 26. */
function letters(number: number): string {
  let word = '';
  for (let rest = number; word.length < 6; rest = Math.floor(rest / 26))
    word += String.fromCharCode(97 + (rest % 26));
  return word;
}

/**
 * Different strings of three code units with one hash. The last unit can undo any difference of the lower half of the hash, so all
 * pairs of first units after which the upper half is equal will do.
 */
function collisions(count: number, begin = hashUnits(new Uint16Array(0), 0, 0)): string[] {
  const step = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193);
  const found: string[] = [];
  const wanted = 0x1234;
  for (let first = 0x4e00; first < 0x9f00; first++) {
    const after = step(begin, first);
    for (let second = 0x4e00; second < 0x9f00; second++) {
      const hash = step(after, second);
      if (hash >>> 16 !== wanted) continue;
      const third = (hash ^ 0x5678) & 0xffff;
      if (third < 0x4e00 || third > 0x9f00) continue;
      found.push(String.fromCharCode(first, second, third));
      if (found.length === count) return found;
    }
  }
  return found;
}

describe('UnitTable', () => {
  it('numbers strings as a Map does, also when all hashes are equal', () => {
    const alike = collisions(400);
    const hashOf = (text: string): number => hashUnits(toUnits(text), 0, text.length);
    expect(new Set(alike.map(hashOf)).size).toBe(1);
    expect(new Set(alike).size).toBe(400);
    const table = new UnitTable();
    const known = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const text = i % 3 === 0 ? alike[(i * 31) % 400]! : String((i * 7919) % 5000);
      const units = toUnits(text);
      const found = table.find(units, 0, text.length, hashOf(text));
      expect(found).toBe(known.get(text) ?? -1);
      if (found < 0) {
        known.set(text, known.size);
        expect(table.add(units, 0, text.length, hashOf(text))).toBe(known.size - 1);
      }
    }
    for (const [text, id] of known) expect(table.text(id)).toBe(text);
  });
});

describe('hostile text', () => {
  const seconds = (work: () => void): number => {
    const before = process.cpuUsage();
    work();
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1e6;
  };
  const measure = (text: string): void => {
    const document = measureText(text, { math: 'masked' });
    void [document.wordCounts, document.filledLines, document.paragraphs, document.characters];
    for (const n of [2, 3, 4]) document.ngrams.topCharacters(n);
    for (const n of [5, 6, 7, 8, 9, 10]) document.ngrams.duplicatedCharacters(n);
  };
  it.each([
    ['a letter', 'a'.repeat(1_000_000)],
    ['dollar signs', '$'.repeat(1_000_000)],
    ['line ends', '\n'.repeat(1_000_000)],
    ['one word', 'a '.repeat(500_000)],
    ['two words', 'a b '.repeat(250_000)],
    ['different words', Array.from({ length: 100_000 }, (_, i) => `w${i.toString(36)}`).join(' ')],
    ['hyphens', 'a-'.repeat(500_000)],
    ['brackets', ')'.repeat(1_000_000)],
    ['backslashes', '\\'.repeat(1_000_000)],
    ['openers', '\\(\\['.repeat(250_000)],
  ])('of one MB of %s is measured in linear time', (_, text) => {
    // Half a second and less on a quiet machine; a quadratic pass would take hours.
    expect(seconds(() => measure(text))).toBeLessThan(8);
  });

  it('whose chunks all have one hash is measured in linear time', () => {
    const firsts = collisions(150);
    const lasts = collisions(150, hashUnits(toUnits(firsts[0]!), 0, 3));
    const words = firsts.flatMap((first) => lasts.map((second) => first + second));
    expect(new Set(words.map((word) => hashUnits(toUnits(word), 0, 6))).size).toBe(1);
    expect(splitWords([...words, ...words].join(' '))).toEqual([...words, ...words]);
    expect(seconds(() => measure(words.join(' ')))).toBeLessThan(8);
  });
});
