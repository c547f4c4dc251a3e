/** Words as spaCy's English tokenizer cuts them, in the cases that quality rules depend on. */
import { describe, expect, it } from 'vitest';
import { isPunctuationWord, splitOnWhitespace, splitWords } from '../../src/text/words.ts';

describe('splitWords', () => {
  it.each([
    ['Hello, world!', 'Hello|,|world|!'],
    ["Don't stop; it's Mr. Smith's.", "Do|n't|stop|;|it|'s|Mr.|Smith|'s|."],
    ['e.g. the U.S. (well-known)', 'e.g.|the|U.S.|(|well|-|known|)'],
    ['costs $5.00 or 10%…', 'costs|$|5.00|or|10|%|…'],
    ['wait... what', 'wait|...|what'],
    ['see https://a.org/b?c=d, now', 'see|https://a.org/b?c=d|,|now'],
    ['me@site.org said "no"', 'me@site.org|said|"|no|"'],
    ['5km in 3-4 hours', '5|km|in|3|-|4|hours'],
    ['first.Second and a,b and x/y', 'first|.|Second|and|a|,|b|and|x|/|y'],
    ['I cannot; we won’t', 'I|can|not|;|we|wo|n’t'],
    ['# * _ {', '#|*|_|{'],
    ['naïve Ärger привет', 'naïve|Ärger|привет'],
    ['a\u00a0b\tc\nd', 'a|b|c|d'],
    ['', ''],
  ])('cuts %j', (text, words) => {
    expect(splitWords(text).join('|')).toBe(words);
  });

  it('loses no character but white space', () => {
    const text =
      "It's “odd”: (a-b)/c, x_1+x_2=3; U.S.A. 1,000.5km... https://x.y/z. \\frac{a}{b} $\\alpha$ 😀 ok?!";
    expect(splitWords(text).join('')).toBe(text.replace(/\s+/g, ''));
  });

  it('takes linear time on one long chunk', () => {
    const before = process.cpuUsage();
    expect(splitWords('a-'.repeat(200_000)).length).toBeGreaterThan(200_000);
    splitWords(')'.repeat(300_000));
    splitWords(`${'.'.repeat(300_000)}a`);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000);
  });
});

describe('splitOnWhitespace', () => {
  it('cuts as Python str.split does', () => {
    expect(splitOnWhitespace('  a\u2003b\u001cc\n\nd ')).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('isPunctuationWord', () => {
  it('is true for marks only', () => {
    expect(['...', '—', '(', '\\', '^'].every(isPunctuationWord)).toBe(true);
    expect(['a.', '$5', '§', '≤'].some(isPunctuationWord)).toBe(false);
  });
});
