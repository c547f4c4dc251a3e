/**
 * Rewrites every formula of a page into marked TeX text, before main content is looked for.
 *
 * Elements are visited in document order; a container (KaTeX, MathJax, Wikipedia, LaTeXML table) is handled before
 * what it holds and leaves exactly one formula behind, so previews, assistive MathML and fallback images are not
 * repeated. Delimiters in text (`\(..\)`, `$..$`) are left alone: they are TeX already.
 *
 * Order of trust per container: TeX source the page carries, then alt texts, then MathML conversion.
 * Sources for the markup: KaTeX, MathJax 2-4, MediaWiki Math, LaTeXML, Sphinx imgmath, WordPress, Pandoc.
 */
import { cleanTex } from './clean-tex.ts';
import { equationTableTex } from './equation-table.ts';
import { texOfImage } from './formula-image.ts';
import { FormulaWriter, type MathPassCounts } from './formula-writer.ts';
import { renderedMathJax2, rewriteMathJax2, rewriteMathJax3, rewriteScript } from './mathjax-markup.ts';
import { texOfMathElement, texOfMathMl } from './mathml.ts';
import type { PageDocument } from './page-document.ts';
import type { PageElement } from './page-dom.ts';
import { katexMathMl } from './rendered-math.ts';

const mathClass = /katex|MathJax|mjx|MJX|mwe-math|math|tex|formula|intbl|frac|latex|LaTeX/;

export function rewriteMath(document: PageDocument): MathPassCounts {
  const writer = new FormulaWriter();
  // A container is rewritten before what it holds; what has left the page with it is passed over.
  let gone: PageElement | undefined;
  for (const element of candidates(document)) {
    if (gone !== undefined && isInside(element, gone)) continue;
    gone = undefined;
    const parent = element.parentNode;
    rewriteElement(element, writer);
    if (parent !== null && element.parentNode === null) gone = element;
  }
  return writer.counts;
}

function isInside(element: PageElement, container: PageElement): boolean {
  for (let up = element.parentNode; up !== null; up = up.parentNode) if (up === container) return true;
  return false;
}

function candidates(document: PageDocument): PageElement[] {
  const list: PageElement[] = [];
  for (const element of document.body.descendants()) {
    const name = element.localName;
    if (name === 'math' || name === 'img' || name.startsWith('mjx-') || name === 'mt-script')
      list.push(element);
    else if (rawTexTags.has(name)) list.push(element);
    else {
      const className = element.getAttribute('class');
      if (className !== null && (mathClass.test(className) || className.startsWith('ltx_eq')))
        list.push(element);
      else if (element.hasAttribute('data-value') || element.hasAttribute('data-equation-content'))
        list.push(element);
    }
  }
  return list;
}

function rewriteElement(element: PageElement, writer: FormulaWriter): void {
  const name = element.localName;
  const className = element.getAttribute('class') ?? '';
  if (name === 'math') {
    writer.put(element, texOfMathElement(element, writer.budget));
    return;
  }
  if (name === 'img') {
    const image = texOfImage(element);
    if (image === undefined) element.remove();
    else writer.replace(element, image.tex, image.display);
    return;
  }
  if (name === 'mt-script') {
    rewriteScript(element, writer);
    return;
  }
  if (name === 'mjx-container') {
    rewriteMathJax3(element, writer);
    return;
  }
  if (name === 'table' && /(?:^|\s)ltx_(?:equation|equationgroup|eqn_table)(?:\s|$)/.test(className)) {
    const table = equationTableTex(element, writer.budget);
    if (table !== undefined) writer.replace(element, table, true);
    return;
  }
  if (/(?:^|\s)katex(?:-display|-error)?(?:\s|$)/.test(className)) {
    rewriteKatex(element, className, writer);
    return;
  }
  if (/(?:^|\s)mwe-math-element(?:\s|$)/.test(className)) {
    rewriteWikipedia(element, writer);
    return;
  }
  if (renderedMathJax2.test(className)) {
    rewriteMathJax2(element, className, writer);
    return;
  }
  if (/(?:^|\s)(?:intbl|s?frac)(?:\s|$)/.test(className)) {
    rewriteStackedFraction(element, writer);
    return;
  }
  rewriteRawTex(element, name, className, writer);
}

