/** Which URLs count as one, and which do not. */
import { describe, expect, it } from 'vitest';
import { normaliseUrl } from '../../src/dedup/normalise-url.ts';

describe('normaliseUrl', () => {
  it.each([
    ['scheme', 'http://example.com/a', 'https://example.com/a'],
    ['no scheme', 'example.com/a', 'https://example.com/a'],
    ['case of host and scheme', 'HTTPS://Example.COM/a', 'https://example.com/a'],
    ['default port', 'http://example.com:80/a', 'https://example.com:443/a'],
    ['final dot of the host', 'https://example.com./a', 'https://example.com/a'],
    ['fragment', 'https://example.com/a#top', 'https://example.com/a'],
    ['trailing slash', 'https://example.com/a/', 'https://example.com/a'],
    ['root', 'https://example.com/', 'https://example.com'],
    ['dot segments', 'https://example.com/b/../a/./', 'https://example.com/a'],
    ['escapes', 'https://example.com/%7ea%2fb', 'https://example.com/~a%2Fb'],
    ['international host', 'https://münchen.de/', 'https://xn--mnchen-3ya.de'],
    [
      'tracking',
      'https://example.com/a?utm_source=x&UTM_Medium=y&fbclid=1&id=2&gclid=3',
      'https://example.com/a?id=2',
    ],
    ['only tracking', 'https://example.com/a?utm_source=x', 'https://example.com/a'],
    ['order of parameters', 'https://example.com/a?b=1&a=2', 'https://example.com/a?a=2&b=1'],
    ['empty query', 'https://example.com/a?', 'https://example.com/a'],
    ['white space around', ' https://example.com/a\n', 'https://example.com/a'],
  ])('does not see %s', (_what, one, other) => {
    expect(normaliseUrl(one)).toBe(normaliseUrl(other));
    expect(normaliseUrl(one)).toBeDefined();
  });

  it.each([
    ['case of the path', 'https://example.com/A', 'https://example.com/a'],
    ['www', 'https://www.example.com/a', 'https://example.com/a'],
    ['another port', 'https://example.com:8080/a', 'https://example.com/a'],
    ['the query', 'https://example.com/a?id=1', 'https://example.com/a?id=2'],
    ['equal names in another order', 'https://example.com/?a=1&a=2', 'https://example.com/?a=2&a=1'],
    ['a script route', 'https://example.com/#!/a', 'https://example.com/#!/b'],
    ['an escaped slash', 'https://example.com/a%2Fb', 'https://example.com/a/b'],
    ['a parameter that only begins like a tracker', 'https://example.com/?utm=1', 'https://example.com/'],
  ])('sees %s', (_what, one, other) => {
    expect(normaliseUrl(one)).not.toBe(normaliseUrl(other));
  });

  it.each([
    '',
    'mailto:a@b.org',
    'ftp://example.com/a',
    'about:blank',
    '/a/b',
    'https://',
    'no url',
    'http://[::1',
    '42',
    'file:///etc',
  ])('refuses %j', (url) => {
    expect(normaliseUrl(url)).toBeUndefined();
  });

  it('is its own fixed point', () => {
    const normal = normaliseUrl('HTTP://User:pw@Example.com:80/a//b/?z=%7e&b&utm_id=4#x')!;
    expect(normal).toBe('User:pw@example.com/a//b?b&z=~');
    expect(normaliseUrl(`https://${normal}`)).toBe(normal);
  });
});
