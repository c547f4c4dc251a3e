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
import { marks } from './math-marks.ts';
import { type MathElementTex, texOfMathElement } from './mathml.ts';
import { parseFragment } from './parse-page.ts';

export interface MathPassCounts {
  /** Formulas rewritten. */
  formulas: number;
  /** Of these, how many had to be converted from MathML. */
  converted: number;
  /** How many could be kept only as visible characters. */
  asText: number;
}

/** Classes of rendered MathJax 2 output, which repeats what its script says. */
const renderedMathJax2 =
  /(?:^|\s)(?:MathJax(?:_Preview|_Display|_SVG(?:_Display)?|_CHTML|_MathML|_Error)?|MJXc-display|mjx-chtml|MJX_Assistive_MathML)(?:\s|$)/;
const mathClass = /katex|MathJax|mjx|MJX|mwe-math|math|tex|formula|intbl|latex|LaTeX/;

export function rewriteMath(document: Document): MathPassCounts {
  const counts: MathPassCounts = { formulas: 0, converted: 0, asText: 0 };
  const replace = (element: Element, source: string, display: boolean): void => {
    const mark = display ? marks.display : marks.inline;
    element.replaceWith(document.createTextNode(mark + source + marks.end));
    counts.formulas++;
  };
  const replaceBy = (element: Element, found: MathElementTex | undefined, display?: boolean): void => {
    if (found === undefined) {
      element.remove();
      return;
    }
    if (found.from === 'converted') counts.converted++;
    else if (found.from === 'text') counts.asText++;
    replace(element, found.tex, display === true || found.display);
  };
  for (const element of candidates(document)) {
    if (!element.isConnected) continue;
    rewriteElement(element, replace, replaceBy);
  }
  return counts;
}

type Replace = (element: Element, source: string, display: boolean) => void;
type ReplaceBy = (element: Element, found: MathElementTex | undefined, display?: boolean) => void;

