/** Addresses found and replaced. datatrove's cases run in datatrove-formatters.test.ts. */
import { describe, expect, it } from 'vitest';
import { maskPii } from '../../src/filters/mask-pii.ts';
import { pii } from '../../src/filters/pii.ts';
import { measureText } from '../../src/text/measure-text.ts';

/** datatrove's expressions; `\b` in Python knows Unicode letters. */
const word = String.raw`(?:(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_])|(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_]))`;
const octet = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)';
const email = new RegExp(
  `${word}[A-Za-z0-9!#$%&'*+/=?^_\`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_\`{|}~-]+)*@(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)+` +
    `[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?|\\[(?:${octet}\\.){3}(?:${octet}|[A-Za-z0-9-]*[A-Za-z0-9]:)\\])`,
  'gu',
);

describe('maskPii', () => {
  it('puts examples in turn and counts what it replaced', () => {
    const result = maskPii('a@b.de, c@d.fr, e@f.it at 8.8.8.8 and 1.1.1.1, not 10.0.0.1');
    expect(result).toEqual({
      text: 'email@example.com, firstname.lastname@example.org, email@example.com at 192.0.2.1 and 198.51.100.2, not 10.0.0.1',
      emails: 3,
      addresses: 2,
    });
  });

  it('leaves its own IPv4 examples alone', () => {
    const once = maskPii('8.8.8.8 8.8.4.4').text;
    expect(maskPii(once)).toEqual({ text: once, emails: 0, addresses: 0 });
  });

  it('hands back a text without addresses', () => {
    const text = 'version 1.2.3, x@y, 5 > 3.';
    expect(maskPii(text).text).toBe(text);
  });

  it('finds what the regular expression finds, on texts made of its pieces', () => {
    const pieces = ['a', 'é', '_', '.', '@', '-', '#', ' ', '9', 'b.c', '@x.yz', '[1.2.3.4]', '1.2.3.4'];
    let state = 7;
    const next = (n: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % n;
    };
    for (let round = 0; round < 3000; round++) {
      let text = '';
      for (let i = next(14); i >= 0; i--) text += pieces[next(pieces.length)];
      expect(maskPii(text, { emails: ['<E>'], addresses: [] }).text, text).toBe(text.replace(email, '<E>'));
    }
  });

  it('takes linear time on text made to be slow', () => {
    const before = process.cpuUsage().user;
    for (const text of ['a@', '1.', 'a.', '-', 'a@b.', '1.1.1.', '@a-', '#'].map((p) => p.repeat(300_000))) {
      maskPii(text);
    }
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(6);
  });
});

describe('pii', () => {
  it('counts inside formulas as well', () => {
    const document = measureText('$a@b.de$ and 8.8.8.8', { math: 'masked' });
    expect([...pii.measure(document)]).toEqual([1, 1]);
  });
});
