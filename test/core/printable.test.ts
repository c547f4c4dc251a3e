/** Text from files must not steer a terminal. */
import { describe, expect, test } from 'vitest';
import { printable, printableLine } from '../../src/core/printable.ts';

describe('printable', () => {
  const removed: [name: string, text: string, left: string][] = [
    ['colours', 'a\x1b[31mb\x1b[0mc', 'abc'],
    ['cursor movement and erasing', 'a\x1b[2J\x1b[1;1H\x1b[3Ab', 'ab'],
    ['window titles ended by BEL', 'a\x1b]0;owned\x07b', 'ab'],
    ['links ended by ST', 'a\x1b]8;;http://x\x1b\\b', 'ab'],
    ['clipboard writes', '\x1b]52;c;ZWNobw==\x07b', 'b'],
    ['device control strings', 'a\x1bPq#0;2;0\x1b\\b', 'ab'],
    ['eight-bit forms of the same', 'a\x9b31mb\x9d0;t\x9cc', 'abc'],
    ['a title that never ends, without hiding what follows', 'a\x1b]0;rest stays', 'a0;rest stays'],
    ['an escape at the end', 'a\x1b', 'a'],
    ['two-byte escapes (reset, character set)', 'a\x1bcb\x1b(0c', 'abc'],
    ['backspaces and lone carriage returns that overwrite', 'ok\b\bno\rhidden', 'oknohidden'],
    ['bells, DEL and other C1', 'a\x07\x7f\x85b', 'ab'],
    ['bidirectional overrides', 'user\u202etxt.exe\u202c \u2066x\u2069', 'usertxt.exe x'],
  ];
  for (const [name, text, left] of removed) {
    test(`removes ${name}`, () => expect(printable(text)).toBe(left));
  }

  test('keeps newlines, tabs, and every printable character', () => {
    const text = 'a\tb\nc \u2211 \u4e2d\u6587 \u0639\u0631\u0628 \ud83d\ude00 [31m';
    expect(printable(text)).toBe(text);
  });

  test('turns CR LF into LF', () => expect(printable('a\r\nb')).toBe('a\nb'));

  test('takes time in proportion to the text, also for sequences that never end', () => {
    const time = (text: string): number => {
      const started = performance.now();
      printable(text);
      return performance.now() - started;
    };
    for (const piece of ['\x1b]', '\x9d', '\x1bP', '\x1b[', '\x1b]0;aaaa']) {
      time(piece.repeat(1000));
      // Quadratic work on 400,000 starts would take minutes.
      expect(time(piece.repeat(400_000))).toBeLessThan(2000);
    }
  });
});

test('printableLine makes one line of several', () => {
  expect(printableLine('  a\r\nb\tc\u2028d \x1b[2Je\u0085f ')).toBe('a b c d e f');
});
