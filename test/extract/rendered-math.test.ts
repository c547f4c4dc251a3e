/**
 * Formulas that a page carries only as a renderer drew them. `rendered-formulas.jsonl` holds the markup of KaTeX 0.19.1 (HTML output)
 * and MathJax 3.2.2 (CHTML and SVG, assistive MathML left out), styles and outlines removed.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { htmlToText } from '../../src/extract/html-to-text.ts';
import { ConversionBudget, texOfMathMl } from '../../src/extract/mathml.ts';
import { normaliseFormula } from './normalise-formula.ts';

interface Rendered {
  renderer: string;
  tex: string;
  html: string;
}

const rendered = readFileSync(path.join(import.meta.dirname, 'rendered-formulas.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Rendered);

describe('rendered formulas without a source', () => {
  const prose =
    '<p>We look at what the value of such a number may be, and why it is so, in all of the cases.</p>';
  for (const { renderer, tex, html } of rendered) {
    it(`reads ${tex} drawn by ${renderer}`, () => {
      const { text, mathSpans } = htmlToText(
        `<body>${prose.repeat(4)}<p>The value ${html} is here.</p></body>`,
      );
      const found = /The value\s*\$+([^$]*)\$+\s*is here/.exec(text)?.[1] ?? text;
      expect(normaliseFormula(found)).toBe(normaliseFormula(tex));
      expect(mathSpans).toBe(1);
    });
  }
});

describe('bare MathML', () => {
  const cases: [name: string, markup: string, tex: string][] = [
    ['a sum with one limit', '<munder><mo>∑</mo><mi>n</mi></munder><mi>n</mi>', '\\sum_{n} n'],
    [
      'a limit',
      '<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder>',
      '\\lim_{x \\rightarrow 0}',
    ],
    ['a function', '<mi>sin</mi><mi>x</mi>', '\\sin x'],
    ['a word that holds a function', '<mtext>sing</mtext>', '\\text{sing}'],
    ['a vector', '<mover><mi>v</mi><mo>→</mo></mover>', '\\vec{v}'],
    [
      'a bar over two letters',
      '<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>¯</mo></mover>',
      '\\overline{A B}',
    ],
    ['an alphabet', '<mi>ℝ</mi><mo>,</mo><mi>𝐯</mi>', '\\mathbb{R} , \\mathbf{v}'],
    ['Greek that the converter confuses', '<mi>ε</mi><mo>+</mo><mi>φ</mi>', '\\varepsilon + \\varphi'],
    ['a percent sign', '<mn>5</mn><mi>%</mi>', '5 \\%'],
    [
      'a congruence',
      '<mi>a</mi><mo>≡</mo><mi>b</mi><mo>(</mo><mi>mod</mi><mi>p</mi><mo>)</mo>',
      'a \\equiv b \\pmod{p}',
    ],
    [
      'cases',
      '<mrow><mo>{</mo><mtable><mtr><mtd><mn>1</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd></mtr></mtable></mrow>',
      '\\begin{cases} 1 \\\\ 0 \\end{cases}',
    ],
    ['low parentheses', '<mi>f</mi><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow>', 'f (x)'],
  ];
  for (const [name, markup, tex] of cases) {
    it(`converts ${name}`, () => {
      expect(texOfMathMl(`<math>${markup}</math>`, false, new ConversionBudget())?.tex).toBe(tex);
    });
  }

  it('keeps the characters of what cannot be converted, and of what the budget leaves out', () => {
    const budget = new ConversionBudget();
    expect(texOfMathMl('<math><mi>x</mi', false, budget)).toMatchObject({ from: 'text' });
    const long = `<math>${'<mi>x</mi>'.repeat(5900)}</math>`;
    for (let round = 0; round < 10; round++) texOfMathMl(long.replace('x', `x${round}`), false, budget);
    expect(texOfMathMl(long, false, budget)).toMatchObject({ from: 'text' });
  });

  it('has nothing for an empty formula', () => {
    expect(texOfMathMl('<math><mrow></mrow></math>', false, new ConversionBudget())).toBeUndefined();
  });
});
