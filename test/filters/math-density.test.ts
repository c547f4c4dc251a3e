/** The math score on kinds of text, and on the real pages of ../shared/data when they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mathDensity } from '../../src/filters/math-density.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { measureText } from '../../src/text/measure-text.ts';

const threshold = thresholdSets.math![0]!.bound;
const names = mathDensity.signals.map((signal) => signal.name);
function measure(text: string, math: 'masked' | 'plain' = 'masked'): Record<string, number> {
  const values = mathDensity.measure(measureText(text, { math }));
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

const lemma =
  'Let $G$ be a finite group and $H \\le G$ a subgroup. Then $|H|$ divides $|G|$. The cosets of $H$ have equal size, ' +
  'and they cover the group without overlap, so the order of the group is a multiple of the order of the subgroup.';
const plainMath =
  'The derivative of a polynomial is a polynomial of lower degree. Its coefficients follow from the exponents, and an integral ' +
  'undoes the derivative up to a constant. Every polynomial equation of odd degree with real coefficients has a real root.';
const code =
  'for (let i = 0; i < items.length; i++) { total += items[i] * 2; } The function takes a field name and a set of values, and ' +
  'returns a group of rows. Variables named in the query are replaced. See also the list of options at the end of this page.';
const shop =
  'The new vector illustration pack costs $12.50 this week and $15 after. Buy two and get $5 back. Our designers made more than ' +
  'a hundred drawings in a warm and simple style that fits every page, every shop and every letter that you want to send out.';

describe('math.score', () => {
  it('puts mathematics above the threshold, with and without formulas', () => {
    expect(measure(lemma)['math.score']).toBeGreaterThan(0.9);
    expect(measure(plainMath)['math.score']).toBeGreaterThan(threshold);
  });

  it('leaves code and prices below it', () => {
    expect(measure(code)['math.score']).toBeLessThan(threshold);
    // Nothing but symbols, at any density, is no proof.
    expect(measure('a = b + c == d - e = f += g'.repeat(40))['math.score']).toBeLessThan(threshold);
    expect(measure(shop)['math.score']).toBeLessThan(threshold / 2);
    expect(measure(shop)['math.span_count']).toBe(0);
  });

  it('is between 0 and 1 and finite for nothing, for one word and for one formula', () => {
    for (const text of ['', 'word', '$x$', '\\', '$$', '∑'.repeat(50)]) {
      const score = measure(text)['math.score']!;
      expect(score, JSON.stringify(text)).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    expect(measure('theorem')['math.score']).toBeLessThan(threshold);
  });

  it('sees the same formulas whether rules see them masked or not', () => {
    const masked = measure(lemma, 'masked');
    const plain = measure(lemma, 'plain');
    expect(masked['math.span_count']).toBe(5);
    for (const name of ['math.span_count', 'math.span_char_ratio', 'math.symbol_ratio']) {
      expect(masked[name]).toBe(plain[name]);
    }
  });
});

const web = new URL('../../../shared/data/web-text/c4-demo-300.jsonl', import.meta.url);
const problems = new URL('../../../shared/data/math-qa/math-test-without-500.jsonl', import.meta.url);
describe.skipIf(!existsSync(web) || !existsSync(problems))(
  'math.score on real text (skipped without ../shared/data)',
  () => {
    const share = (texts: readonly string[]): number =>
      texts.filter((text) => measure(text)['math.score']! >= threshold).length / texts.length;
    const lines = (url: URL): Record<string, string>[] =>
      readFileSync(url, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, string>);

    it('lets at most 1 % of C4 pass', () => {
      expect(share(lines(web).map((row) => row.text!))).toBeLessThanOrEqual(0.01);
    });

    it('lets at least 97 % of competition problems with solutions pass, which it was not made on', () => {
      const texts = lines(problems)
        .filter((_, i) => i % 5 === 0)
        .map((row) => `${row.problem} ${row.solution}`);
      expect(texts.length).toBeGreaterThan(500);
      expect(share(texts)).toBeGreaterThanOrEqual(0.97);
    });
  },
);
