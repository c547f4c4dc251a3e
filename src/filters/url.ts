/**
 * What the address of a document says against it: a listed domain, host or address, and words of three lists in it.
 *
 * Datatrove's checks: the registered domain, the full host name and the whole address against lists; words (runs of letters and
 * digits) against a hard and a soft list; and substrings of what is left when everything but letters and digits is taken out.
 * Words are compared in lower case; datatrove compares them as written. A document without an address has NaN throughout, which
 * fails no rule.
 * Source: datatrove URLFilter 0.10; Penedo et al. 2023 (RefinedWeb), appendix G.1.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import { registeredDomain } from './registered-domain.ts';
import type { FamilySpec, SignalFamily } from './signal.ts';
import { lettersAndDigits, type UrlLists } from './url-lists.ts';

const flag = { from: 0, to: 1 };
const counts = { from: 0, to: 8 };

const urlSpec: FamilySpec = {
  name: 'url',
  source: 'RefinedWeb (arXiv 2306.01116, G.1); datatrove URLFilter',
  signals: [
    { name: 'url.domain_listed', description: '1 when its registered domain is listed', histogram: flag },
    { name: 'url.host_listed', description: '1 when its full host name is listed', histogram: flag },
    { name: 'url.url_listed', description: '1 when the whole address is listed', histogram: flag },
    {
      name: 'url.hard_words',
      description: 'different words of the hard list in the address',
      histogram: counts,
    },
    {
      name: 'url.soft_words',
      description: 'different words of the soft list in the address',
      histogram: counts,
    },
    {
      name: 'url.subwords',
      description: 'different substrings of the subword list in the address',
      histogram: counts,
    },
  ],
};

/** The family over the lists given. */
export function urlFamily(lists: UrlLists): SignalFamily {
  const subwords = new SubwordIndex(lists.subwords);
  return {
    ...urlSpec,
    measure(document: MeasuredText): Float64Array {
      const values = new Float64Array(urlSpec.signals.length);
      const { url } = document;
      if (url === null || url === '') return values.fill(Number.NaN);
      const host = hostOf(url);
      const found = new Set(url.toLowerCase().split(/[^a-z0-9]+/));
      values[0] = Number(lists.domains.has(registeredDomain(host)));
      values[1] = Number(lists.domains.has(host));
      values[2] = Number(lists.urls.has(url));
      for (const word of found) {
        if (lists.hardWords.has(word)) values[3]!++;
        if (lists.softWords.has(word)) values[4]!++;
      }
      values[5] = subwords.count(lettersAndDigits(url));
      return values;
    },
  };
}

/** Host name of an address, lowered, without user, port and final dot. Tolerates a missing scheme. */
function hostOf(url: string): string {
  const scheme = url.indexOf('://');
  const start = scheme < 0 ? (url.startsWith('//') ? 2 : 0) : scheme + 3;
  const rest = url.slice(start);
  const end = rest.search(/[/?#\\]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** Finds which of many words occur in a text, looking at each position once: words by their first letters. */
class SubwordIndex {
  private readonly byStart = new Map<string, string[]>();
  private readonly width: number;

  constructor(words: ReadonlySet<string>) {
    let width = 4;
    for (const word of words) width = Math.min(width, word.length);
    this.width = width;
    for (const word of words) {
      const start = word.slice(0, this.width);
      const list = this.byStart.get(start);
      if (list === undefined) this.byStart.set(start, [word]);
      else list.push(word);
    }
  }

  count(text: string): number {
    if (this.byStart.size === 0) return 0;
    const found = new Set<string>();
    for (let at = 0; at + this.width <= text.length; at++) {
      const list = this.byStart.get(text.slice(at, at + this.width));
      if (list === undefined) continue;
      for (const word of list) if (text.startsWith(word, at)) found.add(word);
    }
    return found.size;
  }
}
