/** Every way a page writes a formula comes out as TeX once: KaTeX, MathJax 2 to 4, MathML, Wikipedia, images, scripts. */
import { describe, expect, it } from 'vitest';
import { htmlToText } from '../../src/extract/html-to-text.ts';

const filler =
  '<p>The sum of two numbers does not depend on their order, which is the first thing that one learns about addition, and it holds for all of them.</p>';
function page(body: string): string {
  return `<!DOCTYPE html><html><head><title>A page</title></head><body><article><h1>A page</h1>${filler.repeat(4)}<p>${body}</p>${filler.repeat(2)}</article></body></html>`;
}
/** The paragraph under test, and how many formulas the page has. */
function extract(body: string): { text: string; formulas: number } {
  const { text, mathSpans } = htmlToText(page(body));
  const rest = text.split('\n').filter((line) => line !== '' && !line.startsWith('The sum of two numbers'));
  return { text: rest.join('\n'), formulas: mathSpans };
}

const katex = (tex: string, display = false): string => {
  const inner =
    `<span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><msup><mi>e</mi><mi>x</mi></msup></mrow><annotation encoding="application/x-tex">${tex}</annotation></semantics></math></span>` +
    '<span class="katex-html" aria-hidden="true"><span class="base"><span class="mord mathnormal">e</span><span class="vlist">x</span></span></span></span>';
  return display ? `<span class="katex-display">${inner}</span>` : inner;
};

