/** The loop detector agrees with the regular expression it replaces, and does not backtrack. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { findRepetition, hasRepetition } from '../../src/text/repetition.ts';

describe('findRepetition', () => {
  it('agrees with (.{5,}?)\\1{4,} on random short text', () => {
    const random = new Random(3);
    const below = (n: number): number => random.int(n);
    let positives = 0;
    for (let round = 0; round < 3000; round++) {
      let text = '';
      if (below(2) === 0) {
        const unit = Array.from({ length: 3 + below(7) }, () => 'abc'[below(1 + below(3))]).join('');
        text = `${'xyz'.slice(below(3))}${unit.repeat(3 + below(4))}${below(4) === 0 ? '\n' : ''}q`;
      } else
        for (let length = 20 + below(60); length > 0; length--)
          text += below(10) === 0 ? '\n' : 'ab'[below(2)];
      const expected = /(.{5,}?)\1{4,}/.test(text);
      if (expected) positives++;
      expect(hasRepetition(text), JSON.stringify(text)).toBe(expected);
    }
    expect(positives).toBeGreaterThan(300);
  });

  it('says what repeats, how often and where', () => {
    expect(findRepetition('so 1 + 1 = 2, 1 + 1 = 2, 1 + 1 = 2, 1 + 1 = 2, 1 + 1 = 2, end')).toMatchObject({
      unit: ' 1 + 1 = 2,',
      count: 5,
      start: 2,
    });
  });

  it('finds long units', () => {
    const random = new Random(5);
    const unit = Array.from({ length: 700 }, () => String.fromCharCode(97 + random.int(26))).join('');
    expect(findRepetition(`a${unit.repeat(5)}b`)?.count).toBe(5);
    expect(findRepetition(`a${unit.repeat(4)}b`)).toBeUndefined();
  });

  it('takes bounded time on 100,000 characters, whatever they are', () => {
    const before = process.cpuUsage();
    let seed = 1;
    const letters = (count: number): string => {
      let text = '';
      for (let i = 0; i < 100_000; i++) {
        seed = (seed * 48271) % 2147483647;
        text += String.fromCharCode(97 + (seed % count));
      }
      return text;
    };
    hasRepetition('a'.repeat(100_000));
    hasRepetition(letters(2));
    hasRepetition(letters(26));
    // Almost repetitions: four times each unit, many lengths.
    const random = letters(26);
    let almost = '';
    for (let length = 5; almost.length < 100_000; length++)
      almost += `${random.slice(7 * length, 8 * length).repeat(4)}#`;
    hasRepetition(almost);
    // Fibonacci word: long runs at many periods.
    let [a, b] = ['a', 'ab'];
    while (b.length < 100_000) [a, b] = [b, b + a];
    hasRepetition(b);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(8000);
  });
});
