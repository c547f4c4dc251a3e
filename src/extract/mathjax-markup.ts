/**
 * Formulas as MathJax leaves them in a page: version 2 as a source script beside its output, versions 3 and 4 as `mjx-container`.
 *
 * Version 2 keeps the source in `<script type="math/tex">` next to previews and output, which only repeat it. Versions 3 and 4 keep it
 * in `data-latex` (4) or in assistive MathML; without either the drawing itself is read (rendered-math.ts).
 */
import { buildPage } from './build-page.ts';
import { cleanTex } from './clean-tex.ts';
import type { FormulaWriter } from './formula-writer.ts';
import { defaultLimits } from './limits.ts';
import { texOfMathElement, texOfMathMl } from './mathml.ts';
import { type PageElement, PageText } from './page-dom.ts';
import { mathJaxMathMl } from './rendered-math.ts';

/** Classes of rendered MathJax 2 output, which repeats what its script says. */
export const renderedMathJax2 =
  /(?:^|\s)(?:MathJax(?:_Preview|_Display|_SVG(?:_Display)?|_CHTML|_MathML|_Error)?|MJXc-display|mjx-chtml|MJX_Assistive_MathML)(?:\s|$)/;
const longestFragment = 60_000;

/** MathJax 2 source: `<script type="math/tex; mode=display">`. Its preview and output are removed on their own. */
export function rewriteScript(element: PageElement, writer: FormulaWriter): void {
  const type = (element.getAttribute('type') ?? '').toLowerCase();
  const text = element.textContent;
  const display = /mode\s*=\s*display/.test(type);
  if (type.startsWith('math/mml')) {
    const math = mathOfMarkup(text);
    writer.put(element, math === null ? undefined : texOfMathElement(math, writer.budget), display);
    return;
  }
  if (type.startsWith('math/asciimath')) {
    // Not TeX; AsciiMath's own delimiters say so.
    element.replaceWith(new PageText(`\`${text.trim()}\``));
    return;
  }
  const cleaned = cleanTex(text.replace(/^\s*%\s*<!\[CDATA\[|%\s*\]\]>\s*$/g, ''));
  if (cleaned.tex === '') element.remove();
  else writer.replace(element, cleaned.tex, display || cleaned.display === true);
}

/** MathJax 2 output: dropped when its script follows, else read from the MathML it carries. */
export function rewriteMathJax2(element: PageElement, className: string, writer: FormulaWriter): void {
  if (hasScriptAfter(element)) {
    element.remove();
    return;
  }
  const display = /_Display|MJXc-display/.test(className);
  const markup = element.getAttribute('data-mathml');
  const math = markup === null ? element.first('math') : mathOfMarkup(markup);
  if (math !== null) {
    writer.put(element, texOfMathElement(math, writer.budget), display);
    return;
  }
  // A wrapper around the element that carries the MathML: that one is visited next.
  if (element.find((inner) => inner.hasAttribute('data-mathml')) !== null) return;
  if (className.includes('MathJax_Preview')) element.remove();
}

/** The `math` element written in an attribute or a script. */
function mathOfMarkup(markup: string): PageElement | null {
  return buildPage(markup.slice(0, longestFragment), defaultLimits).document.body.first('math');
}

/** The source script comes within the next siblings, or after the display wrapper. */
function hasScriptAfter(element: PageElement): boolean {
  for (
    let node: PageElement | null = element, level = 0;
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
export function rewriteMathJax3(element: PageElement, writer: FormulaWriter): void {
  const display = element.getAttribute('display') === 'true' || element.getAttribute('display') === 'block';
  const holder = element.hasAttribute('data-latex')
    ? element
    : element.find(
        (inner) =>
          (inner.localName === 'mjx-math' || inner.localName === 'math') && inner.hasAttribute('data-latex'),
      );
  const source = holder?.getAttribute('data-latex') ?? element.getAttribute('data-original');
  if (
    source !== null &&
    source !== undefined &&
    source.trim() !== '' &&
    !source.trimStart().startsWith('<')
  ) {
    writer.replace(element, cleanTex(source).tex, display);
    return;
  }
  const math = element.first('math');
  if (math !== null) {
    writer.put(element, texOfMathElement(math, writer.budget), display);
    return;
  }
  const drawn = mathJaxMathMl(element);
  writer.put(element, drawn === undefined ? undefined : texOfMathMl(drawn, display, writer.budget), display);
}
