/** The one-pass words against the two functions they stand for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type WordSink, writeSimplifiedWords } from '../../src/dedup/simplified-words.ts';
import { simplifyText } from '../../src/text/normalise.ts';
import { wordExceptions } from '../../src/text/word-exceptions.ts';
import { splitWords } from '../../src/text/words.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';

class ListSink implements WordSink {
  bytes = new Uint8Array(16);
  at = 0;
  readonly words: string[] = [];

  room(count: number): void {
    // As small as allowed, and another array each time, so that a writer that keeps the old one is found out.
    const larger = new Uint8Array(this.at + count);
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  endWord(start: number): void {
    this.words.push(Buffer.from(this.bytes.subarray(start, this.at)).toString());
    this.at++;
    this.bytes = this.bytes.slice();
  }
}

/** The same without making it hard for the writer. */
class PlainSink extends ListSink {
  override bytes = new Uint8Array(1 << 20);

  override room(): void {}

  override endWord(start: number): void {
    this.words.push(Buffer.from(this.bytes.subarray(start, this.at)).toString());
    this.at = 0;
  }
}

function wordsOf(text: string, sink: ListSink = new ListSink()): string[] {
  writeSimplifiedWords(text, sink);
  return sink.words;
}

/** What reaches UTF-8: a surrogate alone becomes U+FFFD. */
function expected(text: string): string[] {
  return splitWords(simplifyText(text)).map((word) => word.toWellFormed());
}

describe('writeSimplifiedWords', () => {
  it.each([
    'Plain words, and some more.',
    'It cost 1,234.56 in 3.14.15 parts: 5km, 10 kg, x2y3, 0km 7m/s 3%',
    "don't dont cannot CANNOT gonna Whatve I'd id ill shell theyll",
    'naïve Café — “quotes” … ½ ²x ΟΔΟΣ ΣΑΣ. straße ŒUVRE İstanbul',
    'one\u00a0two\u3000three\u2028four\u0085five\u001csix\ufeffseven\u200beight',
    '１２３ ٣٫١٤ १.५ 5،6 １.5',
    '\ud83d\ude00 \ud800 a\udc00b a\u0301 \u0301 ,\u0301 \u212b \u037e \u1fef x\u037ey',
    'https://example.com/a_b?c=1,2#d e-mail@host.org www.x.y',
    '$x^2 + y_{10}$ \\frac{1}{2} \\alpha{}',
    '',
    ' \n\t ',
    ',.;',
  ])('gives the words of the two functions: %j', (text) => {
    expect(wordsOf(text)).toEqual(expected(text));
  });

  it('knows every contraction', () => {
    const text = [...wordExceptions.keys()].join(' ');
    expect(wordsOf(text)).toEqual(expected(text));
    expect(wordsOf(text.toUpperCase())).toEqual(expected(text.toUpperCase()));
  });

  it('gives the words of the two functions for any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ unit: fc.constantFrom(...'aZ09.,-\u2019 \n%$k\u00e9\u03a3\u0660\u060c'), maxLength: 12 }),
      fc.constantFrom(...wordExceptions.keys(), '1.5', '2,000', 'km', 'K', '’s'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom('', ' ', ','), (pieces, joiner) => {
        const text = pieces.join(joiner);
        expect(wordsOf(text)).toEqual(expected(text));
      }),
      { numRuns: 1000, seed: 3 },
    );
  });
});

describeWith('web-text', 'writeSimplifiedWords on web pages', () => {
  it('gives the words of the two functions', () => {
    const lines = readFileSync(join(sharedData, 'web-text', 'c4-demo-300.jsonl'), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { text } = JSON.parse(line) as { text: string };
      expect(wordsOf(text, new PlainSink())).toEqual(expected(text));
    }
  });
});
