/** Foreign text on a terminal: nothing hidden, nothing acted on, every line within its width. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cutTo,
  visibleJson,
  visibleLine,
  visibleText,
  widthOf,
  wrapText,
} from '../../src/tui/visible-text.ts';

/** What may not reach a terminal: controls but newline, format and ignorable characters, lone surrogates, separators of lines. */
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b[2J', '\u202e', '\u200b', '\x9b', '\t', '\r\n', '漢', '🙂', ' '),
    fc.string({ unit: 'binary', maxLength: 2 }),
  ),
});

describe('visible text', () => {
  test.each([
    ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['\x9b2J', '\\x9b2J'],
    ['a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['zero\u200bwidth\u200d\ufeff', 'zero\\u200bwidth\\u200d\\ufeff'],
    ['soft\u00adhyphen', 'soft\\xadhyphen'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['annotated\ufff9', 'annotated\\ufff9'],
    ['lone \ud800 surrogate', 'lone \\ud800 surrogate'],
    ['\u2028line\u2029', '\\u2028line\\u2029'],
    ['one\r\ntwo\rthree', 'one\ntwo\\x0dthree'],
    ['a\tb', 'a    b'],
    ['z\u0301\u0302\u0303\u0304\u0305', 'z\u0301\u0302\u0303\u0304\\u0305'],
  ])('writes %j as %j', (text, seen) => expect(visibleText(text)).toBe(seen));

  test('lets nothing harmful through, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(visibleText(text).replaceAll('\n', '')).not.toMatch(new RegExp(harmful.source, 'u'));
        expect(visibleLine(text)).not.toContain('\n');
        const json = visibleJson({ text });
        expect(json).not.toMatch(new RegExp(harmful.source, 'u'));
        expect((JSON.parse(json) as { text: string }).text).toBe(text);
      }),
    );
  });

  test('wraps into lines of at most the width, and loses nothing but white space', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 30 }), (text, columns) => {
        const seen = visibleText(text);
        const lines = wrapText(seen, columns);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        expect(lines.join('').replace(/\s/g, '')).toBe(seen.replace(/\s/g, ''));
        expect(widthOf(cutTo(seen.replaceAll('\n', ' '), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test('breaks at spaces, and cuts a word that is too long', () => {
    expect(wrapText('the quick brown fox\n\nunbreakableword x', 10)).toEqual([
      'the quick',
      'brown fox',
      '',
      'unbreakabl',
      'eword x',
    ]);
    expect(wrapText('漢字漢字漢字', 5)).toEqual(['漢字', '漢字', '漢字']);
    expect(wrapText(' a漢', 2)).toEqual(['', 'a', '漢']);
    expect(cutTo('a long line', 6)).toBe('a lon…');
  });
});
