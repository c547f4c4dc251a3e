/** Pages made to hang, overflow or exhaust an extractor end within seconds, with text or with a clear error. */
import { describe, expect, it } from 'vitest';
import { htmlToText } from '../../src/extract/html-to-text.ts';

const n = 20_000;
const pages: [name: string, html: () => string][] = [
  ['20,000 nested divs', () => `${'<div>'.repeat(n)}deep${'</div>'.repeat(n)}`],
  ['20,000 unclosed inline tags', () => `${'<b><i>'.repeat(n / 2)}deep`],
  ['20,000 nested lists', () => `${'<ul><li>a'.repeat(n / 2)}`],
  [
    '20,000 attributes on one tag',
    () => `<div ${Array.from({ length: n }, (_, i) => `a${i}=1`).join(' ')}>x</div>`,
  ],
  ['20,000 unclosed comments', () => `${'<!-- '.repeat(n)}text`],
  ['20,000 unclosed scripts', () => `${'<script>'.repeat(n)}text`],
  ['20,000 unclosed svg', () => `${'<svg>'.repeat(n)}text`],
  ['200,000 open brackets', () => '<'.repeat(10 * n)],
  ['200,000 ampersands', () => `<p>${'&'.repeat(10 * n)}</p>`],
  ['a tag that never ends', () => `<p>text</p><div class="${'x'.repeat(10 * n)}`],
  ['20,000 dollars', () => `<p>${'$'.repeat(n)}</p>`],
  ['20,000 half formulas', () => `<p>${'$a {$ '.repeat(n / 4)}</p>`],
  ['20,000 openers of displays', () => `<p>${'\\[ \\( $$ \\begin{align} '.repeat(n / 10)}</p>`],
  [
    '200,000 spaces in pre',
    () => `<pre>${`${' '.repeat(1000)}x\n`.repeat(1000)}${' '.repeat(10 * n)}y</pre>`,
  ],
  [
    'nested MathML',
    () => `<p><math>${'<mrow>'.repeat(20_000)}<mi>x</mi>${'</mrow>'.repeat(20_000)}</math></p>`,
  ],
  [
    'a formula of 1,200 nested groups in an alt text',
    () => `<p><math alttext="${'{\\displaystyle '.repeat(1200)}x${'}'.repeat(1200)}"><mi>x</mi></math></p>`,
  ],
  ['nested KaTeX', () => `${'<span class="katex"><span class="katex-display">'.repeat(5000)}x`],
  ['2,000 tables in tables', () => `${'<table><tr><td>a'.repeat(2000)}`],
  ['6,000 flat paragraphs of links', () => '<p><a href="/x">link</a> text, more text</p>'.repeat(6000)],
  ['300,000 character references', () => `<p>${'&amp;'.repeat(300_000)}</p>`],
  ['100,000 nested divs', () => `${'<div>'.repeat(100_000)}deep${'</div>'.repeat(100_000)}`],
  ['an attribute of 10 MB', () => `<div class="${'x '.repeat(5_000_000)}">text</div>`],
  ['a million elements', () => '<b>x</b>'.repeat(1_000_000)],
  [
    'entities that expand entities',
    () => `<!DOCTYPE l [<!ENTITY a "&b;&b;"><!ENTITY b "x">]>${'&a;'.repeat(200_000)}`,
  ],
  [
    '20,000 articles of one class',
    () => '<article class="post-content"><h2>t</h2><p>text, and more text.</p></article>'.repeat(20_000),
  ],
  [
    '20,000 bare formulas in one paragraph',
    () => `<p>${'<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math> '.repeat(20_000)}</p>`,
  ],
  [
    '5,000 different bare formulas',
    () =>
      `<p>${Array.from({ length: 5000 }, (_, i) => `<math><msup><mi>a</mi><mn>${i}</mn></msup></math> `).join('')}</p>`,
  ],
  ['50,000 links and bold tags, unclosed', () => '<a><b>'.repeat(50_000)],
  [
    '40,000 elements of different names',
    () =>
      Array.from({ length: 40_000 }, (_, i) => `<div class="c${i}" id="related-${i}">${i} x</div>`).join(''),
  ],
  [
    'KaTeX output nested 10,000 deep',
    () => `<span class="katex"><span class="katex-html">${'<span class="mord">'.repeat(10_000)}x`,
  ],
  ['broken UTF-16', () => `<p>${'\ud800'.repeat(1000)} text \udc00</p>`],
];

describe('hostile pages', () => {
  for (const [name, html] of pages) {
    it(`survives ${name}`, { timeout: 60_000 }, () => {
      const before = process.cpuUsage();
      let outcome: string;
      try {
        outcome = typeof htmlToText(html(), { url: 'hostile.html' }).text;
      } catch (error) {
        outcome = (error as Error).message;
        expect(outcome).toMatch(/^hostile\.html: /);
      }
      const used = process.cpuUsage(before);
      expect(outcome).not.toBe('');
      expect((used.user + used.system) / 1e6).toBeLessThan(10);
    });
  }

  it('refuses a page beyond the size limit and names the page and the limit', () => {
    expect(() => htmlToText('x'.repeat(101), { url: 'big.html', limits: { characters: 100 } })).toThrow(
      'big.html: 101 characters of HTML, more than the 100 allowed',
    );
  });

  it('refuses a page with too many elements', () => {
    expect(() => htmlToText('<p>a</p>'.repeat(11), { url: 'many.html', limits: { elements: 10 } })).toThrow(
      'many.html: more than 10 elements',
    );
  });

  it('keeps the text below the deepest level it reads', () => {
    expect(htmlToText(`${'<div>'.repeat(500)}the bottom${'</div>'.repeat(500)}`).text).toContain(
      'the bottom',
    );
  });
});