/** KaTeX: the annotation inside `.katex-mathml` wins; `.katex-html` repeats it glyph by glyph. */
function rewriteKatex(element: PageElement, className: string, writer: FormulaWriter): void {
  if (className.includes('katex-error')) {
    const { tex } = cleanTex(element.textContent);
    if (tex !== '') writer.replace(element, tex, false);
    return;
  }
  const display = className.includes('katex-display');
  const math = element.first('math');
  if (math !== null) {
    writer.put(element, texOfMathElement(math, writer.budget), display);
    return;
  }
  const annotation = element.first('annotation');
  const source =
    annotation?.textContent ?? element.getAttribute('data-latex') ?? element.getAttribute('data-tex');
  if (source !== null && source !== undefined && source.trim() !== '') {
    const { tex } = cleanTex(source);
    writer.replace(element, tex, display);
    return;
  }
  if (display && element.find((inner) => /(?:^|\s)katex(?:\s|$)/.test(inner.className)) !== null) return; // the inner element will come
  const html = element.find((inner) => /(?:^|\s)katex-html(?:\s|$)/.test(inner.className)) ?? element;
  const markup = katexMathMl(html);
  writer.put(
    element,
    markup === undefined ? undefined : texOfMathMl(markup, display, writer.budget),
    display,
  );
}

/** Wikipedia: hidden MathML beside an image with the same TeX as alt text. */
function rewriteWikipedia(element: PageElement, writer: FormulaWriter): void {
  const math = element.first('math');
  const image = element.first('img');
  const display =
    math?.getAttribute('display') === 'block' ||
    (image?.getAttribute('class') ?? '').includes('image-display');
  if (math !== null) {
    writer.put(element, texOfMathElement(math, writer.budget), display);
    return;
  }
  const alt = image?.getAttribute('alt');
  if (alt !== null && alt !== undefined) {
    writer.replace(element, cleanTex(alt).tex, display);
    return;
  }
}

/**
 * Fractions made of text: mathsisfun.com's `<span class="intbl"><em>1</em><strong>2</strong></span>`, Wikipedia's `frac` (raised and
 * lowered, a whole number before) and `sfrac` (`num` over `den`).
 */
function rewriteStackedFraction(element: PageElement, writer: FormulaWriter): void {
  const part = (tag: string, name: string): string =>
    element
      .find(
        (inner) => inner.localName === tag || (name !== '' && ` ${inner.className} `.includes(` ${name} `)),
      )
      ?.textContent.trim() ?? '';
  const intbl = /(?:^|\s)intbl(?:\s|$)/.test(element.className);
  const over = intbl ? part('em', '') : part('sup', 'num');
  const under = intbl ? part('strong', '') : part('sub', 'den');
  if (over === '' || under === '' || over.length + under.length >= 200) return;
  const first = element.firstChild;
  const whole = first?.nodeType === 3 ? (/\d+/.exec(first.nodeValue)?.[0] ?? '') : '';
  writer.replace(element, `${whole}\\frac{${over}}{${under}}`, false);
}

const rawTexTags = new Set(['tex', 'tex-math', 'd-math', 'la-tex', 'ce-katex']);
const rawTexAttributes = [
  'data-latex',
  'data-tex',
  'data-math',
  'data-formula',
  'data-katex',
  'data-equation-content',
];
const texLike = /\\[A-Za-z]+|[\^_={}]|^[A-Za-z0-9]{1,3}$|^[\w\s+\-*/().,|<>!']{1,60}$/;

/** Elements that hold raw TeX which a script would have rendered: Pandoc, Quill, Canvas, `<tex-math>`. */
function rewriteRawTex(element: PageElement, name: string, className: string, writer: FormulaWriter): void {
  for (const attribute of rawTexAttributes) {
    const value = element.getAttribute(attribute);
    if (value !== null && value.trim() !== '') {
      const { tex, display } = cleanTex(value);
      writer.replace(element, tex, display ?? /display|block/.test(className));
      return;
    }
  }
  if (className.includes('ql-formula')) {
    const value = element.getAttribute('data-value');
    if (value !== null && value.trim() !== '') writer.replace(element, cleanTex(value).tex, false);
    return;
  }
  const written = /(?:^|\s)(?:wp-)?katex-eq(?:\s|$)/.test(className);
  const pandoc =
    /(?:^|\s)math(?:\s|$)/.test(className) && /(?:^|\s)(?:inline|display)(?:\s|$)/.test(className);
  if (!pandoc && !written && !rawTexTags.has(name)) return;
  if (element.firstElementChild !== null) return;
  const text = element.textContent;
  if (/^\s*(?:\\\(|\\\[|\$)/.test(text)) return; // delimited already
  const { tex } = cleanTex(text);
  if (tex !== '' && texLike.test(tex))
    writer.replace(
      element,
      tex,
      /display|block/.test(className) ||
        element.hasAttribute('block') ||
        element.getAttribute('data-display') === 'true',
    );
}