function candidates(document: Document): Element[] {
  const list: Element[] = [];
  for (const element of document.querySelectorAll('*')) {
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

function rewriteElement(element: Element, replace: Replace, replaceBy: ReplaceBy): void {
  const name = element.localName;
  const className = element.getAttribute('class') ?? '';
  if (name === 'math') {
    replaceBy(element, texOfMathElement(element));
    return;
  }
  if (name === 'img') {
    const image = texOfImage(element);
    if (image === undefined) element.remove();
    else replace(element, image.tex, image.display);
    return;
  }
  if (name === 'mt-script') {
    rewriteScript(element, replace, replaceBy);
    return;
  }
  if (name === 'mjx-container') {
    rewriteMathJax3(element, replace, replaceBy);
    return;
  }
  if (name === 'table' && /(?:^|\s)ltx_(?:equation|equationgroup|eqn_table)(?:\s|$)/.test(className)) {
    const table = equationTableTex(element);
    if (table !== undefined) replace(element, table, true);
    return;
  }
  if (/(?:^|\s)katex(?:-display|-error)?(?:\s|$)/.test(className)) {
    rewriteKatex(element, className, replace, replaceBy);
    return;
  }
  if (/(?:^|\s)mwe-math-element(?:\s|$)/.test(className)) {
    rewriteWikipedia(element, replace, replaceBy);
    return;
  }
  if (renderedMathJax2.test(className)) {
    rewriteMathJax2(element, className, replaceBy);
    return;
  }
  if (/(?:^|\s)intbl(?:\s|$)/.test(className)) {
    rewriteStackedFraction(element, replace);
    return;
  }
  rewriteRawTex(element, name, className, replace);
}

/** KaTeX: the annotation inside `.katex-mathml` wins; `.katex-html` repeats it glyph by glyph. */
function rewriteKatex(element: Element, className: string, replace: Replace, replaceBy: ReplaceBy): void {
  if (className.includes('katex-error')) {
    const { tex } = cleanTex(element.textContent ?? '');
    if (tex !== '') replace(element, tex, false);
    return;
  }
  const display = className.includes('katex-display');
  const math = element.querySelector('math');
  if (math !== null) {
    replaceBy(element, texOfMathElement(math), display);
    return;
  }
  const annotation = element.querySelector('annotation');
  const source =
    annotation?.textContent ?? element.getAttribute('data-latex') ?? element.getAttribute('data-tex');
  if (source !== null && source !== undefined && source.trim() !== '') {
    const { tex } = cleanTex(source);
    replace(element, tex, display);
    return;
  }
  // Rendered HTML only: its visible characters, which lose scripts and fractions.
  if (display && element.querySelector('.katex') !== null) return; // the inner element will come
  const text =
    (element.querySelector('.katex-html') ?? element).textContent?.replace(/\s+/g, ' ').trim() ?? '';
  replaceBy(element, text === '' ? undefined : { tex: text, display, from: 'text' });
}

/** Wikipedia: hidden MathML beside an image with the same TeX as alt text. */
function rewriteWikipedia(element: Element, replace: Replace, replaceBy: ReplaceBy): void {
  const math = element.querySelector('math');
  const image = element.querySelector('img');
  const display =
    math?.getAttribute('display') === 'block' ||
    (image?.getAttribute('class') ?? '').includes('image-display');
  if (math !== null) {
    replaceBy(element, texOfMathElement(math), display);
    return;
  }
  const alt = image?.getAttribute('alt');
  if (alt !== null && alt !== undefined) {
    replace(element, cleanTex(alt).tex, display);
    return;
  }
}

/** MathJax 2 source: `<script type="math/tex; mode=display">`. Its preview and output are removed on their own. */
function rewriteScript(element: Element, replace: Replace, replaceBy: ReplaceBy): void {
  const type = (element.getAttribute('type') ?? '').toLowerCase();
  const text = element.textContent ?? '';
  const display = /mode\s*=\s*display/.test(type);
  if (type.startsWith('math/mml')) {
    const math = parseFragment(text).querySelector('math');
    replaceBy(element, math === null ? undefined : texOfMathElement(math), display);
    return;
  }
  if (type.startsWith('math/asciimath')) {
    // Not TeX; AsciiMath's own delimiters say so.
    element.replaceWith(`\`${text.trim()}\``);
    return;
  }
  const cleaned = cleanTex(text.replace(/^\s*%\s*<!\[CDATA\[|%\s*\]\]>\s*$/g, ''));
  if (cleaned.tex === '') element.remove();
  else replace(element, cleaned.tex, display || cleaned.display === true);
}

/** MathJax 2 output: dropped when its script follows, else read from the MathML it carries. */
function rewriteMathJax2(element: Element, className: string, replaceBy: ReplaceBy): void {
  if (hasScriptAfter(element)) {
    element.remove();
    return;
  }
  const display = /_Display|MJXc-display/.test(className);
  const markup = element.getAttribute('data-mathml');
  const math = markup === null ? element.querySelector('math') : parseFragment(markup).querySelector('math');
  if (math !== null) {
    replaceBy(element, texOfMathElement(math), display);
    return;
  }
  // A wrapper around the element that carries the MathML: that one is visited next.
  if (element.querySelector('[data-mathml]') !== null) return;
  if (className.includes('MathJax_Preview')) element.remove();
}

/** The source script comes within the next siblings, or after the display wrapper. */
function hasScriptAfter(element: Element): boolean {
  for (
    let node: Element | null = element, level = 0;
    node !== null && level < 3;
    node = node.parentElement, level++
  ) {
    let next = node.nextElementSibling;
    for (let step = 0; next !== null && step < 3; step++, next = next.nextElementSibling) {
      if (next.localName === 'mt-script') return true;
      const nextClass = next.getAttribute('class') ?? '';
      if (!renderedMathJax2.test(nextClass)) break;
    }
    const parentClass = node.parentElement?.getAttribute('class') ?? '';
    if (!renderedMathJax2.test(parentClass)) break;
  }
  return false;
}

/** MathJax 3 and 4: `data-latex` where there is one, else the assistive MathML. */
function rewriteMathJax3(element: Element, replace: Replace, replaceBy: ReplaceBy): void {
  const display = element.getAttribute('display') === 'true' || element.getAttribute('display') === 'block';
  const holder = element.hasAttribute('data-latex')
    ? element
    : element.querySelector('mjx-math[data-latex], math[data-latex]');
  const source = holder?.getAttribute('data-latex') ?? element.getAttribute('data-original');
  if (
    source !== null &&
    source !== undefined &&
    source.trim() !== '' &&
    !source.trimStart().startsWith('<')
  ) {
    replace(element, cleanTex(source).tex, display);
    return;
  }
  const math = element.querySelector('math');
  if (math !== null) {
    replaceBy(element, texOfMathElement(math), display);
    return;
  }
  element.remove(); // glyphs without a source: nothing readable is in the page
}

/** mathsisfun.com writes fractions as `<span class="intbl"><em>1</em><strong>2</strong></span>`. */
function rewriteStackedFraction(element: Element, replace: Replace): void {
  const over = element.querySelector('em')?.textContent?.trim();
  const under = element.querySelector('strong')?.textContent?.trim();
  if (over && under && over.length + under.length < 200) replace(element, `\\frac{${over}}{${under}}`, false);
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
function rewriteRawTex(element: Element, name: string, className: string, replace: Replace): void {
  for (const attribute of rawTexAttributes) {
    const value = element.getAttribute(attribute);
    if (value !== null && value.trim() !== '') {
      const { tex, display } = cleanTex(value);
      replace(element, tex, display ?? /display|block/.test(className));
      return;
    }
  }
  if (className.includes('ql-formula')) {
    const value = element.getAttribute('data-value');
    if (value !== null && value.trim() !== '') replace(element, cleanTex(value).tex, false);
    return;
  }
  const pandoc =
    /(?:^|\s)math(?:\s|$)/.test(className) && /(?:^|\s)(?:inline|display)(?:\s|$)/.test(className);
  if (!pandoc && !rawTexTags.has(name)) return;
  if (element.firstElementChild !== null) return;
  const text = element.textContent ?? '';
  if (/^\s*(?:\\\(|\\\[|\$)/.test(text)) return; // delimited already
  const { tex } = cleanTex(text);
  if (tex !== '' && texLike.test(tex))
    replace(element, tex, /display|block/.test(className) || element.hasAttribute('block'));
}
