/** Wrappers and delimiters go, the formula stays. */
import { describe, expect, it } from 'vitest';
import { cleanTex, delimitTex } from '../../src/extract/clean-tex.ts';

describe('cleanTex', () => {
  it.each([
    ['{\\displaystyle x^{2}}', 'x^{2}', undefined],
    ['\\displaystyle=\\frac{1}{2}', '=\\frac{1}{2}', undefined],
    ['$x$', 'x', false],
    ['$$x$$', 'x', true],
    ['\\[ {\\displaystyle a} \\]', 'a', true],
    ['\\(a\\) and \\(b\\)', '\\(a\\) and \\(b\\)', undefined],
    ['$a$ and $b$', '$a$ and $b$', undefined],
    ['a % comment\n+ b', 'a + b', undefined],
    ['50\\% of x', '50\\% of x', undefined],
    ['{a}+{b}', '{a}+{b}', undefined],
    ['\\lx@stackrel{a}{b}', '\\stackrel{a}{b}', undefined],
    ['', '', undefined],
  ])('reduces %j', (source, tex, display) => {
    expect(cleanTex(source)).toEqual({ tex, display });
  });

  it('gives display environments no delimiters of their own', () => {
    expect(delimitTex('\\begin{align*}a\\end{align*}', true)).toBe('\\begin{align*}a\\end{align*}');
    expect(delimitTex('\\begin{aligned}a\\end{aligned}', true)).toBe('$$\\begin{aligned}a\\end{aligned}$$');
  });
});
