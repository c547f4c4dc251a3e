/** Lines, paragraphs and n-gram repetition, against the plain definitions. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countCodePoints } from '../../src/text/character-class.ts';
import {
  endsWithEllipsis,
  endsWithMark,
  splitLines,
  splitParagraphs,
  startsWithBullet,
} from '../../src/text/lines.ts';
import { countDuplicates, Ngrams } from '../../src/text/ngrams.ts';
import { simplifyText, tidyText } from '../../src/text/normalise.ts';
import { textsOf, tokenise } from '../../src/text/words.ts';

describe('lines', () => {
  it('keeps empty lines and takes \\r\\n as one end', () => {
    expect(splitLines('a\r\n\nb\n')).toEqual(['a', '', 'b', '']);
  });

  it('cuts paragraphs at two or more line ends, as a regular expression does', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', ' ') }), (text) => {
        const trimmed = text.trim();
        expect(splitParagraphs(text)).toEqual(trimmed === '' ? [] : trimmed.split(/\n{2,}/));
      }),
    );
  });

  it('sees bullets, ellipses and closing marks', () => {
    expect(['• a', '  - b', '-'].every(startsWithBullet)).toBe(true);
    expect(startsWithBullet('* c')).toBe(false);
    expect([endsWithEllipsis('so... '), endsWithEllipsis('so…'), endsWithEllipsis('so.')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([endsWithMark('Yes.'), endsWithMark('he said "no" '), endsWithMark('no')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('Ngrams', () => {
  const words = fc.array(fc.constantFrom('a', 'bb', 'ccc', 'é', '😀'), { maxLength: 40 });

  it('counts top and duplicated characters as datatrove does', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 6 }), (list, n) => {
        const tokens = tokenise(list.join(' '));
        expect(textsOf(tokens)).toEqual(list);
        const ngrams = new Ngrams(tokens);
        const counts = new Map<string, number>();
        for (let at = 0; at + n <= list.length; at++) {
          const text = list.slice(at, at + n).join(' ');
          counts.set(text, (counts.get(text) ?? 0) + 1);
        }
        let top: [string, number] = ['', 0];
        for (const entry of counts) if (entry[1] > top[1]) top = entry;
        expect(ngrams.topCharacters(n)).toBe(countCodePoints(top[0]) * top[1]);

        const seen = new Set<string>();
        let repeated = 0;
        for (let at = 0; at + n <= list.length; ) {
          const text = list.slice(at, at + n).join('|');
          if (seen.has(text)) {
            repeated += countCodePoints(list.slice(at, at + n).join(''));
            at += n;
          } else {
            seen.add(text);
            at++;
          }
        }
        expect(ngrams.duplicatedCharacters(n)).toBe(repeated);
      }),
    );
  });

  it('gives the same in any order of asking', () => {
    const tokens = tokenise('a b a b a c a b a b a c a b');
    const rising = new Ngrams(tokens);
    const values = [1, 2, 3, 4, 5, 6].map((n) => [rising.topCharacters(n), rising.duplicatedCharacters(n)]);
    const mixed = new Ngrams(tokens);
    for (const n of [6, 2, 5, 1, 4, 3]) {
      expect([mixed.topCharacters(n), mixed.duplicatedCharacters(n)]).toEqual(values[n - 1]);
    }
    expect(mixed.topCharacters(20)).toBe(0);
    expect(mixed.duplicatedCharacters(20)).toBe(0);
  });

  it('does not count the first of equal lines', () => {
    expect(countDuplicates(['ab', 'c', 'ab', 'ab'])).toEqual({ elements: 2, characters: 4 });
  });
});

describe('normalise', () => {
  const parity = path.resolve('../shared/parity/datatrove-formatters.jsonl');
  it.skipIf(!existsSync(parity))('simplifies as the cases of datatrove say', () => {
    const rows = readFileSync(parity, 'utf8')
      .split('\n')
      .filter((line) => line.includes('simplify'))
      .map((line) => JSON.parse(line) as { input: string; expected: string });
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(simplifyText(row.input)).toBe(row.expected);
  });

  it('drops case, marks, numbers and accents', () => {
    expect(simplifyText('Él  paid $1,234.50!')).toBe('el paid 0 0');
  });

  it('tidies line ends, controls and blank lines', () => {
    expect(tidyText('\n\na \r\n\r\n\r\nb\u0000\u200bc\n\n')).toBe('a\n\nbc');
  });
});
