/** What addresses are dropped for. datatrove's cases run in datatrove-filters.test.ts. */
import { describe, expect, it } from 'vitest';
import { registeredDomain } from '../../src/filters/registered-domain.ts';
import { fails } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { urlFamily } from '../../src/filters/url.ts';
import { builtInUrlLists, parseUrlList, type UrlLists } from '../../src/filters/url-lists.ts';
import { measureText } from '../../src/text/measure-text.ts';

const lists: UrlLists = {
  domains: parseUrlList('# comment\nbad.example\nworse.good.example\nshop.co.uk\n', 'domains'),
  urls: parseUrlList('https://ok.example/page\n', 'urls'),
  hardWords: parseUrlList('Hard-Word\n', 'hardWords'),
  softWords: parseUrlList('soft\nmild\n', 'softWords'),
  subwords: parseUrlList('evil\nab\n', 'subwords'),
};
const family = urlFamily(lists);

function reason(url: string | null, from = family): string | undefined {
  const values = from.measure(measureText('text', { math: 'plain', url }));
  return thresholdSets.url!.find((rule) =>
    fails(rule, values[from.signals.findIndex((spec) => spec.name === rule.signal)]!),
  )?.reason;
}

describe('url', () => {
  it.each([
    ['https://www.bad.example/x', 'domain'],
    ['http://user:pw@WWW.Bad.Example:8080/x', 'domain'],
    ['bad.example/x', 'domain'],
    ['https://www.shop.co.uk', 'domain'],
    ['https://worse.good.example/', 'subdomain'],
    ['https://even.worse.good.example/', undefined],
    ['https://ok.example/page', 'url'],
    ['https://ok.example/page2', undefined],
    ['https://ok.example/a/HARDWORD', 'hard_blacklisted'],
    ['https://ok.example/soft-page', undefined],
    ['https://ok.example/soft-mild', 'soft_blacklisted'],
    ['https://ok.example/soft-soft', undefined],
    ['https://ok.example/d-e.v/il', 'blacklisted_subword'],
    [null, undefined],
    ['', undefined],
  ])('%s is dropped for %s', (url, expected) => {
    expect(reason(url)).toBe(expected);
  });

  it('leaves the addresses of mathematics alone with the built-in lists', () => {
    const builtIn = urlFamily(builtInUrlLists);
    for (const url of [
      'https://planetmath.org/essex',
      'https://en.wikipedia.org/wiki/Sextic_equation',
      'https://math.stackexchange.com/questions/1/adult-learners',
      'https://example.org/slot/expected-value-of-poker-hands',
    ]) {
      expect(reason(url, builtIn), url).toBeUndefined();
    }
    expect(reason('https://hot-xxx.example/', builtIn)).toBe('hard_blacklisted');
  });
});

describe('registeredDomain', () => {
  it.each([
    ['example.com', 'example.com'],
    ['a.b.example.com', 'example.com'],
    ['www.example.co.uk', 'example.co.uk'],
    ['www.example.com.au', 'example.com.au'],
    ['www.uni.ac.jp', 'uni.ac.jp'],
    ['www.co.de', 'co.de'],
    ['user.github.io', 'github.io'],
    ['192.0.2.7', '192.0.2.7'],
    ['localhost', 'localhost'],
  ])('of %s is %s', (host, domain) => {
    expect(registeredDomain(host)).toBe(domain);
  });
});