describe('formulas in markup', () => {
  const cases: [name: string, html: string, text: string, formulas: number][] = [
    ['KaTeX inline', `so ${katex('e^{x}+1')} grows`, 'so $e^{x}+1$ grows', 1],
    ['KaTeX display', `so ${katex('e^{x}=1', true)} holds`, 'so\n$$e^{x}=1$$\nholds', 1],
    [
      'MathML with an annotation',
      'we get <math><semantics><mfrac><mi>a</mi><mi>b</mi></mfrac><annotation encoding="application/x-tex">\\frac{a}{b}</annotation></semantics></math> here',
      'we get $\\frac{a}{b}$ here',
      1,
    ],
    [
      'MathML with alttext',
      'we get <math alttext="x^{2}"><msup><mi>x</mi><mn>2</mn></msup></math> here',
      'we get $x^{2}$ here',
      1,
    ],
    [
      'MathML alone',
      'we get <math><msqrt><mn>1</mn><mo>-</mo><msup><mi>x</mi><mn>2</mn></msup></msqrt></math> here',
      'we get $\\sqrt{1 - x^{2}}$ here',
      1,
    ],
    [
      'a display wrapper',
      'see <math display="block" alttext="{\\displaystyle a+b}"><mi>a</mi></math> there',
      'see\n$$a+b$$\nthere',
      1,
    ],
    [
      'Wikipedia',
      'the <span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;"><math alttext="{\\displaystyle n!}"><semantics><mi>n</mi><annotation encoding="application/x-tex">{\\displaystyle n!}</annotation></semantics></math></span><img src="https://x.org/svg/1" class="mwe-math-fallback-image-inline" aria-hidden="true" alt="{\\displaystyle n!}"></span> factorial',
      'the $n!$ factorial',
      1,
    ],
    [
      'a Wikipedia image alone',
      'the <img class="mwe-math-fallback-image-inline" alt="{\\displaystyle a_{1}}" src="x.svg"> term',
      'the $a_{1}$ term',
      1,
    ],
    ['a class="tex" image', 'the <img class="tex" alt="\\alpha + 1"> term', 'the $\\alpha + 1$ term', 1],
    [
      'a WordPress image',
      'the <img src="https://s0.wp.com/latex.php?latex=x%5E2&bg=ffffff" alt="x^2" class="latex" /> term',
      'the $x^2$ term',
      1,
    ],
    [
      'a codecogs image without alt',
      'the <img src="https://latex.codecogs.com/gif.latex?%5Cfrac%7Ba%7D%7Bb%7D"> term',
      'the $\\frac{a}{b}$ term',
      1,
    ],
    ['a picture that is no formula', 'the <img src="cat.jpg" alt="a cat"> sat', 'the sat', 0],
    [
      'MathJax 2 source with preview and output',
      'the <span class="MathJax_Preview">[math]</span><span class="MathJax" id="MathJax-Element-1-Frame"><nobr>x+1</nobr></span><script type="math/tex" id="MathJax-Element-1">x+1 &lt; y</script> value'.replace(
        '&lt;',
        '<',
      ),
      'the $x+1 < y$ value',
      1,
    ],
    [
      'MathJax 2 display source',
      'the <script type="math/tex; mode=display">x+1</script> value',
      'the\n$$x+1$$\nvalue',
      1,
    ],
    [
      'MathJax 2 output without source',
      'the <span class="MathJax" data-mathml="&lt;math&gt;&lt;msup&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;mn&gt;2&lt;/mn&gt;&lt;/msup&gt;&lt;/math&gt;"><nobr>x2</nobr></span> value',
      'the $x^{2}$ value',
      1,
    ],
    [
      'MathJax 3 with assistive MathML',
      'the <mjx-container class="MathJax" jax="CHTML"><mjx-math class="MJX-TEX" aria-hidden="true"><mjx-mi><mjx-c class="mjx-c1D465"></mjx-c></mjx-mi></mjx-math><mjx-assistive-mml unselectable="on" display="inline"><math><msup><mi>x</mi><mn>3</mn></msup></math></mjx-assistive-mml></mjx-container> value',
      'the $x^{3}$ value',
      1,
    ],
    [
      'MathJax 4 with data-latex',
      'the <mjx-container class="MathJax" jax="SVG" display="true" data-latex="\\sqrt{x}"><svg><g/></svg></mjx-container> value',
      'the\n$$\\sqrt{x}$$\nvalue',
      1,
    ],
    [
      'MathJax delimiters',
      'the \\(a_1\\) and \\[b_2\\] and $c_3$ and $$d_4$$ values',
      'the \\(a_1\\) and \\[b_2\\] and $c_3$ and $$d_4$$ values',
      4,
    ],
    [
      'Pandoc without delimiters',
      'the <span class="math inline">x^2 + 1</span> value',
      'the $x^2 + 1$ value',
      1,
    ],
    ['prices', 'it costs $5 and then $6, or $1,000 in all', 'it costs $5 and then $6, or $1,000 in all', 0],
    [
      'superscripts',
      'about 10<sup>6</sup> of H<sub>2</sub>O, the 2<sup>nd</sup> time',
      'about 10^{6} of H_{2}O, the 2nd time',
      0,
    ],
    [
      'a citation mark',
      'as is known<sup class="reference"><a href="#cite-1">[1]</a></sup> today',
      'as is known today',
      0,
    ],
    [
      'a stacked fraction',
      'take <span class="intbl"><em>1</em><strong>2</strong></span> of it',
      'take $\\frac{1}{2}$ of it',
      1,
    ],
    [
      'Stack Exchange',
      'let <span class="math-container">$x^2$</span> and <span class="math-container">$$\\int x$$</span> be',
      'let $x^2$ and $$\\int x$$ be',
      2,
    ],
    [
      'LaTeXML as on ar5iv',
      'see <math class="ltx_Math" alttext="\\displaystyle x_{1}" display="inline"><semantics><mi>x</mi><annotation encoding="application/x-tex">x_{1}</annotation></semantics></math> here',
      'see $x_{1}$ here',
      1,
    ],
    [
      'MathML with a prefix',
      'see <m:math><m:mfrac><m:mi>a</m:mi><m:mi>b</m:mi></m:mfrac></m:math> here',
      'see $\\frac{a}{b}$ here',
      1,
    ],
    ['AsciiMath', 'so <script type="math/asciimath">sqrt(y)</script> is', 'so `sqrt(y)` is', 0],
    ['mhchem', 'so \\(\\ce{2H2 + O2 -> 2H2O}\\) burns', 'so \\(\\ce{2H2 + O2 -> 2H2O}\\) burns', 1],
    [
      'a text fraction',
      'add <span class="frac">1<sup>1</sup>&frasl;<sub>2</sub></span> and <span class="sfrac"><span class="num">1</span><span class="sr-only">/</span><span class="den">3</span></span> cups',
      'add $1\\frac{1}{2}$ and $\\frac{1}{3}$ cups',
      2,
    ],
    [
      'WordPress KaTeX before its script ran',
      'so <span class="wp-katex-eq" data-display="false">x^2 + 1</span> is',
      'so $x^2 + 1$ is',
      1,
    ],
    [
      'footnotes that are not links, and exponents',
      'the theorem<sup>3</sup> says that sinh<sup>2</sup> of x metres<sup>2</sup> is x<sup>2</sup>, as known<sup>[12]</sup>',
      'the theorem says that sinh^{2} of x metres^{2} is x^{2}, as known',
      0,
    ],
    ['code that looks like a formula', 'run <code>echo $x$</code> now', 'run echo $x$ now', 0],
  ];
  for (const [name, html, text, formulas] of cases) {
    it(`reads ${name}`, () => {
      expect(extract(html)).toEqual({ text, formulas });
    });
  }

  it('joins a LaTeXML equation group into one aligned formula', () => {
    const row = (left: string, right: string): string =>
      `<tr class="ltx_equation ltx_eqn_row"><td class="ltx_eqn_cell ltx_eqn_center_padleft"></td><td class="ltx_td ltx_align_right ltx_eqn_cell"><math alttext="\\displaystyle ${left}"><mi>a</mi></math></td><td class="ltx_td ltx_eqn_cell"><math alttext="\\displaystyle ${right}"><mi>b</mi></math></td></tr>`;
    const { text, formulas } = extract(
      `then</p><table class="ltx_equationgroup ltx_eqn_align ltx_eqn_table">${row('x', '=1')}${row('y', '=2')}</table><p>so`,
    );
    expect(text).toBe('then\n$$\\begin{aligned} x & =1 \\\\ y & =2 \\end{aligned}$$\nso');
    expect(formulas).toBe(1);
  });

  it('keeps a < inside a formula, however the parser cuts the text', () => {
    const { text } = extract('if <math alttext="d(a)&lt;d(b)&gt;c"><mi>d</mi></math> then');
    expect(text).toBe('if $d(a)<d(b)>c$ then');
  });
});
