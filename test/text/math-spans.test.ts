/** Formulas in text are found, prices are not, and masking leaves the prose measurable. */
import { describe, expect, it } from 'vitest';
import { maskMath } from '../../src/text/mask-math.ts';
import { countMath } from '../../src/text/math-score.ts';
import { findMathSpans } from '../../src/text/math-spans.ts';
import { measureText } from '../../src/text/measure-text.ts';

const found = (text: string): string[] => findMathSpans(text).map((span) => text.slice(span.start, span.end));

describe('findMathSpans', () => {
  it.each([
    ['let $x$ be the $k$th root of $ x = 1 $', ['$x$', '$k$', '$ x = 1 $']],
    ['\\(a\\) and \\[b\\] but not \\\\[2pt]', ['\\(a\\)', '\\[b\\]']],
    ['$$a$$ then $$b.$$', ['$$a$$', '$$b.$$']],
    ['$\\text{if $x$ is}$ good', ['$\\text{if $x$ is}$']],
    ['\\begin{align} a \\\\ b \\end{align} x', ['\\begin{align} a \\\\ b \\end{align}']],
    [
      '\\begin{cases}\\begin{cases}a\\end{cases}\\end{cases}',
      ['\\begin{cases}\\begin{cases}a\\end{cases}\\end{cases}'],
    ],
    ['\\begin{itemize} a \\end{itemize}', []],
    ['$5 and $6', []],
    ['cost $5-$6 or $100', []],
    ['$5 (or 4 US$) today', []],
    ['between $5,000 and $10,000, about 30$', []],
    ['run $HOME/$PATH', []],
    [`run ${'$'}{A}/${'$'}{B}`, []],
    ['The $n = 1$ case costs $20.', ['$n = 1$']],
    ['is $3$ or $1,000$ here', ['$3$', '$1,000$']],
    ['an escaped \\$5 and $x$', ['$x$']],
    ['one $x\n\nsecond y$', []],
    ['left open \\( x and \\(y\\)', ['\\(y\\)']],
  ])('reads %j', (text, spans) => {
    expect(found(text)).toEqual(spans);
  });

  it('takes linear time on text made of openers', () => {
    const before = process.cpuUsage();
    for (const unit of [
      '$a ',
      '${',
      '\\(',
      '\\[ ',
      '$$x',
      '\\begin{align}',
      '\\\\',
      '$a{$ ',
      '\\begin{cases}\\end{x}',
    ]) {
      findMathSpans(unit.repeat(Math.ceil(200_000 / unit.length)));
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(8000);
  });
});

describe('maskMath', () => {
  it('puts one word of five letters for a formula, the same word for the same formula', () => {
    const masked = maskMath('so $x_1+2$ and $y$ and $x_1 + 2$ hold');
    expect(masked).toMatch(/^so (m[a-z]{4}) and (?!\1)m[a-z]{4} and \1 hold$/);
  });

  it('keeps a displayed formula in its sentence and the mark that ends it', () => {
    const masked = maskMath('We have\n\n$$ x = 1, $$\n\nwhere $y$ is. Also\n\n\\[ a^2. \\]\n\nNext');
    expect(masked).toMatch(/^We have m[a-z]{4}, where m[a-z]{4} is\. Also m[a-z]{4}\.\n\nNext$/);
  });

  it('leaves text without formulas as it is', () => {
    const text = 'Between $5 and $6.\n\nNo formula.';
    expect(maskMath(text)).toBe(text);
  });

  it('makes a derivation of distinct lines distinct words', () => {
    const lines = Array.from({ length: 8 }, (_, i) => `$$ x_{${i + 1}} = x_{${i}} + 1 $$`).join('\n');
    expect(new Set(maskMath(lines).split(' ')).size).toBe(8);
  });
});

describe('measureText', () => {
  it('measures prose with formulas masked and raw text when told so', () => {
    const text = 'We know that $\\frac{a}{b}+\\sum_{i=1}^{n} x_i$ is a number.';
    const masked = measureText(text, { math: 'masked' });
    const plain = measureText(text, { math: 'plain' });
    expect(masked.wordCounts.words).toBe(7);
    expect(masked.wordCounts.withLetter).toBe(7);
    expect(plain.wordCounts.tokens).toBeGreaterThan(masked.wordCounts.tokens);
    expect(plain.measured).toBe(text);
    expect(plain.masked).toBe(masked.measured);
    expect(masked.mathSpans).toHaveLength(1);
  });

  it('handles empty text', () => {
    const empty = measureText('', { math: 'masked' });
    expect([empty.words, empty.lines, empty.paragraphs, empty.characters]).toEqual([[], [''], [], 0]);
    expect(empty.ngrams.topCharacters(2)).toBe(0);
  });
});

describe('countMath', () => {
  it('counts formulas, commands, symbols and visible characters', () => {
    const text = 'Theorem 1. If $\\alpha \\le 2$ then ∀ε: the polynomial $polynomial$ is prime.';
    const counts = countMath(text, findMathSpans(text));
    expect(counts).toMatchObject({
      spans: 2,
      displaySpans: 0,
      texCommands: 2,
      mathSymbols: 2,
      visible: text.replace(/\s/g, '').length,
    });
    expect(counts.spanCharacters).toBe('$\\alpha \\le 2$'.length + '$polynomial$'.length);
  });
});
