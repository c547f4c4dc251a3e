/** What exact and URL dedup take for equal, and what takes no part. */
import { beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { type DocumentSigner, exactSigner, urlSigner } from '../../src/dedup/document-signature.ts';

beforeAll(() => initHash64());

/** Key and check as text. */
function keyOf(signer: DocumentSigner, input: string): string | undefined {
  const words = signer.sign(input);
  if (words === undefined) return undefined;
  const [high, low, check] = [...words].map((word) => word.toString(16).padStart(8, '0'));
  return `${high}${low} ${Number.parseInt(check!, 16)}`;
}

describe('exactSigner', () => {
  const of = (text: string) => keyOf(exactSigner(), text);

  it('is the published xxhash64 of the normalised bytes, and their number', () => {
    // XXH64 with seed 0 of "a" and of "abc" (reference values of the algorithm).
    expect(of('a')).toBe('d24ec4f1a98c6e5b 1');
    expect(of(' abc\n')).toBe('44bc2cf5ad770999 3');
  });

  it('does not see white space or composition of accents, but sees case and punctuation', () => {
    expect(of(' one\n\ttwo ')).toBe(of('one two'));
    expect(of('e\u0301')).toBe(of('\u00e9'));
    expect(of('One two')).not.toBe(of('one two'));
    expect(of('one two.')).not.toBe(of('one two'));
  });

  it('takes no blank text, and long texts after short ones', () => {
    expect(of('')).toBeUndefined();
    expect(of(' \n\u00a0')).toBeUndefined();
    const signer = exactSigner();
    const long = 'é'.repeat(5_000_000);
    expect([keyOf(signer, 'a'), keyOf(signer, long), keyOf(signer, 'a')]).toEqual([
      of('a'),
      of(long),
      of('a'),
    ]);
  });
});

describe('urlSigner', () => {
  it('compares normalised URLs and takes nothing else', () => {
    const of = (url: string) => keyOf(urlSigner(), url);
    expect(of('http://example.com/a/')).toBe(of('https://EXAMPLE.com/a?utm_source=x#top'));
    expect(of('http://example.com/a')).not.toBe(of('http://example.com/b'));
    expect(of('no url')).toBeUndefined();
    expect(urlSigner().tag).not.toBe(exactSigner().tag);
  });
});
