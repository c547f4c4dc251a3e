/** What holds for every family, and for settings that name none. */
import { describe, expect, it } from 'vitest';
import { families, familySpecNamed, familySpecs, signalSpec } from '../../src/filters/families.ts';
import { regexFamily } from '../../src/filters/regex.ts';
import { inSample } from '../../src/filters/sampler.ts';
import { resolveRules, thresholdsSchema } from '../../src/filters/thresholds.ts';
import { parseUnigramCounts } from '../../src/filters/unigram.ts';
import { fixText } from '../../src/text/fix-text.ts';
import { measureText } from '../../src/text/measure-text.ts';

describe('families', () => {
  it('have names and signals of their own', () => {
    const names = familySpecs.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const signals = familySpecs.flatMap(({ signals }) => signals.map(({ name }) => name));
    expect(new Set(signals).size).toBe(signals.length);
    for (const name of signals) expect(name).toMatch(/^[a-z0-9_]+\.[a-z0-9_]+$/);
    expect(signalSpec('gopher.word_count')?.description).toContain('words');
    expect(familySpecNamed('language')).toBeDefined();
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n\t\r\n '],
    ['a word', 'word'],
    ['half a surrogate pair', 'a \ud835 b. \udc00'],
    ['control characters', '\u0000\u0001\u007f\u0085\u2028'],
    ['a formula', '$$x^2$$'],
    ['brackets', '{[(<'.repeat(50)],
  ])('measure %s with one number per signal', (_what, text) => {
    for (const math of ['plain', 'masked'] as const) {
      const document = measureText(text, { math, url: 'not an address' });
      for (const family of families) {
        const values = family.measure(document);
        expect(values, family.name).toHaveLength(family.signals.length);
        for (const value of values) expect(Math.abs(value), family.name).not.toBe(Number.POSITIVE_INFINITY);
      }
    }
  });

  it('give the same numbers whichever of them measured before', () => {
    const text = 'One line here.\nOne line here.\n\nAnother, with $x_1$ and $x_1$ again. See [1].';
    const fresh = families.map((family) => [...family.measure(measureText(text, { math: 'masked' }))]);
    const shared = measureText(text, { math: 'masked' });
    const backwards = families.map((_, i) => [...families.at(-1 - i)!.measure(shared)]).reverse();
    expect(backwards).toEqual(fresh);
  });
});

describe('resolveRules with families that have settings', () => {
  it('knows the signals a family has under its settings, and suggests one of them', () => {
    const german = {
      name: 'language',
      source: '',
      signals: [{ ...signalSpec('language.en')!, name: 'language.de' }],
    };
    const set = thresholdsSchema.parse({ set: { 'language.de': { min: 0.5 } } });
    expect(resolveRules(set, [german], 'p.yaml')).toHaveLength(1);
    const wrong = thresholdsSchema.parse({ set: { 'language.en': { min: 0.5 } } });
    expect(() => resolveRules(wrong, [german], 'p.yaml')).toThrow(/unknown .*language.en/);
  });
});

describe('regex, unigram and sampler', () => {
  it('names a pattern that is none', () => {
    expect(() => regexFamily(['('], 'p.yaml')).toThrow(/p.yaml: "\(" is no regular expression/);
  });

  it('names the line of a table that is no word and count', () => {
    expect(parseUnigramCounts('word,count\nthe,12\n', 'u.csv')).toEqual(new Map([['the', 12]]));
    expect(() => parseUnigramCounts('the,12\nof;3', 'u.csv')).toThrow(/u.csv \(line 2\)/);
  });

  it('samples the share asked for, the same ids each time', () => {
    const ids = Array.from({ length: 4000 }, (_, i) => `doc-${i}`);
    const kept = ids.filter((id) => inSample(id, 0.25, 3));
    expect(kept.length).toBeGreaterThan(900);
    expect(kept.length).toBeLessThan(1100);
    expect(ids.filter((id) => inSample(id, 0.25, 3))).toEqual(kept);
  });
});

describe('fixText', () => {
  it.each([
    ['donâ€™t', 'don’t'],
    ['cafÃ©', 'café'],
    ['ðŸ˜€', '😀'],
    ['ï»¿start', 'start'],
    ['a\u0092b', 'a’b'],
    ['«\u00a0MAÇÃ»', '«\u00a0MAÇÃ»'],
    ['café, Ã la carte', 'café, Ã la carte'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['a \ud800 b', 'a \ufffd b'],
    ['x &lt; y &amp;&amp; z', 'x < y && z'],
    ['<b> &lt;', '<b> &lt;'],
    ['line\n\ttab', 'line\n\ttab'],
  ])('%j becomes %j', (text, fixed) => {
    expect(fixText(text)).toBe(fixed);
  });
});
